// The record of the last backup and the turn to take one are keys: what others write there must not end the backups.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { ago, backup, recordOf, STATE, withStore } from "./backing-up.ts";
import type { Host } from "./host.ts";

for (const [title, value] of [
  ["one word", "x"],
  ["a time that is none", recordOf("20269999T999999Z").split(/ (.*)\n/)[1] ?? ""],
  [
    "of another cluster",
    recordOf(ago(5), `other/hourly/${ago(5)}-r1-3.6-node2.db.gz`).split(/ (.*)\n/)[1] ?? "",
  ],
  [
    "of another time than its name",
    recordOf(ago(5), "token-1/hourly/20261127T060000Z-r1-3.6-node2.db.gz").split(/ (.*)\n/)[1] ?? "",
  ],
  ["names of files", "20261127T060000Z * * * * *"],
] as const)
  test(`a record that is ${title} is none: the backup goes on, and the host says what it knows`, async (t) => {
    const { host, store } = await withStore(t);
    host.write("answers/keys", `etcd-host/backup ${value}\n`);
    const before = await host.run(["facts"]);
    assert.equal(before.code, 0, before.stderr);
    assert.doesNotMatch(before.stdout, /^backup [^-]/m);
    const { code, stderr } = await backup(host, "--by-timer");
    assert.equal(code, 0, stderr);
    assert.equal(store.objects.size, 2);
    assert.match(
      host.read("answers/keys"),
      /^etcd-host\/backup \d{8}T\d{6}Z 123456 \d+ [0-9a-f]{64} token-1\//m,
    );
    assert.equal(host.exists(`${STATE}/backup-error`), false);
  });

test("a record of what the store does not have is not believed", async (t) => {
  const { host, store } = await withStore(t);
  host.write("answers/keys", recordOf(ago(5)));
  const { code, stderr } = await backup(host, "--by-timer");
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /the record of the last backup is not believed: the store \S+ answers 404 when it is asked/,
  );
  assert.equal(store.objects.size, 2);
});

const atOnce = 'sed -i "s/^interval=.*/interval=0/" "$STATE_DIR/upkeep"; cmd_backup';
const switchedOn = (host: Host, time: string) =>
  host.write(`${STATE}/upkeep`, host.read(`${STATE}/upkeep`).replace(/^since=.*/m, `since=${time}`));

test("a turn that is never free ends no backup: once the last one is too old the member goes on alone", async (t) => {
  const { host, store } = await withStore(t);
  switchedOn(host, ago(10_900));
  host.write("answers/lock-held", "");
  const { code, stderr } = await host.shell(atOnce);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /another host holds the cluster's lock for too long: this one goes on alone/);
  assert.equal(store.objects.size, 2);
  assert.match(host.read(`${STATE}/last-backup`), / store\n$/);
  const again = await host.shell(atOnce);
  assert.equal(again.code, 4, "the last one is young again");
  assert.equal(host.exists(`${STATE}/backup-error`), false);
  fs.rmSync(host.file("answers/lock-held"));
});

test("whoever ends behind another run while the last backup is too old says so", async (t) => {
  const { host } = await withStore(t);
  switchedOn(host, ago(10_900));
  const { code } = await host.shell(
    'take_snapshot() { note "waiting for another run"; exit 4; }; cmd_backup',
  );
  assert.equal(code, 4);
  assert.match(host.read(`${STATE}/backup-error`), /^\S+Z waiting for another run$/m);
});
