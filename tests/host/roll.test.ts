// The member step on every run but the first.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { changesAsked } from "./cluster.ts";
import { DATA, isRefused, setState, UNIT } from "./member.ts";
import { BROKEN_UNIT, isUnhealthy, NEW_UNIT, roll, rollingCluster, rollOptions } from "./rolling.ts";

const unitFile = "etc/systemd/system/etcd.service";
const restart = [
  "enable --quiet --no-reload etcd.service",
  "daemon-reload",
  "reset-failed etcd.service",
  "restart --no-block etcd.service",
];

test("a member whose unit changed is restarted under the cluster's lock, and is then as declared", async (t) => {
  const { host } = await rollingCluster(t);
  const { code, stderr } = await roll(host);
  assert.equal(code, 0);
  assert.match(stderr, /^etcd-host: restarted node1 in \d+ s\n$/);
  assert.deepEqual(host.systemdCalls(), restart);
  assert.equal(host.read(unitFile), NEW_UNIT);
  assert.deepEqual(changesAsked(host, "asked-before"), ["lock"], "the lock is held during the restart");
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
  assert.match(
    host.read("asked-before"),
    / get etcd-host\/restart\/7b0 --keys-only\n.* get etcd-host\/steps\/node1 .*\n.* put etcd-host\/steps\/node1 \S+\n$/,
    "the lock is checked last, but for the record",
  );
  assert.match(host.read("var/lib/etcd-host/declared-member"), /etcd\.service/);
  assert.deepEqual(
    host.list("run/etcd-host").filter((file) => file.startsWith(".")),
    [],
  );
  host.write("systemd/calls", "");
  assert.equal((await roll(host)).stdout, "node1 runs as declared\n");
  assert.deepEqual(host.systemdCalls(), []);
});

test("a member that runs as declared is not asked about, and not restarted", async (t) => {
  const { host } = await rollingCluster(t);
  const { code, stdout } = await roll(host, {}, { unit: UNIT });
  assert.deepEqual([code, stdout], [0, "node1 runs as declared\n"]);
  assert.deepEqual(host.systemdCalls(), []);
  assert.match(
    host.read("asked"),
    /^.* put etcd-host\/steps\/node1 [0-9a-f]{16}\n$/,
    "but what it runs is recorded",
  );
});

test("a member on a machine that the program made leaves in the cluster what it was made from", async (t) => {
  const { host } = await rollingCluster(t);
  assert.equal((await roll(host, { "made-from": "0a1b2c3d" }, { unit: UNIT })).code, 0);
  assert.deepEqual(changesAsked(host), [
    "put etcd-host/machines/node1 0a1b2c3d",
    "del etcd-host/rebuilding/node1",
  ]);
});

test("a member that runs with an older CA bundle is restarted, its unit as it was", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("run/etcd-host/started/peer-ca.crt", "an older CA\n");
  assert.match((await roll(host, {}, { unit: UNIT })).stderr, /^etcd-host: restarted node1/);
  assert.equal(host.systemdCalls().at(-1), "restart --no-block etcd.service");
});

test("a member that is ready is rolled, although nobody noted that it serves", async (t) => {
  const { host } = await rollingCluster(t);
  fs.rmSync(host.file("var/lib/etcd-host/served"));
  assert.match((await roll(host)).stderr, /^etcd-host: restarted node1/);
});

for (const running of [true, false])
  for (const noted of [true, false])
    test(`a member without its WAL is never started empty (${running ? "runs" : "stopped"}, ${noted ? "noted" : "not noted"} that it began)`, async (t) => {
      const { host } = await rollingCluster(t);
      if (!running) setState(host, "failed", "failed", 0);
      if (!noted) fs.rmSync(host.file("var/lib/etcd-host/bootstrapped"));
      fs.rmSync(host.file(DATA, "member/wal/0.wal"));
      await isRefused(
        host,
        () => roll(host),
        /refused: the data of node1 is gone from \S+: .* raise the node's incarnation/,
      );
    });

