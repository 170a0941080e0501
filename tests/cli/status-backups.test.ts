// The age of the last backup, as `npm run status` shows it and ends by it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { backupLine, clusterBackups, hostBackups } from "../../cli/status/backups.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const EVERY = "backup-every 3600 10800 2026-11-24T00:00:00Z";

const hostWith = (...lines: readonly string[]) =>
  hostBackups((word) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1)),
  );
const cluster = (...hosts: readonly (readonly string[])[]) =>
  clusterBackups(
    hosts.map((lines, index) => [`node${index + 1}`, hostWith(...lines)] as const),
    NOW,
  );

test("without a schedule nothing is said of backups", () => {
  assert.equal(cluster(["service active"], []), null);
});

test("of the store it is the last of any host", () => {
  const line = "backup 2026-11-24T11:19:00Z 123456 2000000 store node2";
  const backups = cluster([EVERY, line], [EVERY, line], []);
  assert.ok(backups);
  assert.deepEqual([backups.fresh, backups.problems], [true, []]);
  assert.equal(backupLine(backups, NOW), "last backup 41 min ago, r123456, store");
});

test("too old in the store is said once", () => {
  const line = "backup 2026-11-24T08:00:00Z 123456 2000000 store node2";
  const backups = cluster([EVERY, line], [EVERY, line]);
  assert.equal(backups?.fresh, false);
  assert.deepEqual(backups?.problems, [
    "the last backup of the store is too old: 4 h ago, and 3 h are allowed",
  ]);
});

test("one with a time that is still to come is no fresh one, and one on a host is none of the store", () => {
  const of = (time: string, where: string) => `backup ${time} 123456 2000000 ${where} node1`;
  const ahead = cluster([EVERY, of("2099-12-31T00:00:00Z", "store")], [EVERY]);
  assert.equal(ahead?.fresh, false);
  assert.deepEqual(ahead?.problems, [
    "the last backup of the store has a time that is still to come, 2099-12-31T00:00:00Z: a clock was wrong, or it is forged",
  ]);
  assert.equal(cluster([EVERY, of("2026-11-24T12:00:50Z", "store")])?.fresh, true);
  const behind = cluster(
    [EVERY, of("2026-11-24T08:00:00Z", "store")],
    [EVERY, of("2026-11-24T11:59:00Z", "here")],
  );
  assert.equal(behind?.fresh, false);
});

test("without a store each host's own counts: a disk that is lost must not take the only one", () => {
  const of = (time: string) => `backup ${time} 123456 2000000 here node1`;
  const backups = cluster([EVERY, of("2026-11-24T11:59:30Z")], [EVERY, of("2026-11-24T05:00:00Z")], [EVERY]);
  assert.ok(backups);
  assert.equal(backups.fresh, false);
  assert.deepEqual(backups.problems, [
    "the last backup of node2 is too old: 7 h ago, and 3 h are allowed",
    "the last backup of node3 is too old: none yet, and 3 h are allowed",
  ]);
  assert.equal(backupLine(backups, NOW), "last backup just now, r123456, on node1");
});

test("right after it was switched on, none is missing yet", () => {
  const backups = cluster(["backup-every 900 2700 2026-11-24T11:30:00Z"]);
  assert.ok(backups);
  assert.deepEqual([backups.fresh, backupLine(backups, NOW)], [true, "last backup: none yet"]);
});

test("a failure is shown with its host and its words, and is no age", () => {
  const line = "backup 2026-11-24T11:19:00Z 123456 2000000 store node2";
  const failed = "backup-error 2026-11-24T11:55:00Z the store answers 403 \u001b[2J AccessDenied";
  const backups = cluster([EVERY, line, failed]);
  assert.deepEqual(backups?.fresh, true);
  assert.match(
    backups?.problems.join() ?? "",
    /^the backup on node1 failed 5 min ago: the store answers 403 /,
  );
  assert.ok(!backups?.problems.join().includes("\u001b"));
});

test("a host that says anything else has said nothing", () => {
  assert.equal(hostWith("backup-every soon"), null);
  assert.equal(hostWith(EVERY, "backup yesterday 1 1 store x")?.last, null);
});
