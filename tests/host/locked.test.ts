// roll: nobody restarts without the cluster's lock, and the proof holds once it is held.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked } from "./cluster.ts";
import { isUnhealthy, NEW_UNIT, roll, rollingCluster, rollOptions } from "./rolling.ts";

test("a lock that was lost restarts nothing", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/lock", "");
  const before = host.snapshot();
  const { code, stderr } = await roll(host);
  assert.deepEqual(
    [code, stderr],
    [1, "etcd-host: failed: the cluster's lock was lost; nothing more was changed, run again\n"],
  );
  assert.deepEqual(host.systemdCalls(), []);
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
});

test("without an answer nobody knows whether the lock is still held: nothing is restarted", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/unanswered/get", "once\n");
  const { code, stderr } = await roll(host);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: the cluster does not say whether its lock is still held: Error: context deadline exceeded; nothing more/,
  );
  assert.deepEqual(host.systemdCalls(), []);
});

test("one look that falls into an election is no reason to restart without the lock", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/unanswered/health", "once\n");
  const { code, stderr } = await host.shell("PROOF_SECONDS=60; cmd_roll", rollOptions(host), {
    stdin: NEW_UNIT,
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(changesAsked(host, "asked-before"), ["lock"]);
});

test("a lock that another host holds is waited for, and then left to it", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/lock-held", "");
  const before = host.snapshot();
  const { code, stderr } = await roll(host, {}, { env: { LOCK_SECONDS: "0" } });
  assert.deepEqual(
    [code, stderr],
    [4, "etcd-host: another host holds the cluster's lock; run again when it is free\n"],
  );
  assert.deepEqual(host.systemdCalls(), []);
  assert.deepEqual(host.snapshot(), before);
});

test("a lock that is asked for while a member restarts is asked for again", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/refused/lock", "rpc error: code = Unavailable desc = connection closed\n");
  const { code, stderr } = await roll(host);
  assert.equal(code, 0, stderr);
  assert.deepEqual(changesAsked(host), ["lock", "lock", "lock dropped"]);
});

test("a lock that etcd refuses is said", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/refused/lock", "etcdserver: too many requests\n");
  const { code, stderr } = await roll(host);
  assert.equal(code, 1);
  assert.match(stderr, /failed: the cluster's lock cannot be taken: Error: etcdserver: too many requests\n$/);
  assert.deepEqual(host.systemdCalls(), []);
});

test("the quorum is proven again once the lock is held: what was true before it may not be any more", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  isUnhealthy(cluster, "node2");
  cluster.answer("later");
  host.write("answers/lock-held", "");
  // the step waits for the lock with `sleep`
  host.fake(
    "sleep",
    '[ ! -d "$HOST_ROOT/later" ] || { mv "$HOST_ROOT/answers" "$HOST_ROOT/earlier"; mv "$HOST_ROOT/later" "$HOST_ROOT/answers"; rm "$HOST_ROOT/earlier/lock-held"; }; exec /bin/sleep 0.01',
  );
  const { code, stderr } = await roll(host);
  assert.equal(code, 3);
  assert.match(stderr, /refused: node1 may not restart: .* not healthy: node2\. /);
  assert.deepEqual(host.systemdCalls(), []);
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
});
