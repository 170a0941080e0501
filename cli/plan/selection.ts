/** Which resources an operator names beside an `up`: to be replaced, alone, or left out. */

import { isComponentType } from "../../cluster/resource-names.ts";
import { didYouMean } from "../../config/did-you-mean.ts";
import { list, record, text } from "../../lib/json.ts";
import { pulumiJson, type Stack } from "../../lib/pulumi.ts";

/** URNs, or patterns of them, as pulumi's options of these names take them. */
export interface Selection {
  readonly replace: readonly string[];
  readonly target: readonly string[];
  readonly exclude: readonly string[];
}

/** As given on the command line: URNs, or names of resources. */
export type Named = Readonly<Partial<Record<keyof Selection, readonly string[] | undefined>>>;

export const EVERYTHING: Selection = { replace: [], target: [], exclude: [] };

/** Looks names up in the stack: only if there are any. */
export async function selected(stack: Stack, named: Named): Promise<Selection> {
  const { replace = [], target = [], exclude = [] } = named;
  const urns = [...replace, ...target, ...exclude].every(isPattern) ? [] : await urnsOf(stack);
  const find = (words: readonly string[]) => words.flatMap((word) => urnsNamed(word, urns));
  return { replace: find(replace), target: find(target), exclude: find(exclude) };
}

/** The options that say it to pulumi. */
export function optionsFor(selection: Selection): readonly string[] {
  const { replace, target, exclude } = selection;
  return Object.entries({ replace, target, exclude }).flatMap(([option, urns]) =>
    urns.flatMap((urn) => [`--${option}`, urn]),
  );
}

/** Whether steps are left out that the stack asks for. */
export function isPartial({ target, exclude }: Selection): boolean {
  return target.length + exclude.length > 0;
}

/** `--replace node2-member`: the options as an operator types them. */
export function inWords(selection: Selection): string {
  return optionsFor(selection)
    .map((word) => word.split("::").at(-1) ?? word)
    .join(" ");
}

function isPattern(word: string): boolean {
  return word.includes("::") || word.includes("*");
}

/** `node2-*` for all that are called so. A component has the name of its node, but runs nothing: it is not meant. */
export function urnsNamed(word: string, urns: readonly string[]): readonly string[] {
  if (isPattern(word)) return [word.includes("::") ? word : `**::${word}`];
  const named = urns.filter((urn) => urn.split("::").at(-1) === word && !isComponentType(typeOf(urn)));
  if (named.length > 0) return named;
  const parts = urns
    .filter((urn) => !isComponentType(typeOf(urn)))
    .map((urn) => urn.split("::").at(-1) ?? "");
  const steps = parts.filter((part) => part.startsWith(`${word}-`));
  const advice =
    steps.length > 0 ? `; its parts are ${[...new Set(steps)].sort().join(", ")}` : didYouMean(word, parts);
  throw new Error(`There is no resource named ${word} in the stack${advice}.`);
}

function typeOf(urn: string): string {
  return urn.split("::").at(-2)?.split("$").at(-1) ?? "";
}

async function urnsOf(stack: Stack): Promise<readonly string[]> {
  const { deployment } = record(await pulumiJson(stack, "stack", "export"));
  return list(record(deployment).resources).map((resource) => text(record(resource).urn));
}
