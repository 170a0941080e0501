// On another member, before a machine is replaced: can the cluster do without the member that is on it?
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import type { Result } from "./host.ts";
import { isRefused, UNIT } from "./member.ts";
import { growToFive, isUnhealthy, roll, rollingCluster, startedAt } from "./rolling.ts";

/** The step as Pulumi runs it on node1, about another member. */
function guard({ host }: FakeCluster, name = "node2", allow = ""): Promise<Result> {
  return host.run([
    "guard",
    `--name=${name}`,
    "--made-from=0a1b2c3d",
    "--election-timeout=1",
    `--allow=${allow}`,
  ]);
}

const refusedLocked = ["lock", "lock dropped"];
const noted = (name = "node2") => [
  "lease grant 1800",
  `put --lease=694d7a1c etcd-host/rebuilding/${name} 0a1b2c3d`,
];
const locked = ["lock", ...noted(), "lock dropped"];
const moveTo = (id: string) => `move-leader ${BigInt(id).toString(16)}`;

interface Case {
  readonly title: string;
  readonly arrange: (cluster: FakeCluster) => void;
  readonly allow?: string;
}

const refused: readonly (Case & { readonly sentence: RegExp })[] = [
  {
    title: "another member than that of the machine is down",
    arrange: (c) => isUnhealthy(c, "node3"),
    sentence:
      /refused: node2 may not have its machine replaced: of the other 2 voters 1 healthy, 2 needed; not healthy: node3\. Check there/,
  },
  {
    title: "of five, two others are down",
    arrange: (c) => {
      growToFive(c);
      isUnhealthy(c, "node3", "node5");
    },
    sentence: /node2 may not have its machine replaced: of the other 4 voters 2 healthy, 3 needed/,
  },
  {
    title: "neither of two members may go",
    arrange: (c) => c.members.splice(2, 1),
    sentence: /refused: neither of two members may have its machine replaced without stopping writes/,
  },
  {
    title: "an alarm is raised",
    arrange: (c) => {
      c.alarms = "memberID:8325025528367255048 alarm:CORRUPT \n";
    },
    allow: "nospace-alarm",
    sentence: /refused: the alarm CORRUPT concerns node2: raise its incarnation/,
  },
  {
    title: "there is no space",
    arrange: (c) => {
      c.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
    },
    sentence: /refused: the alarm NOSPACE is raised: no write passes/,
  },
  {
    title: "the members follow different leaders",
    arrange: (c) => Object.assign(c.member(1), { leader: c.member(1).id }),
    sentence: /refused: the members do not agree on a leader/,
  },
  {
    title: "a member is behind",
    arrange: (c) => Object.assign(c.member(2), { applied: 5000 }),
    sentence:
      /refused: the member at https:\/\/127\.0\.0\.1:\d+ is 4000 log entries behind the leader and does not catch up/,
  },
  {
    title: "nobody answers",
    arrange: (c) => c.members.splice(0),
    sentence:
      /refused: no member answers, so it cannot be proven that the machine of node2 may be replaced; see /,
  },
];

for (const { title, arrange, allow, sentence } of refused)
  test(`refused, and nothing but the lock asked for: ${title}`, async (t) => {
    const cluster = await rollingCluster(t);
    arrange(cluster);
    cluster.answer();
    await isRefused(cluster.host, () => guard(cluster, "node2", allow), sentence);
    const changes = changesAsked(cluster.host);
    assert.deepEqual(changes, changes.length === 0 ? [] : refusedLocked);
  });

const passing: readonly Case[] = [
  { title: "every member is healthy, and this one does not lead", arrange: () => {} },
  {
    title: "its own member is the one that is down: the others are enough, as they are now",
    arrange: (c) => {
      Object.assign(c.member(1), { version: undefined });
      isUnhealthy(c, "node2");
    },
  },
  {
    title: "its member is a learner, which has no vote to lose",
    arrange: (c) => Object.assign(c.member(1), { learner: true }),
  },
  {
    title: "of five, one other is down",
    arrange: (c) => {
      growToFive(c);
      isUnhealthy(c, "node5");
    },
  },
  {
    title: "one of two, by name",
    arrange: (c) => {
      c.members.splice(2, 1);
      for (const member of c.members) member.leader = c.member(0).id;
    },
    allow: "two-node-restart",
  },
];

for (const { title, arrange, allow } of passing)
  test(`let go: ${title}`, async (t) => {
    const cluster = await rollingCluster(t);
    arrange(cluster);
    cluster.answer();
    const { code, stdout, stderr } = await guard(cluster, "node2", allow);
    assert.deepEqual([code, stdout, stderr], [0, "the cluster can do without node2\n", ""]);
    assert.deepEqual(changesAsked(cluster.host), locked);
    assert.deepEqual(cluster.host.systemdCalls(), [], "the machine stops its etcd by itself");
  });