test("a member that began with other peers is not given a new list; destroy is named", async (t) => {
  const { host } = await rollingCluster(t);
  const peers = { "initial-cluster": "node1=https://192.0.2.21:2380" };
  const token = { "initial-token": "etcd-2-0a1b2c" };
  const sentence =
    /refused: node1 has started as a member of another cluster \(node1=https:\/\/192\.0\.2\.11:2380,node2=https:\/\/127\.0\.0\.1:1\), .*'pulumi destroy'/;
  for (const other of [peers, token]) {
    for (const unit of [UNIT, NEW_UNIT]) await isRefused(host, () => roll(host, other, { unit }), sentence);
    setState(host, "inactive", "dead", 0);
    await isRefused(host, () => roll(host, other), sentence);
    setState(host, "active", "running", 4711);
  }
});

test("a list of peers that somebody edited is repaired", async (t) => {
  const { host } = await rollingCluster(t);
  const before = host.read("etc/etcd/bootstrap.env");
  for (const unit of [UNIT, NEW_UNIT]) {
    host.write("etc/etcd/bootstrap.env", before.replace("127.0.0.1", "192.0.2.99"));
    assert.equal((await roll(host, {}, { unit })).code, 0);
    assert.equal(host.read("etc/etcd/bootstrap.env"), before);
  }
});

test("a stopped member is started without a proof: that takes no quorum away", async (t) => {
  const cluster = await rollingCluster(t);
  isUnhealthy(cluster, "node2", "node3");
  cluster.answer();
  const { host } = cluster;
  setState(host, "inactive", "dead", 0);
  host.write("proc/net/tcp", "   1: 0100007F:094D 00000000:0000 0A\n");
  const { code, stdout, stderr } = await roll(host);
  assert.deepEqual([code, stdout, stderr], [0, "started node1\n", ""]);
  assert.equal(host.systemdCalls().at(-1), "start --no-block etcd.service");
  assert.deepEqual(changesAsked(host), []);
  assert.equal(host.read(unitFile), NEW_UNIT);
});

test("a stopped member of a cluster that does not answer is started, and waits for nobody", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.members.splice(0);
  cluster.answer();
  setState(cluster.host, "inactive", "dead", 0);
  cluster.host.write("proc/net/tcp", "   1: 0100007F:094D 00000000:0000 0A\n");
  assert.equal((await roll(cluster.host)).code, 0);
});

test("a stopped member that was removed by hand is not started: its incarnation has to be raised", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.members.splice(0, 1);
  cluster.answer();
  setState(cluster.host, "inactive", "dead", 0);
  await isRefused(
    cluster.host,
    () => roll(cluster.host),
    /refused: node1 is not in the member list, although the cluster answers: it was removed\. Raise its incarnation/,
  );
});

test("two members that died while the snapshot was saved stop the restart", async (t) => {
  const cluster = await rollingCluster(t, () => ({ clusterVersion: () => "3.5.0" }));
  const { host } = cluster;
  for (const member of cluster.members) member.version = "3.5.33";
  cluster.answer();
  isUnhealthy(cluster, "node2", "node3");
  cluster.answer("later");
  host.write("answers/after-save", "cp ../later/health health\n");
  const { code, stderr } = await roll(host);
  assert.equal(code, 3, stderr);
  assert.match(
    stderr,
    /refused: node1 may not restart: of the other 2 voters 0 healthy, 2 needed; not healthy: node2 node3\. /,
  );
  assert.match(host.read("asked"), / snapshot save /);
  assert.deepEqual(host.systemdCalls(), []);
});

test("an etcd that ends before it is ready gets its old unit back, and the run stops here", async (t) => {
  const { host } = await rollingCluster(t);
  host.write(unitFile, "what somebody made of the file meanwhile\n");
  const declared = host.read("var/lib/etcd-host/declared-member");
  const { code, stderr } = await roll(host, {}, { unit: BROKEN_UNIT });
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "etcd-host: Error: unknown flag: --broken\n" +
      "etcd-host: etcd ended right after its restart: restoring the old settings of node1\n" +
      "etcd-host: failed: etcd does not start with the new settings on node1, which runs with the old ones again; " +
      "no other member was touched. Its last log lines are above: correct the configuration, raise checkId, and run again\n",
  );
  assert.equal(host.read(unitFile), UNIT);
  assert.match(host.read("systemd/properties"), /ActiveState=active/);
  assert.deepEqual(host.systemdCalls(), [...restart, ...restart]);
  assert.equal(host.read("var/lib/etcd-host/declared-member"), declared);
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
});

