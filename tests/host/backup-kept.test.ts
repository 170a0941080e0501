// What is kept on a host: what was just saved always, and nothing goes that does not have to.
import assert from "node:assert/strict";
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
