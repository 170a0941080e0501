/** A plan as Markdown: fits a comment of a pull request and the summary of a job. */

import { printable } from "../../lib/printable.ts";
import type { Plan } from "./model.ts";
import { closingOf, rowsOf, titleOf, unitDiffs } from "./presentation.ts";

export function markdown(plan: Plan, now: number): string {
  const parts =
    plan.verdict === "refused"
      ? [`### ${titleOf(plan)}`, ...plan.refusals.map(quote)]
      : [
          `### ${titleOf(plan)}`,
          table(plan),
          closingOf(plan, now).join(" "),
          ...unitDiffs(plan.hosts).map(
            ({ hosts, lines }) =>
              `<details><summary>systemd unit of ${hosts}</summary>\n\n\`\`\`diff\n${lines.join("\n")}\n\`\`\`\n</details>`,
          ),
        ];
  const warnings = plan.warnings.map((warning) => `⚠ ${warning}`);
  return printable(`${[...parts, ...warnings].filter((part) => part !== "").join("\n\n")}\n`); // a job's log has it too
}

function table(plan: Plan): string {
  const rows = rowsOf(plan).map(({ place, host, what, why }) => [place, host, what, why]);
  return [["#", "host", "what happens", "why"], ["---", "---", "---", "---"], ...rows]
    .map((cells) => `| ${cells.map(escapeCell).join(" | ")} |`)
    .join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** A refusal may have several lines, a list of mistakes among them. */
function quote(refusal: string): string {
  return refusal
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}