test("the old version does not come back into a cluster that is newer by now", async (t) => {
  const { host } = await rollingCluster(t, () => ({
    clusterVersion: () => (host.read("systemd/calls").includes("restart --no-block") ? "3.7.0" : "3.6.0"),
  }));
  const { code, stderr } = await roll(host, {}, { unit: BROKEN_UNIT });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: .* the cluster version has changed meanwhile, so the old version cannot come back/,
  );
  assert.equal(host.read(unitFile), BROKEN_UNIT);
  assert.deepEqual(host.systemdCalls(), restart);
});

test("an etcd that starts with neither is said", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("systemd/start", "set_state failed failed 0");
  const { code, stderr } = await roll(host);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: etcd on node1 ended right after its restart, and does not start with the old settings either/,
  );
  assert.equal(host.read(unitFile), UNIT);
});

test("a restarted member must be healthy and reach the log of the others before the step ends", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  host.write(
    "answers/status-here",
    host.read("answers/status-here").replaceAll('Index" : 1000', 'Index" : 400'),
  );
  const waits = `n=$(cat "$HOST_ROOT/waits" 2>/dev/null || echo 0); echo $((n + 1)) >"$HOST_ROOT/waits"`;
  host.write("answers/health-here", "https://127.0.0.1:2379 is unhealthy: context deadline exceeded\n");
  host.fake(
    "sleep",
    `${waits}
case $n in
  2) echo 'https://127.0.0.1:2379 is healthy: took = 1ms' >"$HOST_ROOT/answers/health-here" ;;
  5) sed -i 's/: 400$/: 1000/' "$HOST_ROOT/answers/status-here" ;;
esac
exec /bin/sleep 0.01`,
  );
  const { code, stderr } = await roll(host);
  assert.equal(code, 0, stderr);
  assert.ok(Number(host.read("waits")) >= 6, host.read("waits"));
});

for (const [title, file, content, sentence] of [
  [
    "is not healthy",
    "health-here",
    "https://127.0.0.1:2379 is unhealthy: context deadline exceeded\n",
    /failed: node1 is not healthy 0 s after its start: https:\/\/127\.0\.0\.1:2379 is unhealthy: .*; no other member was touched/,
  ],
  [
    "is behind",
    "status-here",
    '"RaftAppliedIndex" : 999\n"Endpoint" : "https://127.0.0.1:2379"\n',
    /failed: node1 has not caught up after 0 s; no other member was touched/,
  ],
] as const)
  test(`a restarted member that ${title} fails the step`, async (t) => {
    const { host } = await rollingCluster(t);
    host.write(`answers/${file}`, content);
    const { code, stderr } = await host.shell("ROLL_SECONDS=0; cmd_roll", rollOptions(host), {
      stdin: NEW_UNIT,
    });
    assert.equal(code, 1);
    assert.match(stderr, sentence);
    assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
  });

test("on the way back the etcd that has just run is taken, although an older program kept no record of its version", async (t) => {
  const { host } = await rollingCluster(t);
  const binary = "opt/etcd/3.6.14/etcd";
  host.write("proc/4711/exe", host.read(binary));
  const forgets =
    '>"$HOST_ROOT/var/lib/etcd-host/declared-install" || :; rm -f "$HOST_ROOT"/var/lib/etcd-host/installed-*';
  host.write("systemd/start", `${forgets}\n${host.read("systemd/start")}`);
  const { code, stderr } = await roll(host, {}, { unit: BROKEN_UNIT });
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /etcd does not start with the new settings on node1, which runs with the old ones again/,
  );
});

test("a member starts with no etcd but the one that was installed: not on a step, and not on the way back", async (t) => {
  const { host } = await rollingCluster(t);
  const binary = "opt/etcd/3.6.14/etcd";
  const installed = host.read(binary);
  host.write(binary, "another", 0o755);
  await isRefused(
    host,
    () => roll(host),
    /refused: etcd 3\.6\.14 in \S+ is not what was installed from the declared archive, so it may not run; run 'pulumi up' with a new checkId/,
  );
  host.write(binary, installed, 0o755);
  // exchanged as the new settings end it
  host.write("systemd/start", `echo another >"$HOST_ROOT/${binary}"\n${host.read("systemd/start")}`);
  const { code, stderr } = await roll(host, {}, { unit: BROKEN_UNIT });
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /and etcd 3\.6\.14 of its old settings is not what was installed from a declared archive/,
  );
  assert.doesNotMatch(stderr, /restoring the old settings/);
});
