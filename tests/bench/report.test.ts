import assert from "node:assert/strict";
import { test } from "node:test";
import { chart } from "../../bench/chart.ts";
import { figures, format } from "../../bench/figures.ts";
import { report } from "../../bench/report.ts";
import { summarize } from "../../bench/statistics.ts";
import { first, second, setting } from "./rounds.ts";

function rowOf(page: string, title: string): string | undefined {
  return page.split("\n").find((line) => line.startsWith(`| ${title} |`));
}

test("a summary is the median, the least and the most, in whatever order the values come", () => {
  assert.deepEqual(summarize([3, 10, 1]), { median: 3, least: 1, most: 10 });
  assert.deepEqual(summarize([10, 9, 1, 2]), { median: 5.5, least: 1, most: 10 });
  assert.deepEqual(summarize([7]), { median: 7, least: 7, most: 7 });
  assert.throws(() => summarize([]), /no values/);
});

test("figures are written with their unit", () => {
  assert.equal(format(11.06, "s"), "11.1 s");
  assert.equal(format(0.433, "s"), "0.43 s");
  assert.equal(format(1.666, "×"), "1.67 ×");
  assert.equal(format(89.4, "ms"), "89 ms");
  assert.equal(format(12345, "writes"), "12,345");
  assert.equal(format(999.6, "writes/s"), "1,000 writes/s");
});

test("the page begins with the command, and has a line and a meaning for each figure", () => {
  const page = report(setting, [first]);
  assert.match(page, /^# Performance\n\n {4}npm run bench\n/);
  for (const { title, meaning } of figures) {
    assert.ok(rowOf(page, title), title);
    assert.ok(page.includes(`- **${title}**: ${meaning}`), title);
  }
  assert.match(page, /\nEverything was measured once\. /);
});

test("the page says where it was measured", () => {
  const page = report(setting, [first]);
  assert.ok(page.includes("- 2026-01-31, commit 0123456\n"));
  assert.ok(page.includes("- Some CPU @ 2.00GHz, 2 cores, 8 GiB; load average when it began: 0.2\n"));
  assert.ok(page.includes("- Pulumi 3.259.0, official CLI and plugins\n- Node.js 24.21.0, etcd 3.6.14\n"));
});

test("ratios and differences are taken within a round, and the median is held against the goal", () => {
  const page = report(setting, [first, second]);
  // 5 ÷ 3 and 9 ÷ 4.5, not 7 ÷ 3.75
  assert.equal(
    rowOf(page, "(up − up with nothing to do) ÷ raw script"),
    "| (up − up with nothing to do) ÷ raw script | 1.83 × | 1.67 × – 2.00 × | ≤ 1.60 ×, missed |",
  );
  assert.equal(
    rowOf(page, "each node beyond three"),
    "| each node beyond three | 0.55 s | 0.50 s – 0.60 s | ≤ 0.50 s, missed |",
  );
  assert.equal(rowOf(page, "lost writes in the roll"), "| lost writes in the roll | 0 | 0 – 0 | ≤ 0, met |");
  assert.equal(
    rowOf(page, "throughput, as provisioned"),
    "| throughput, as provisioned | 950 writes/s | 900 writes/s – 1,000 writes/s |  |",
  );
  assert.match(page, /\nEverything was measured once in each of 2 rounds\. /);
});

test("the picture has a bar as long as each median, its spread, and a line at each goal", () => {
  const picture = chart([first, second]);
  const times = figures.filter(({ unit }) => unit === "s");
  assert.equal(picture.match(/fill='#6cb6ff'/g)?.length, times.length);
  assert.equal(
    picture.match(/stroke='#cf222e'/g)?.length,
    times.filter(({ goal }) => goal !== undefined).length,
  );
  for (const { title } of times) assert.ok(picture.includes(`>${title.replaceAll("`", "")}</text>`), title);
  // 0 to 16 s on 400 points: the raw script's median is 3.75 s, its rounds took 3 and 4.5
  assert.ok(picture.includes("<rect x='290' y='20' width='93.8' height='16' fill='#6cb6ff'/>"));
  assert.ok(
    picture.includes("<line x1='365' y1='28' x2='402.5' y2='28' stroke='#24292f' stroke-width='1'/>"),
  );
});

test("the picture is well-formed", () => {
  const picture = chart([first]);
  const open: string[] = [];
  for (const [, closing, name = "", inside] of picture.matchAll(/<(\/?)(\w+)([^<>]*)>/g)) {
    if (closing) assert.equal(open.pop(), name);
    else if (!inside?.endsWith("/")) open.push(name);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(picture, /NaN|undefined|&(?!amp;|lt;)/);
});
