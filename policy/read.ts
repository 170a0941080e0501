/** How rules read resources: properties of any shape, some of them not known yet. */

import { type PolicyResourceOptions, UnknownValueError } from "@pulumi/policy";

/** Stands for a value that a preview cannot know. The rule runs again in `up`, where it is known. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** What rules need from a resource; resource rules and stack rules have different types for it. */
export interface Resource {
  readonly type: string;
  readonly urn: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly opts: Pick<PolicyResourceOptions, "protect" | "ignoreChanges">;
}

/** The value at a path: `undefined` where there is none, UNKNOWN where a preview cannot tell. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || value === UNKNOWN) return value;
  if (typeof value !== "object" || value === null) return undefined;
  return at(property(value, key), ...rest);
}

function property(value: object, key: string | number): unknown {
  try {
    return Reflect.get(value, key);
  } catch (error) {
    if (error instanceof UnknownValueError) return UNKNOWN;
    throw error;
  }
}

/** The number at a path; not a number, and so neither more nor less than any, where there is none or it is unknown. */
export function numberAt(value: unknown, ...path: readonly (string | number)[]): number {
  const found = at(value, ...path);
  return found === UNKNOWN || found === undefined || found === null ? Number.NaN : Number(found);
}

/** The entries of a list, or of a single value where Pulumi's providers allow both; none where there is no list. */
export function items(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return value === undefined || value === null ? [] : [value];
  return Array.from({ length: value.length }, (_, index) => at(value, index));
}

/** Whether the inputs name the property at all, known or not. */
export function has(props: Readonly<Record<string, unknown>>, key: string): boolean {
  return Object.hasOwn(props, key) && at(props, key) !== undefined && at(props, key) !== null;
}

/** Whether the resource is a child of a component of that type. */
export function isChildOf(component: string, { urn }: Pick<Resource, "urn">): boolean {
  const types = urn.split("::")[2] ?? "";
  return types.split("$").at(-2) === component;
}

/** A step of a lost node: it stays in the state as it was, and nothing runs it (see INERT in components/step.ts). */
export function isInert({ opts }: Pick<Resource, "opts">): boolean {
  return opts.ignoreChanges.includes("*");
}
