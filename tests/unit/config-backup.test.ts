import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems } from "./configuration.ts";

const saysOf = (directory: unknown, more: Readonly<Record<string, unknown>> = {}) =>
  problems({ backup: { directory }, ...more });

test("snapshots go where it says; by default nothing is said to the hosts", () => {
  assert.deepEqual(config().backup, {});
  for (const directory of ["/mnt/backups/etcd", "/var/lib/etcd-host/snapshots", "/var/lib/etcd-backups"])
    assert.deepEqual(config({ backup: { directory } }).backup, { directory });
  assert.deepEqual(config({ backup: { directory: "/backup/" } }).backup, { directory: "/backup" });
});

test("a folder inside the data would be set aside with its member", () => {
  for (const directory of ["/var/lib/etcd", "/var/lib/etcd/snapshots/"])
    assert.deepEqual(saysOf(directory), [
      `backup.directory: "${directory}" is in dataDir (/var/lib/etcd), which is set aside with its member; use a folder of its own, better on another disk.`,
    ]);
  assert.deepEqual(saysOf("/var/lib/etcd", { dataDir: "/srv/etcd" }), []);
  assert.equal(saysOf("/srv/etcd/backups", { dataDir: "/srv/etcd" }).length, 1);
});

for (const [directory, what] of [
  ["backups", "is not a plain absolute path"],
  ["/mnt/../etc", "is not a plain absolute path"],
  ["/mnt/my backups", "is not a plain absolute path"],
  ["/", "is not a folder that keeps files"],
  ["/etc", "is not a folder that keeps files"],
  ["/tmp/etcd", "is not a folder that keeps files"],
  ["/run/etcd", "is not a folder that keeps files"],
] as const)
  test(`${directory} ${what}`, () => {
    assert.deepEqual(saysOf(directory), [
      `backup.directory: "${directory}" ${what}; write it like /var/backups/etcd.`,
    ]);
  });

test("a key that is misspelt is named", () => {
  assert.deepEqual(problems({ backup: { directoy: "/mnt" } }), [
    "backup.directoy: no such setting; did you mean directory.",
  ]);
});
