// The step of the cluster ahead of its members: who is unfit is said before any member is touched.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked } from "./cluster.ts";
import type { Result } from "./host.ts";
import { VERSION } from "./mirror.ts";
import { isUnhealthy } from "./rolling.ts";
import { isDown, step, steppingCluster } from "./stepping.ts";

const FROZEN = { listeners: { frozen: true } } as const;
const CLOSED = { listeners: { silent: "client" } } as const;
const LOOKED = { code: 0, stdout: "checked the cluster\n", stderr: "" };
/** It says when, so that the proof follows it. */
const untimed = (result: Result) => ({
  ...result,
  stdout: result.stdout.replace(/ at [0-9-]+T[0-9:]+Z$/m, ""),
});

test("a healthy cluster is looked at, and left as it is", async (t) => {
  const cluster = await steppingCluster(t);
  assert.deepEqual(untimed(await step(cluster, "before")), LOOKED);
  assert.deepEqual(changesAsked(cluster.host), []);
  assert.deepEqual(cluster.host.list("run/etcd-host"), ["lock"]);
});

test("where nothing may be asked with, nobody is taken for silent", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.host.write("var/lib/etcd-host/served", "");
  cluster.host.write(`opt/etcd/${VERSION}/etcdctl`, "another", 0o755);
  const { code, stdout, stderr } = await step(cluster, "before");
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(stderr, /^etcd-host: refused: no etcdctl on this host is what was installed /);
});

test("a frozen member is refused by its name, before anything is changed", async (t) => {
  const cluster = await steppingCluster(t, FROZEN);
  isDown(cluster, "node2");
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^etcd-host: refused: node2 \(https:\/\/127\.0\.0\.1:\d+\) does not answer \S+: frozen, cut off or off\. Nothing was changed: .*put it first in etcd:rolloutOrder; .*raise its incarnation.*\n$/,
  );
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("a member that runs and is not healthy is refused with what etcd says of it", async (t) => {
  const cluster = await steppingCluster(t);
  isUnhealthy(cluster, "node2");
  cluster.answer();
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node2 \(\S+\) runs, but is not healthy: failed to commit proposal: context deadline exceeded\. /,
  );
});

test("everybody who is unfit is named at once", async (t) => {
  const cluster = await steppingCluster(t, FROZEN);
  cluster.member(1).version = undefined;
  isUnhealthy(cluster, "node2", "node3");
  cluster.answer();
  assert.match(
    (await step(cluster, "before")).stderr,
    /refused: node2 \(\S+\) does not answer [^;]*; node3 \(\S+\) runs, but is not healthy: /,
  );
});

test("a member that is stopped is no obstacle: its own step starts it", async (t) => {
  const cluster = await steppingCluster(t, CLOSED);
  isDown(cluster, "node2");
  assert.deepEqual(untimed(await step(cluster, "before")), LOOKED);
});

test("who comes first in the order is excused, and nobody else", async (t) => {
  const cluster = await steppingCluster(t, FROZEN);
  isDown(cluster, "node2");
  assert.deepEqual(untimed(await step(cluster, "before", ["--first=node2,node3"])), LOOKED);
  for (const first of ["node3", "node22", "node"])
    assert.equal((await step(cluster, "before", [`--first=${first}`])).code, 3, first);
});

for (const [recorded, code] of [
  [{ node2: 1 }, 0],
  [{ node2: 2 }, 3],
  [{ node1: 1 }, 0],
] as const)
  test(`a dead member that is replaced in this run is excused: declared 2, ${JSON.stringify(recorded)}`, async (t) => {
    const cluster = await steppingCluster(t, FROZEN);
    cluster.recorded = recorded;
    cluster.declared[1] = cluster.declared[1]?.replace(/1\n$/, "2\n") ?? "";
    isDown(cluster, "node2");
    assert.equal((await step(cluster, "before")).code, code);
  });

test("a declared member that was removed by hand is named before any other one is touched", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.members.splice(2, 1);
  for (const member of cluster.members) member.leader = cluster.member(0).id;
  cluster.answer();
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node3 \(incarnation 1\) is declared, and was removed from the cluster by hand\. Nothing was changed: raise its incarnation/,
  );
  cluster.declared[2] = cluster.declared[2]?.replace(/1\n$/, "2\n") ?? "";
  assert.deepEqual(untimed(await step(cluster, "before")), LOOKED, "its incarnation was raised");
});

test("a declared node that was never a member, and one that this program removed, are to join", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.members.splice(2, 1);
  for (const member of cluster.members) member.leader = cluster.member(0).id;
  delete cluster.recorded.node3;
  cluster.answer();
  assert.deepEqual(untimed(await step(cluster, "before")), LOOKED);
});

test("a corrupt member is named, and everything waits until it is replaced", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.alarms = "memberID:8325025528367255048 alarm:CORRUPT \n";
  cluster.answer();
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: the alarm CORRUPT concerns node2: raise its incarnation, nothing else helps/,
  );
  for (const declared of [0, 1])
    cluster.declared[declared] = cluster.declared[declared]?.replace(/1\n$/, "2\n") ?? "";
  assert.deepEqual(untimed(await step(cluster, "before")), {
    ...LOOKED,
    stderr: "etcd-host: the alarm CORRUPT concerns node2, which is replaced in this run\n",
  });
  cluster.declared[1] = cluster.declared[1]?.replace(/2\n$/, "1\n") ?? "";
  assert.equal((await step(cluster, "before")).code, 3, "another one is replaced");
});

