/** What a restore makes of a cluster, and what may not come with it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { memberChanges } from "../../cluster/changes.ts";
import { readSnapshotName, snapshotInWords, tokenAfter } from "../../cluster/restore.ts";
import { computeTopology, type Deployed, deployedAfter, parseDeployed } from "../../cluster/topology.ts";
import { declared, onAws, proven, running } from "./aws-machines.ts";
import { config } from "./configuration.ts";
import { deployed, nodes, plan } from "./deployment.ts";
import { TOKENS } from "./tokens.ts";

const sha256 = "9f".repeat(32);
const snapshot = "20261127T060000Z-r123456-3.6-node2.db.gz";
const restore = { snapshot, sha256 };

const problemsOf = (
  settings: Readonly<Record<string, unknown>>,
  before: Deployed | undefined = deployed(3),
) => computeTopology(config({ nodes: nodes(3), restore, ...settings }), before).problems;

test("the token is another one for each restore, and the same wherever it is computed", () => {
  for (const { token, becomes, ...of } of TOKENS) assert.equal(tokenAfter(token, of), becomes);
  const [a, b, c] = [
    tokenAfter("a-00000000", { sha256, id: 1 }),
    tokenAfter("a-00000000", { sha256, id: 2 }),
    tokenAfter("a-00000001", { sha256, id: 1 }),
  ];
  assert.equal(new Set([a, b, c]).size, 3);
});

test("a name says when, at which revision and of which minor, as far as it does", () => {
  assert.deepEqual(readSnapshotName(`etcd-cluster-1-1a2b3c4d/hourly/${snapshot}.age`), {
    token: "etcd-cluster-1-1a2b3c4d",
    minor: "3.6",
    revision: "123456",
    taken: "2026-11-27 06:00 UTC",
  });
  assert.deepEqual(readSnapshotName("etcd-3.5-20261127T060000Z-node1.db"), {
    minor: "3.5",
    taken: "2026-11-27 06:00 UTC",
  });
  assert.deepEqual(readSnapshotName("backup.db"), {});
  assert.equal(snapshotInWords(snapshot), "r123456 of 2026-11-27 06:00 UTC");
  assert.equal(snapshotInWords("folder/backup.db"), "backup.db");
});

test("all members are founders again, and none is touched before all have stopped", () => {
  const before = deployed(3);
  const joined = { ...before.nodes.node3, initialState: "existing", initialCluster: "node3=x" } as const;
  const topology = plan(
    nodes(3),
    { ...before, nodes: { ...before.nodes, node3: { ...joined, address: "10.0.0.3", incarnation: 1 } } },
    { restore },
  );
  const cluster = [1, 2, 3].map((n) => `node${n}=https://10.0.0.${n}:2380`).join();
  assert.deepEqual(
    topology.members.map(({ initialState, initialCluster }) => [initialState, initialCluster]),
    Array.from({ length: 3 }, () => ["new", cluster]),
  );
  assert.equal(topology.restore?.isPending, true);
  assert.deepEqual(topology.repairs, []);
});

test("it is recorded with the token that it came from, is done once, and another id does it again", () => {
  const settings = { nodes: nodes(3), restore };
  const before = deployed(3);
  const token = tokenAfter(before.token, { sha256, id: 1 });
  const after = deployedAfter(config(settings), plan(nodes(3), before, { restore }), token, before);
  assert.deepEqual(after.restore, { snapshot, sha256, id: 1, from: before.token });
  assert.deepEqual(parseDeployed(JSON.parse(JSON.stringify(after))), after);
  assert.equal(plan(nodes(3), after, { restore }).restore?.isPending, false);
  assert.equal(plan(nodes(3), after).restore, undefined);
  assert.equal(plan(nodes(3), after, { restore: { ...restore, id: 2 } }).restore?.isPending, true);
  const later = deployedAfter(config({ nodes: nodes(3) }), plan(nodes(3), after), token, after);
  assert.deepEqual(later, after, "taken out of the stack it is still what the cluster began with");
});

test("on an empty stack the members found the cluster from it, and no token was before", () => {
  const topology = plan(nodes(3), undefined, { restore });
  assert.equal(topology.restore?.isPending, true);
  assert.deepEqual(deployedAfter(config({ nodes: nodes(3), restore }), topology, "t-00000000").restore, {
    snapshot,
    sha256,
    id: 1,
  });
});

test("members that are gone come back with it: replaced, moved and new ones, up to all of them", () => {
  const raised = { incarnation: 2 };
  assert.deepEqual(problemsOf({ nodes: nodes(3, { node1: raised, node2: raised, node3: raised }) }), []);
  assert.deepEqual(
    problemsOf({ nodes: nodes(3, { node2: { address: "10.0.0.12" }, node3: { address: "10.0.0.13" } }) }),
    [],
  );
  assert.deepEqual(problemsOf({ nodes: nodes(5) }), []);
  assert.deepEqual(problemsOf({ nodes: nodes(3, { node3: { lost: true } }) }), []);
});

for (const [what, settings, sentence] of [
  [
    "another minor than the snapshot's",
    { restore: { ...restore, snapshot: snapshot.replace("-3.6-", "-3.5-") } },
    "restore: the snapshot is of 3.5, and version is 3.6.14; restore it with a version 3.5.x, then change the version in an up of its own.",
  ],
  [
    "a snapshot of another cluster",
    { restore: { ...restore, snapshot: `other-1a2b3c4d/hourly/${snapshot}` } },
    "restore: the snapshot is of the cluster other-1a2b3c4d, and this one is etcd-cluster-1-0123abcd; correct restore.snapshot, or, to begin with another cluster's data, add foreign-snapshot to allow.",
  ],
  [
    "a majority that is declared lost",
    { nodes: nodes(3, { node2: { lost: true }, node3: { lost: true } }) },
    "restore: node2, node3 are a majority of 3 members, and nothing is stopped on lost nodes; declare other machines under these names (incarnation raised), or leave one of them to be restored.",
  ],
  [
    "another name of the cluster",
    { clusterName: "other" },
    "clusterName: the cluster was bootstrapped as etcd-cluster-1 and keeps that name; change it back, or bootstrap a new cluster with destroy and up.",
  ],
] as const)
  test(`refused together with ${what}`, () => {
    assert.deepEqual(problemsOf(settings), [sentence]);
  });

test("refused together with nodes that are taken out", () => {
  assert.deepEqual(problemsOf({}, deployed(5)), [
    "restore: node4, node5 would be taken out in the same up, and their members would go on meanwhile; keep them in nodes, restore, then take them out; where a machine is gone for good, set lost: true on its node.",
  ]);
});

test("a snapshot of this cluster, of the one before its last restore, and one that is allowed, are restored", () => {
  const of = (token: string) => ({ restore: { ...restore, snapshot: `${token}/daily/${snapshot}` } });
  const before = {
    ...deployed(3),
    restore: { snapshot: "a.db", sha256, id: 1, from: "etcd-cluster-1-00000000" },
  };
  for (const token of [before.token, "etcd-cluster-1-00000000"])
    assert.deepEqual(problemsOf(of(token), before), []);
  assert.equal(problemsOf(of("etcd-cluster-1-ffffffff"), before).length, 1);
  assert.deepEqual(problemsOf({ ...of("other-1a2b3c4d"), allow: ["foreign-snapshot"] }), []);
  const onNewStack = (settings: object) =>
    computeTopology(config({ nodes: nodes(3), ...settings }), undefined).problems.length;
  assert.equal(onNewStack(of("etcd-cluster-1-ffffffff")), 0, "the digits are of CAs that are gone");
  assert.equal(onNewStack(of("other-1a2b3c4d")), 1);
});

test("without a restore nothing of this is said of the same changes", () => {
  const changes = { nodes: nodes(3, { node2: { lost: true }, node3: { lost: true } }), restore: {} };
  assert.match(problemsOf(changes).join(), /^nodes: node2, node3 of 3 members would be without data/);
  assert.deepEqual(memberChanges(config({ nodes: nodes(3), restore }), deployed(3), new Map()), []);
});

test("on EC2 machines that are gone come back with it, and one that runs is not replaced in the same up", () => {
  const named = { restore };
  const withRestore = onAws({}, named);
  const gone = computeTopology(withRestore, proven, new Map());
  assert.deepEqual(gone.problems, []);
  assert.deepEqual([gone.topology?.repairs, gone.topology?.rebuilt], [[], []]);
  assert.equal(
    computeTopology(declared, proven, new Map()).problems.length,
    1,
    "without a restore it is refused",
  );
  const other = computeTopology(onAws({ instanceType: "m7g.xlarge" }, named), proven, running);
  assert.match(
    other.problems.join(),
    /^restore: node1, node2, node3 would get another machine in the same up; /,
  );
});
