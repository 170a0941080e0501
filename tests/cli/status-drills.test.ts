// The last drill, as `npm run status` shows it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterDrill, drillLine, hostDrill } from "../../cli/status/drills.ts";

const NOW = Date.parse("2026-11-27T12:00:00Z");
const hostWith = (line: string) =>
  hostDrill((word) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
const lineOf = (...lines: readonly string[]) => {
  const drill = clusterDrill(lines.map((line, index) => [`node${index + 1}`, hostWith(line)] as const));
  return drill === null ? undefined : drillLine(drill, NOW);
};

test("it is the newest of all hosts, and says where and why if it did not hold", () => {
  const good = "drill 2026-11-21T11:00:00Z ok token-1/daily/x.db.gz";
  assert.equal(lineOf("service active", good), "last drill 6 days ago, ok");
  const failed = "drill 2026-11-27T11:19:00Z failed x.db.gz it cannot be \u001b[2J decrypted";
  const line = lineOf(good, failed, good) ?? "";
  assert.match(line, /^last drill 41 min ago on node2: it cannot be .* decrypted$/);
  assert.ok(!line.includes("\u001b"));
});

test("no host has drilled, or one says anything else: nothing", () => {
  assert.equal(lineOf("service active"), undefined);
  assert.equal(lineOf("drill soon ok x", "drill 2026-11-21T11:00:00Z perhaps x"), undefined);
});