test("what settles by itself is waited for", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.answer("later");
  isUnhealthy(cluster, "node2");
  cluster.answer();
  cluster.host.fake("sleep", 'rm -r "$HOST_ROOT/answers" && mv "$HOST_ROOT/later" "$HOST_ROOT/answers"');
  assert.deepEqual(untimed(await step(cluster, "before", [], { settings: "BEFORE_SECONDS=60" })), LOOKED);
});

test("a voter that this stack never had is somebody's: refused, and not removed", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  delete cluster.recorded.node3;
  cluster.answer();
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: the cluster has a member that this stack never had: node3 \(https:\/\/127\.0\.0\.1:\d+\)\. Declare it in etcd:nodes, or remove it by hand/,
  );
  isDown(cluster, "node3");
  assert.equal((await step(cluster, "before")).code, 3, "dead, too");
  assert.deepEqual(changesAsked(cluster.host), []);
  cluster.recorded = {};
  cluster.answer();
  assert.doesNotMatch((await step(cluster, "before")).stderr, /never had/, "nothing was recorded yet");
});

test("a learner that this stack never had is somebody's, too, started or not", async (t) => {
  for (const [who, said] of [
    [{ name: "db9" }, "db9 \\(https://192\\.0\\.2\\.19:2380\\)"],
    [{ name: "", clientUrl: "" }, "the member at https://192\\.0\\.2\\.19:2380"],
  ] as const)
    for (const learner of [true, false]) {
      const cluster = await steppingCluster(t);
      const peerUrls = ["https://192.0.2.19:2380"];
      cluster.members.push({ ...cluster.member(1), id: "44", peerUrls, learner, ...who });
      cluster.answer();
      const { code, stderr } = await step(cluster, "before");
      assert.equal(code, 3, stderr);
      assert.match(
        stderr,
        new RegExp(`refused: the cluster has a member that this stack never had: ${said}`),
      );
      assert.deepEqual(changesAsked(cluster.host), []);
    }
});

test("who has no answer about its members removes none, and checks nothing off", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  cluster.host.write("answers/unanswered/get", "once\n");
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: the cluster does not say which members this stack has had \(Error: context deadline exceeded\); see /,
  );
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("an undeclared member that lives goes only once the declared ones are in place", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  assert.deepEqual(untimed(await step(cluster, "before")), LOOKED);
  assert.deepEqual(changesAsked(cluster.host), []);
});

for (const [title, down, member, changes] of [
  ["is dead", true, { version: undefined }, ["member remove 2c", "del etcd-host/members/node4"]],
  [
    "is a learner, whatever it answers",
    false,
    { learner: true },
    ["member remove 2c", "del etcd-host/members/node4", "del etcd-host/joining/https://192.0.2.14:2380"],
  ],
  [
    "has never started",
    true,
    { name: "", clientUrl: "", learner: true },
    ["member remove 2c", "del etcd-host/joining/https://192.0.2.14:2380"],
  ],
] as const)
  test(`an undeclared member that ${title} makes room for the others`, async (t) => {
    const cluster = await steppingCluster(t);
    cluster.members.push({
      ...cluster.member(1),
      name: "node4",
      id: "44",
      peerUrls: ["https://192.0.2.14:2380"],
      clientUrl: "https://192.0.2.14:2379",
      ...member,
    });
    cluster.recorded.node4 = 1;
    cluster.joining = member.name === "" ? ["https://192.0.2.14:2380"] : [];
    if (down) isUnhealthy(cluster, "node4");
    cluster.answer();
    const { code, stderr } = await step(cluster, "before");
    assert.equal(code, 0, stderr);
    assert.deepEqual(changesAsked(cluster.host), ["lock", ...changes, "lock dropped"]);
  });

test("the half-made join of a declared node is left to its own step", async (t) => {
  const cluster = await steppingCluster(t);
  Object.assign(cluster.member(1), { name: "", clientUrl: "", learner: true, version: undefined });
  isUnhealthy(cluster);
  cluster.answer();
  assert.deepEqual(untimed(await step(cluster, "before")), LOOKED);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("a lost quorum is said with who can be asked and who cannot, and the way out", async (t) => {
  const listeners = (index: number) => (index === 1 ? FROZEN.listeners : index === 2 ? CLOSED.listeners : {});
  const cluster = await steppingCluster(t, { listeners });
  isDown(cluster, "node2", "node3");
  cluster.host.write("answers/silent", "");
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: no quorum answers \S+: of 3 declared members these answer: node1; node2 cannot be reached\. .* bring back 2 in all, .* restore a snapshot: etcd:restore, with docs\/restore\.md\. The newest data may be that of node1: 'etcd-host snapshot --from-data' there saves it$/m,
  );
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("members that are all stopped are started by their own steps", async (t) => {
  const cluster = await steppingCluster(t, { listeners: () => CLOSED.listeners });
  isDown(cluster, "node1", "node2", "node3");
  cluster.host.write("answers/silent", "");
  const { code, stderr } = await step(cluster, "before");
  assert.deepEqual([code, stderr], [0, "etcd-host: no quorum answers; each host starts what is stopped\n"]);
});
