// The record of the last backup and the turn to take one are keys: what others write there must not end the backups.
import assert from "node:assert/strict";
import { test } from "node:test";
import { backup, recordOf, STATE, withStore } from "./backing-up.ts";

for (const [title, value] of [
  ["one word", "x"],
  ["a time that is none", recordOf("20269999T999999Z").slice("etcd-host/backup ".length).trim()],
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
