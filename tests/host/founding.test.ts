// "--founding" is in the texts of creates, which Pulumi also runs when it replaces the steps of a cluster that serves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { isUnhealthy, rollingCluster } from "./rolling.ts";
import { isDown, step, steppingCluster } from "./stepping.ts";

/** The member of this host has been in a quorum. */
function hasServed({ host }: FakeCluster): void {
  host.write("var/lib/etcd-host/served", "");
}
const around = { before: /^checked the cluster at .*Z\n$/, membership: /^checked the members\n$/ } as const;

for (const subcommand of ["before", "membership"] as const) {
  test(`${subcommand}: on a host that has not served there is nothing to ask`, async (t) => {
    const cluster = await steppingCluster(t);
    const { code, stdout } = await step(cluster, subcommand, ["--founding"]);
    assert.equal(code, 0);
    assert.match(stdout, /^the cluster is being bootstrapped: /);
    assert.equal(cluster.host.exists("asked"), false);
  });

  test(`${subcommand}: believed of a cluster that nobody has proven`, async (t) => {
    const cluster = await steppingCluster(t);
    hasServed(cluster);
    cluster.recorded = {};
    cluster.answer();
    assert.match(
      (await step(cluster, subcommand, ["--founding"])).stdout,
      /^the cluster is being bootstrapped: /,
    );
  });

  test(`${subcommand}: on a proven cluster it acts as its update does`, async (t) => {
    const cluster = await steppingCluster(t);
    hasServed(cluster);
    const { code, stdout } = await step(cluster, subcommand, ["--founding"]);
    assert.equal(code, 0);
    assert.match(stdout, around[subcommand]);
  });
}

test("before: a frozen member of a proven cluster is refused in a create, too", async (t) => {
  const cluster = await steppingCluster(t, { listeners: { frozen: true } });
  hasServed(cluster);
  isDown(cluster, "node2");
  const { code, stderr } = await step(cluster, "before", ["--founding"]);
  assert.equal(code, 3);
  assert.match(stderr, /refused: node2 \(\S+\) does not answer /);
});

test("membership: an undeclared member of a proven cluster is removed in a create, too", async (t) => {
  const cluster = await steppingCluster(t, { count: 5, declared: 3 });
  hasServed(cluster);
  assert.equal((await step(cluster, "membership", ["--founding"])).code, 0);
  assert.deepEqual(
    changesAsked(cluster.host).filter((call) => call.startsWith("member")),
    ["member remove 2c", "member remove 37"],
  );
});

test("without an answer nothing is believed: before says who is silent, membership waits for one", async (t) => {
  const cluster = await steppingCluster(t, { listeners: { frozen: true } });
  hasServed(cluster);
  isDown(cluster, "node2");
  cluster.host.write("answers/silent", "");
  const before = await step(cluster, "before", ["--founding"]);
  assert.equal(before.code, 3);
  assert.match(before.stderr, /refused: no quorum answers \S+: /);
  const membership = await step(cluster, "membership", ["--founding"]);
  assert.equal(membership.code, 1);
  assert.match(membership.stderr, /failed: no member answers, so it is unknown which to remove/);
});

/** The guard of node2's machine, as its create runs it on node1. */
function guard({ host }: FakeCluster) {
  return host.run(["guard", "--name=node2", "--made-from=0a1b2c3d", "--election-timeout=1", "--founding"]);
}
const recording = ["put etcd-host/machines/node2 0a1b2c3d"];

test("guard: a machine that nothing is recorded of is new, and so is one that is recorded as it is", async (t) => {
  const cluster = await rollingCluster(t);
  isUnhealthy(cluster, "node3");
  cluster.answer();
  for (const machine of ["", "0a1b2c3d\n"]) {
    cluster.host.write("asked", "");
    cluster.host.write("answers/machine", machine);
    const { code, stdout, stderr } = await guard(cluster);
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
    assert.deepEqual(changesAsked(cluster.host), recording);
  }
});

test("guard: a machine that takes the place of another one is proven in a create, too", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.host.write("answers/machine", "ffffffff\n");
  assert.equal((await guard(cluster)).stdout, "the cluster can do without node2\n");
  isUnhealthy(cluster, "node3");
  cluster.answer();
  const { code, stderr } = await guard(cluster);
  assert.equal(code, 3);
  assert.match(stderr, /refused: node2 may not have its machine replaced: of the other 2 voters 1 healthy/);
  assert.ok(!changesAsked(cluster.host).includes(recording[0] ?? ""));
});

test("guard: without an answer it is believed only where no member has served", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.host.write("answers/silent", "");
  const { code, stderr } = await guard(cluster);
  assert.equal(code, 3);
  assert.match(stderr, /refused: no member answers, so it cannot be proven that the machine of node2/);
  await cluster.host.shell('rm "$STATE_DIR/served"');
  assert.equal((await guard(cluster)).code, 0);
});
