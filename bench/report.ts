/** The page that `npm run bench` writes: Markdown, a table and what each line means. */

import { type Figure, figures, format, type Round, summaryOf } from "./figures.ts";

/** Where and with what it was measured. */
export interface Setting {
  /** RFC 3339, the day alone. */
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Of one minute, when it began: above 1, something else was running. */
  readonly load: number;
  readonly engine: string;
  readonly node: string;
  readonly pulumi: string;
  readonly etcd: string;
  readonly commit: string;
}

export function report(setting: Setting, rounds: readonly Round[]): string {
  return `${[
    "# Performance",
    "",
    "    npm run bench",
    "",
    "measures all of this again and writes this page: on the lab (see [lab/README.md](../lab/README.md)), on its own hosts, in about ten minutes on two idle cores; `npm run bench -- --rounds 1` in a third of that. It needs Linux and root, and an otherwise idle machine.",
    "",
    `${count(rounds)} The raw script and \`pulumi up\` take turns in going first; differences and ratios are taken within a round. Times are wall-clock times, from the command to its end.`,
    "",
    "![Medians of all times, with their spread](images/performance.svg)",
    "",
    "| | median | least – most | goal |",
    "|---|---:|---:|---|",
    ...figures.map((figure) => row(figure, rounds)),
    "",
    "## Where it was measured",
    "",
    ...settingLines(setting).map((line) => `- ${line}`),
    "",
    "## What each line means",
    "",
    ...figures.map(({ title, meaning }) => `- **${title}**: ${meaning}`),
  ].join("\n")}\n`;
}

function count(rounds: readonly Round[]): string {
  return rounds.length === 1
    ? "Everything was measured once."
    : `Everything was measured once in each of ${rounds.length} rounds.`;
}

function row(figure: Figure, rounds: readonly Round[]): string {
  const { median, least, most } = summaryOf(figure, rounds);
  const say = (value: number) => format(value, figure.unit);
  return `| ${figure.title} | ${say(median)} | ${say(least)} – ${say(most)} | ${goalOf(figure, median)} |`;
}

function goalOf({ goal, unit }: Figure, median: number): string {
  if (goal === undefined) return "";
  return `≤ ${format(goal, unit)}, ${median <= goal ? "met" : "missed"}`;
}

function settingLines(setting: Setting): readonly string[] {
  const { date, cpu, cores, memoryGiB, load, engine, node, pulumi, etcd, commit } = setting;
  return [
    `${date}, commit ${commit}`,
    `${cpu}, ${cores} cores, ${memoryGiB} GiB; load average when it began: ${load.toFixed(1)}`,
    `Pulumi ${pulumi}, ${engine}`,
    `Node.js ${node}, etcd ${etcd}`,
  ];
}
