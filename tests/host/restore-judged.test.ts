// before and membership of a cluster that is restored: what is judged while everything still runs, and what is forgotten after.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { FakeCluster } from "./cluster.ts";
import { step, steppingCluster } from "./stepping.ts";

const TOKEN = "etcd-cluster-1-89abcdef";
const RESTORE = `--restore=${TOKEN}`;

/** What each host has said of its own: the hash, revision, keys and bytes, the bump, whether it sees a quorum, its revision. */
function staged(cluster: FakeCluster, ...lines: readonly string[]): void {
  cluster.declared.push(...lines.map((line, index) => `staged node${index + 1} ${line}\n`));
}
const SAME = "4711 63 12 20480 1000 none 0 c1";

async function silentCluster(t: TestContext): Promise<FakeCluster> {
  const cluster = await steppingCluster(t);
  cluster.host.write("answers/silent", "");
  return cluster;
}

test("without a quorum, and with the same laid out everywhere, it may begin", async (t) => {
  const cluster = await silentCluster(t);
  staged(cluster, SAME, SAME, SAME);
  const { code, stdout, stderr } = await step(cluster, "before", [RESTORE]);
  assert.deepEqual(
    [code, stdout],
    [0, "every host has laid out the same data: 12 keys, at revision 63\n"],
    stderr,
  );
});

for (const [what, lines, sentence] of [
  [
    "one has laid out something else",
    [SAME, SAME.replace("4711", "4712"), SAME],
    /refused: the hosts have not laid out the same data \(node1 4711,node2 4712,node3 4711\); nothing was stopped: raise checkId, then run again/,
  ],
  [
    "one would be of another cluster",
    [SAME, SAME, SAME.replace("c1", "c2")],
    /refused: the hosts have not laid out the same data/,
  ],
  ["one has said nothing", [SAME, SAME], /refused: node3 has not said what it laid out; nothing was stopped/],
  [
    "another host sees a quorum",
    [SAME, "4711 63 12 20480 1000 quorum 987 c1", SAME],
    /refused: the cluster is healthy, as seen from node2 \(revision 987\); a restore would lose what was written since r63, 924 revisions: allow it by etcd:allow: \[restore-healthy-cluster\]; nothing was stopped/,
  ],
  [
    "clients would see revisions twice",
    [SAME, SAME, "4711 63 12 20480 1000 none 2000 c1"],
    /refused: the cluster is at revision 2000, more than the snapshot's plus bumpRevision: raise bumpRevision above 1937; nothing was stopped/,
  ],
] as const)
  test(`refused: ${what}`, async (t) => {
    const cluster = await silentCluster(t);
    staged(cluster, ...lines);
    const { code, stderr } = await step(cluster, "before", [RESTORE]);
    assert.equal(code, 3);
    assert.match(stderr, sentence);
  });

test("a quorum that this host sees is refused too, and is allowed by its word with what that loses", async (t) => {
  const cluster = await steppingCluster(t);
  staged(cluster, SAME, SAME, SAME);
  const refused = await step(cluster, "before", [RESTORE]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /refused: the cluster is healthy, as seen from \S+ \(revision \d+\)/);
  const allowed = await step(cluster, "before", [RESTORE, "--allow=restore-healthy-cluster"]);
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(
    allowed.stderr,
    /the cluster is healthy, and is restored all the same: what was written since r63 is lost/,
  );
});

test("once this host has served in the restored cluster, it is a cluster like any other", async (t) => {
  const cluster = await steppingCluster(t);
  staged(cluster, SAME, SAME, SAME);
  const { host } = cluster;
  host.write("var/lib/etcd-host/mark", `name=node1\nincarnation=1\ndata_dir=${host.file("var/lib/etcd")}\n`);
  host.write("etc/etcd/bootstrap.env", `ETCD_INITIAL_CLUSTER_TOKEN=${TOKEN}\n`);
  host.write("var/lib/etcd/member/wal/0.wal", "");
  host.write("var/lib/etcd-host/served", "");
  const { code, stdout, stderr } = await step(cluster, "before", [RESTORE]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^checked the cluster at /);
});

test("what the snapshot knew of its own cluster is forgotten once, and only then", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.recorded.node9 = 4;
  cluster.told.node1 = "0123456789abcdef";
  cluster.answer();
  const first = await step(cluster, "membership", [RESTORE]);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(cluster.host.read("answers/keys"), `etcd-host/cluster ${TOKEN}\n`);
  cluster.host.write("answers/keys", `etcd-host/cluster ${TOKEN}\netcd-host/members/node1 1\n`);
  await step(cluster, "membership", [RESTORE]);
  assert.match(cluster.host.read("answers/keys"), /^etcd-host\/members\/node1 1$/m);
});
