/** A plan as a table for a terminal. */

import { printable } from "../../lib/printable.ts";
import { table } from "../../lib/table.ts";
import type { Plan } from "./model.ts";
import { closingOf, rowsOf, titleOf, unitDiffs } from "./presentation.ts";

export function terminal(plan: Plan, now: number): string {
  const body = plan.verdict === "refused" ? plan.refusals : planned(plan, now);
  const warnings = plan.warnings.map((warning) => `warning: ${warning}`);
  return printable(`${[titleOf(plan), ...body, ...warnings].join("\n\n")}\n`);
}

function planned(plan: Plan, now: number): readonly string[] {
  const rows = rowsOf(plan).map(({ place, host, what, why }) => [place, host, what, why.replaceAll("`", "")]);
  const diffs = unitDiffs(plan.hosts).map(
    ({ hosts, lines }) => `systemd unit of ${hosts}:\n${lines.map((line) => `  ${line}`).join("\n")}`,
  );
  const closing = closingOf(plan, now).join(" ");
  return [table(["#", "host", "what happens", "why"], rows), ...diffs, closing];
}