test("leadership goes to the other member that started last, before the leader's machine goes", async (t) => {
  const cluster = await rollingCluster(t, startedAt("1000", "3000", "2000"));
  const { code, stderr } = await guard(cluster, "node3");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(changesAsked(cluster.host), [
    "lock",
    moveTo(cluster.member(1).id),
    ...noted("node3"),
    "lock dropped",
  ]);
});

test("the machine of a leader that does not give leadership up stays", async (t) => {
  const cluster = await rollingCluster(t, startedAt("1000", "3000", "2000"));
  cluster.host.write("answers/refused/move-leader", "etcdserver: request timed out\n");
  const { code, stderr } = await guard(cluster, "node3");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node3 leads, and leadership cannot be moved to node2 first: Error: etcdserver: request timed out; /,
  );
});

test("two followers that are cut from each other keep the machine of their leader, which leads on", async (t) => {
  const cluster = await rollingCluster(t, startedAt("1000", "3000", "2000"));
  const [, node2, node3] = cluster.members.map(({ id }) => id);
  const { host } = cluster;
  host.write("answers/health.whole", host.read("answers/health"));
  isUnhealthy(cluster, "node1");
  cluster.answer("cut");
  host.write(
    "answers/after-move-leader",
    `if [ "$id" = ${node2} ]; then cp ../cut/health health; else cp health.whole health; fi\n`,
  );
  const { code, stderr } = await guard(cluster, "node3");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node3 led, and the others are no quorum without it: once node2 led, not healthy: node1\. node3 leads now/,
  );
  assert.deepEqual(changesAsked(host), ["lock", moveTo(node2 ?? ""), moveTo(node3 ?? ""), "lock dropped"]);
});

test("a name that is no member has nothing to prove, and nothing is asked for", async (t) => {
  const cluster = await rollingCluster(t);
  const { code, stdout } = await guard(cluster, "node9");
  assert.deepEqual([code, stdout], [0, "node9 is not a member: nothing to prove\n"]);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("a guard leaves nothing behind on the host that it ran on", async (t) => {
  const cluster = await rollingCluster(t);
  const onHost = () => {
    const { "answers/keys": _inTheCluster, ...files } = cluster.host.snapshot();
    return files;
  };
  const before = onHost();
  assert.equal((await guard(cluster, "node2")).code, 0);
  assert.deepEqual(onHost(), before);
});

test("until a machine that is replaced is back, no other one is, and no member restarts; its own is guarded again", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  assert.equal((await guard(cluster, "node2")).code, 0);
  const other = await guard(cluster, "node3");
  assert.equal(other.code, 3);
  assert.match(
    other.stderr,
    /refused: the machine of node2 is being replaced, so node3 may not have its machine replaced before its member is back; .* after 30 minutes, or with 'etcd-host ctl del etcd-host\/rebuilding\/node2'\n$/,
  );
  assert.match(
    (await roll(host, { "made-from": "0a1b2c3d" })).stderr,
    /refused: the machine of node2 is being replaced, so node1 may not restart /,
  );
  assert.deepEqual(host.systemdCalls(), []);
  assert.equal((await guard(cluster, "node2")).code, 0);
});

test("a member that is back on its machine lets the others go on", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/keys", "etcd-host/rebuilding/node1 0a1b2c3d\n");
  assert.equal((await roll(host, { "made-from": "0a1b2c3d" }, { unit: UNIT })).code, 0);
  assert.doesNotMatch(host.read("answers/keys"), /rebuilding/);
});

test("without an answer nobody knows whether a machine is being replaced: no other one is", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  host.write("answers/unanswered/get", "once\nthen\n"); // what it was made from, then who is rebuilt
  const { code, stderr } = await guard(cluster, "node2");
  assert.equal(code, 3);
  assert.match(stderr, /refused: the cluster does not say whether a machine is being replaced: Error: /);
});

test("while another host holds the cluster's lock, nobody's machine goes", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  host.write("answers/lock-held", "");
  const args = ["guard", "--name=node2", "--made-from=0a1b2c3d", "--election-timeout=1"];
  const { code, stderr } = await host.run(args, { env: { LOCK_SECONDS: "0" } });
  assert.equal(code, 4);
  assert.match(stderr, /another host holds the cluster's lock; run again when it is free/);
});

test("a machine that stays what it was made from needs no proof, whatever else the guard's text says", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.host.write("answers/machine", "0a1b2c3d\n");
  isUnhealthy(cluster, "node3");
  const { code, stdout } = await guard(cluster, "node2");
  assert.deepEqual([code, stdout], [0, "the machine of node2 stays: nothing to prove\n"]);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("a guard must be told whose machine it is about", async (t) => {
  const { host } = await rollingCluster(t);
  const { code, stderr } = await host.run(["guard"]);
  assert.deepEqual([code, stderr], [2, "etcd-host: the option --name is missing (etcd-host help)\n"]);
});
