// What is kept on a host: what was just saved always, and nothing goes that does not have to.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { backedUp, backup, packedName, SNAPSHOTS, STATE, withStore } from "./backing-up.ts";
import type { Host } from "./host.ts";

function keep(host: Host, ...times: readonly string[]): readonly string[] {
  const names = times.map((time) => `${time}-r1-3.6-node1.db.gz`);
  for (const name of names)
    for (const ending of ["", ".sha256"]) host.write(`${SNAPSHOTS}/${name}${ending}`, "x");
  return names;
}
const kept = (host: Host) => host.list(SNAPSHOTS).filter((name) => !name.endsWith(".sha256"));

test("what a clock that was ahead has left goes first, and what was just saved never", async (t) => {
  const { host } = await backedUp(t, { keep: "2" });
  const [before] = keep(host, "20260101T060000Z", "20990101T060000Z", "20990102T060000Z");
  const { code, stderr } = await backup(host);
  assert.equal(code, 0, stderr);
  const [first, saved = "", ...more] = kept(host);
  assert.deepEqual([first, more], [before, []]);
  assert.match(saved, packedName);
});

test("of one only, what was just saved is the one, whatever the clock does meanwhile", async (t) => {
  const { host } = await backedUp(t, { keep: "1" });
  keep(host, "20260101T060000Z");
  const goingBack = "timestamp() { echo 20251231T000000Z; }";
  const { code, stderr } = await host.shell(`${goingBack}\ncmd_backup`);
  assert.equal(code, 0, stderr);
  assert.deepEqual(kept(host), ["20251231T000000Z-r123456-3.6-node1.db.gz"]);
});

test("a snapshot in clear goes into no store that has been given recipients meanwhile", async (t) => {
  const { host, store } = await withStore(t);
  host.fake(
    "gzip",
    `sed -i s/^recipients=.*/recipients=age1us/ "$HOST_ROOT/${STATE}/upkeep"; exec /usr/bin/gzip "$@"`,
  );
  const { code, stderr } = await backup(host);
  assert.equal(code, 1);
  assert.match(stderr, /other recipients were set meanwhile: the snapshot is in \S+ only/);
  assert.equal(store.objects.size, 0);
});

const GIB = 1024 ** 3;
/** Files of a GiB that take none, a database of 1050 MiB, and a disk that has so much free without them. */
function full(host: Host, free: number): void {
  for (const name of keep(
    host,
    "20261121T060000Z",
    "20261122T060000Z",
    "20261123T060000Z",
    "20261124T060000Z",
  ))
    fs.truncateSync(host.file(SNAPSHOTS, name), GIB);
  const status = host.read("answers/status-here");
  host.write("answers/status-here", status.replaceAll('"DBSize" : 20480', `"DBSize" : ${1050 * 1024 ** 2}`));
  host.fake(
    "df",
    `files=$(ls '${host.file(SNAPSHOTS)}' | grep -c '2026112.*gz$'); printf 'F B U A C M\\nd 1 1 %s 1%% /\\n' $(((${free} - files * 1024) * 1024))`,
  );
}
const isIn = (host: Host, day: number) =>
  host.exists(`${SNAPSHOTS}/2026112${day}T060000Z-r1-3.6-node1.db.gz`);

test("a full disk: the oldest go, and only as many as it takes", async (t) => {
  const { host } = await backedUp(t, { keep: "10" });
  full(host, 3124 + 2500);
  const { code, stderr } = await host.shell("cmd_backup");
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    [1, 2, 3, 4].map((day) => isIn(host, day)),
    [false, false, true, true],
  );
  assert.match(stderr, /removed the old \S+20261121T060000Z\S+: the disk is full/);
});

test("a disk that all of them would not make large enough loses none, and it is refused", async (t) => {
  const { host } = await backedUp(t, { keep: "10" });
  full(host, 4096 + 20);
  const { code, stderr } = await host.shell("cmd_backup");
  assert.equal(code, 3, stderr);
  assert.match(
    stderr,
    /refused: node1 has 20 MiB free in \S+; a snapshot needs 2100 and leaves 1024 alone: mount a disk there \(etcd:backup\.directory\), or lower etcd:backup\.reserveMiB/,
  );
  assert.deepEqual(
    [1, 2, 3, 4].map((day) => isIn(host, day)),
    [true, true, true, true],
  );
  assert.ok(host.exists(`${STATE}/backup-error`));
  host.fake("df", "printf 'F B U A C M\\nd 1 1 30000000 1%% /\\n'");
  assert.equal((await backup(host)).code, 0);
  assert.equal(host.exists(`${STATE}/backup-error`), false, "a good one ends it");
});
