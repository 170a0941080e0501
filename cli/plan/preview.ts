/** What `pulumi preview --json --show-sames` says, as far as a plan is made from it. */

import { type Json, list, record, text } from "../../lib/json.ts";
import { printable } from "../../lib/printable.ts";

export interface Resource {
  readonly urn: string;
  /** The last part of the URN. */
  readonly name: string;
  /** The resource's own type, without its parents'. */
  readonly type: string;
  /** Whether anything happens to it. */
  readonly changes: boolean;
  /** `same`, `create`, `update`, `replace`, `delete`, `protect` (only that option changes) …; of several steps of one resource the one that says most. */
  readonly op: string;
  readonly diffReasons: readonly string[];
  readonly old: State;
  readonly new: State;
}

export interface State {
  readonly inputs: Json;
  readonly outputs: Json;
  readonly dependencies: readonly string[];
  /** The state's mark of a resource that is left alone when it leaves the state. */
  readonly retained: boolean;
  /** Pulumi refuses to delete it. */
  readonly protected: boolean;
}

export interface Preview {
  readonly project: string;
  readonly stack: string;
  /** The stack's configuration as texts, defaults included, secrets masked. */
  readonly config: Readonly<Record<string, string>>;
  readonly resources: readonly Resource[];
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

/** An unknown value in a preview's JSON: known only when `up` gets there. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Ops that leave a resource as it is. */
const QUIET = ["same", "read", "refresh"];

export function parsePreview(stdout: string): Preview {
  const top = record(JSON.parse(stdout.slice(stdout.indexOf("{"))));
  const steps = list(top.steps).map(record);
  const [, stack = "", project = ""] = /^urn:pulumi:([^:]+)::([^:]+)::/.exec(text(steps[0]?.urn)) ?? [];
  return {
    project,
    stack,
    config: Object.fromEntries(Object.entries(record(top.config)).map(([key, value]) => [key, text(value)])),
    resources: resourcesOf(steps),
    warnings: messages(top, "warning").filter((message) => !/^using \S+ from \$PATH/.test(message)),
    errors: messages(top, "error"),
  };
}

/** One resource for all of its steps: a replacement is three of them. */
function resourcesOf(steps: readonly Json[]): readonly Resource[] {
  const byUrn = new Map<string, Json[]>();
  for (const step of steps) {
    const urn = text(step.urn);
    byUrn.set(urn, [...(byUrn.get(urn) ?? []), step]);
  }
  return [...byUrn].map(([urn, all]) => {
    const ops = all.map((step) => text(step.op));
    const replaced = ops.includes("replace") || ops.includes("create-replacement"); // not what an interrupted one left
    const main =
      all.find((step) => text(step.op) === "replace") ??
      all.find((step) => !QUIET.includes(text(step.op))) ??
      all[0];
    const type = urn.split("::").at(-2) ?? "";
    const protects = isQuiet(ops) && isProtected(main?.oldState) !== isProtected(main?.newState);
    return {
      urn,
      name: urn.split("::").at(-1) ?? "",
      type: type.split("$").at(-1) ?? "",
      changes: protects || !isQuiet(ops),
      op: protects ? "protect" : replaced ? "replace" : text(main?.op),
      diffReasons: list(main?.diffReasons).map(text),
      old: stateOf(main?.oldState),
      new: stateOf(main?.newState),
    };
  });
}

function isProtected(state: unknown): boolean {
  return record(state).protect === true;
}

function isQuiet(ops: readonly string[]): boolean {
  return ops.every((op) => QUIET.includes(op));
}

function stateOf(value: unknown): State {
  const state = record(value);
  return {
    inputs: record(state.inputs),
    outputs: record(state.outputs),
    dependencies: list(state.dependencies).map(text),
    retained: state.retainOnDelete === true,
    protected: isProtected(value),
  };
}

/** The texts of one severity, each once, without the engine's own prefix. */
function messages(top: Json, severity: string): readonly string[] {
  const found = list(top.diagnostics)
    .map(record)
    .filter((diagnostic) => diagnostic.severity === severity)
    .map((diagnostic) =>
      printable(text(diagnostic.message))
        .trim()
        .replace(new RegExp(`^${severity}: `), ""),
    );
  return [...new Set(found)].filter((message) => message !== "");
}
