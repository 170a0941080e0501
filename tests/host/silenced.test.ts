// What a member's start does to the others: etcd asks each for a hash of all its data, and they serve nobody meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { growToFive, isUnhealthy, roll, rollingCluster } from "./rolling.ts";

test("members that do not serve while the restarted one compares its data with theirs are waited for", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  cluster.answer("later");
  isUnhealthy(cluster, "node2", "node3");
  cluster.answer("silent");
  const restarts = host.read("systemd/start");
  host.write(
    "systemd/start",
    `${restarts}cp "$HOST_ROOT/silent/health"* "$HOST_ROOT/answers/"; : >"$HOST_ROOT/silenced"\n`,
  );
  // not the one beside the lock, which sleeps longer
  host.fake(
    "sleep",
    '[ "$1" != 0.1 ] || [ ! -e "$HOST_ROOT/silenced" ] || { cp "$HOST_ROOT/later/health"* "$HOST_ROOT/answers/"; rm "$HOST_ROOT/silenced"; }; exec /bin/sleep 0.01',
  );
  const { code, stderr } = await roll(host);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^etcd-host: restarted node1 in \d+ s\n$/);
  assert.ok(!host.exists("silenced"), "they do not serve yet, and the next step would refuse");
});

test("a member that was silent before the restart is not waited for", async (t) => {
  const cluster = await rollingCluster(t);
  growToFive(cluster);
  isUnhealthy(cluster, "node5");
  cluster.answer();
  const { code, stderr } = await roll(cluster.host);
  assert.equal(code, 0, stderr);
});
