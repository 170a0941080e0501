/** What the policy pack refused: `pulumi preview --json` only says that it failed, so the text of another one is read. */

import { fileURLToPath } from "node:url";
import { printable } from "../../lib/printable.ts";

/** Arguments that make a preview or an update run the pack. */
export const POLICY_PACK = [
  "--policy-pack",
  fileURLToPath(new URL("../../policy", import.meta.url)),
] as const;

/** One sentence for each violation of a mandatory rule, with the resources that share it. */
export function violations(previewText: string): readonly string[] {
  const found: { rule: string; resource: string; says: string[] }[] = [];
  for (const line of sectionOf(printable(previewText))) {
    const [, level, rule = "", resource = ""] = /^- \[(\w+)\]\s+(\S+)\s+\(.*: (\S+)\)$/.exec(line) ?? [];
    if (level === undefined) found.at(-1)?.says.push(line);
    else found.push({ rule: level === "mandatory" ? rule : "", resource, says: [] });
  }
  const bySentence = Map.groupBy(
    found.filter(({ rule }) => rule !== ""),
    ({ rule, says }) => `${rule}: ${says.join(" ")}`,
  );
  return [...bySentence].map(([says, all]) => `${says} (${all.map(({ resource }) => resource).join(", ")})`);
}

function sectionOf(previewText: string): readonly string[] {
  const lines = previewText.split("\n");
  const start = lines.indexOf("Policies:");
  if (start < 0) return [];
  const end = lines.findIndex((line, index) => index > start && /^\S/.test(line));
  return lines
    .slice(start + 1, end < 0 ? undefined : end)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
