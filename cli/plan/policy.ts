/** What the policy pack says of a preview, from the engine's events: the preview's JSON leaves it out. */

import { fileURLToPath } from "node:url";
import { type Json, record, text } from "../../lib/json.ts";
import { printable } from "../../lib/printable.ts";

/** Arguments that make a preview or an update run the pack. */
export const POLICY_PACK = [
  "--policy-pack",
  fileURLToPath(new URL("../../policy", import.meta.url)),
] as const;

/** One sentence for each rule's message, with the resources that share it. */
export interface Violations {
  readonly mandatory: readonly string[];
  readonly advisory: readonly string[];
}

/** @param eventLog what `pulumi preview --event-log` wrote: one event a line */
export function violationsIn(eventLog: string): Violations {
  const events = eventLog
    .split("\n")
    .filter((line) => line.includes('"policyEvent"')) // of thousands of lines
    .map((line) => record(record(JSON.parse(line)).policyEvent));
  const of = (level: string) =>
    sentences(events.filter(({ enforcementLevel }) => enforcementLevel === level));
  return { mandatory: of("mandatory"), advisory: of("advisory") };
}

/** In an order that does not change: the engine's is that in which its steps end. */
function sentences(events: readonly Json[]): readonly string[] {
  const bySentence = Map.groupBy(events, ({ policyName, message }) => {
    const says = printable(text(message))
      .trim()
      .split(/\s*\n\s*/);
    return `${text(policyName)}: ${says.join(" ")}`;
  });
  const resources = (all: readonly Json[]) =>
    [...new Set(all.map(({ resourceUrn }) => text(resourceUrn).split("::").at(-1) ?? ""))].sort();
  return [...bySentence].map(([says, all]) => `${says} (${resources(all).join(", ")})`).sort();
}
