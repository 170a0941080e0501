/** A plan as Markdown: fits a comment of a pull request and the summary of a job. */

import { printable } from "../../lib/printable.ts";
import type { Plan } from "./model.ts";
import { closingOf, NO_SECURITY_ROWS, rowsOf, securityCells, titleOf, unitDiffs } from "./presentation.ts";

export function markdown(plan: Plan, now: number): string {
  const title = `### ${inline(titleOf(plan))}`;
  const isRefused = plan.verdict === "refused";
  const parts = isRefused
    ? [title, ...plan.refusals.map(quote)]
    : [title, hostTable(plan), securityTable(plan), inline(closingOf(plan, now).join(" "))];
  const warnings = plan.warnings.map((warning) => `⚠ ${inline(warning)}`);
  // a job's log has it too
  const text = (...all: readonly string[]) =>
    printable(`${all.filter((part) => part !== "").join("\n\n")}\n`);
  const whole = text(...parts, ...(isRefused ? [] : diffs(plan)), ...warnings);
  return whole.length <= COMMENT ? whole : text(...parts, TOO_LONG, ...warnings);
}

/** Characters that a comment on GitHub may have, and some room for what a pipeline adds. */
const COMMENT = 65_000;
const TOO_LONG = "The lines of the units are too long for a comment: `npm run plan` shows them.";

function hostTable(plan: Plan): string {
  const rows = rowsOf(plan).map(({ place, host, what, why }) => [place, host, what, why]);
  return table(["#", "host", "what happens", "why"], rows);
}

function securityTable({ security }: Plan): string {
  if (security.length === 0) return NO_SECURITY_ROWS;
  return table(["⚠ security", "old", "new"], securityCells(security), literal);
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  write: (cell: string) => string = inline,
): string {
  const lines = [head, head.map(() => "---"), ...rows.map((cells) => cells.map(write))];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function diffs(plan: Plan): readonly string[] {
  return unitDiffs(plan.hosts).map(
    ({ hosts, lines }) =>
      `<details><summary>systemd unit of ${inline(hosts)}</summary>\n\n${fence(lines)}\n</details>`,
  );
}

/** A block of code that none of its lines can end. */
function fence(lines: readonly string[]): string {
  const text = lines.map((line) => line.replaceAll(LINE_ENDS, " ")).join("\n");
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}diff\n${text}\n${ticks}`;
}

/** A refusal may have several lines, a list of mistakes among them. */
export function quote(refusal: string): string {
  return refusal
    .split("\n")
    .map((line) => `> ${escapeStart(inline(line))}`)
    .join("\n");
}

/** What may be taken for the end of a line, or shows nothing. */
const LINE_ENDS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line of text with no code in it: a value, whatever it looks like. */
export function literal(value: string): string {
  return escapeText(value.replaceAll(LINE_ENDS, " "));
}

/**
 * One line of text that says what it says, and is nothing else: no markup, no HTML, no link, no mention. Phrases have
 * settings in backticks: these stay code.
 */
export function inline(phrase: string): string {
  const parts = phrase.replaceAll(LINE_ENDS, " ").split("`");
  const open = parts.length % 2 === 0 ? (parts.pop() ?? "") : undefined; // a backtick without its fellow is text
  const written = parts.map((part, index) => (index % 2 === 0 ? escapeText(part) : code(part)));
  return open === undefined ? written.join("") : `${written.join("")}${entity("`")}${escapeText(open)}`;
}

/** A code span; where a reader could end it early, as HTML that has no character with a meaning. */
function code(content: string): string {
  if (content === "") return entity("`").repeat(2);
  if (!/[|\\]|^ | $/.test(content)) return `\`${content}\``;
  return `<code>${content.replaceAll(/[^\p{L}\p{N} ]/gu, entity)}</code>`;
}

const INVISIBLE = "&#8203;"; // between a sign and what would make it a mention or a reference
const MARKUP = /[\\`*_[\]<>&|~$!]|:(?=\/\/|mailto|xmpp)|(?<=www)\.|@|#(?=\d)/gi;

function escapeText(text: string): string {
  return text.replaceAll(MARKUP, (one) => entity(one) + (one === "@" || one === "#" ? INVISIBLE : ""));
}

function entity(character: string): string {
  return `&#${character.codePointAt(0)};`;
}

/** At its start a line may also be a heading, a list, a quotation or a rule. */
function escapeStart(line: string): string {
  return line
    .trim()
    .replace(/^(?!- [\p{L}\p{N}])[#>+=-]/u, entity)
    .replace(/^(\d+)([.)])/, (_, number, end) => `${number}${entity(end)}`);
}
