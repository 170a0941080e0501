import assert from "node:assert/strict";
import { test } from "node:test";
import { computeTopology, type Deployed } from "../../cluster/topology.ts";
import { securityFloors } from "../../etcd/releases.ts";
import { config } from "./configuration.ts";
import { deployed, nodes } from "./deployment.ts";

function judge(values: Readonly<Record<string, unknown>>, before: Deployed | undefined) {
  return computeTopology(config({ ...allowOld, ...values }), before);
}

/** Advisories are published after these tests were written. */
const allowOld = { allow: ["version-below-security-floor"] };

const three = deployed(3);
const allowDowngrade = { allow: ["downgrade", ...allowOld.allow] };
const at = (version: string): Deployed => ({ ...three, version });

for (const [what, values, before, sentence] of [
  [
    "a new name at an old address",
    { nodes: nodes(3, { node3: { name: "db3" } }) },
    three,
    "nodes[2]: db3 is declared at 10.0.0.3, where node3 is a member; keep the name node3 there, or remove node3 in a separate up first.",
  ],
  [
    "a lost node",
    { nodes: nodes(1, { node1: { lost: false } }).concat({ name: "b", address: "10.0.0.2", lost: true }) },
    undefined,
    "nodes[1].lost: b was never proven to be a member, so it has nothing to lose; leave it out.",
  ],
  [
    "a lost node that was never a member",
    { nodes: [...nodes(3), { name: "node9", address: "10.0.0.9", lost: true }] },
    three,
    "nodes[3].lost: node9 was never proven to be a member, so it has nothing to lose; leave it out.",
  ],
  [
    "a lowered incarnation",
    { nodes: nodes(3) },
    { ...three, nodes: { ...three.nodes, node2: { ...(three.nodes.node2 ?? never()), incarnation: 4 } } },
    "nodes[1].incarnation: node2 is already at 4; it can only be raised, never lowered to 1.",
  ],
  [
    "two of three removed",
    { nodes: nodes(1) },
    three,
    "nodes: node2, node3 are a majority of 3 members; remove or replace them in several ups.",
  ],
  [
    "one replaced and one removed of three",
    { nodes: [...nodes(2, { node1: { incarnation: 2 } }), { name: "node4", address: "10.0.0.4" }] },
    three,
    "nodes: node1, node3 are a majority of 3 members; remove or replace them in several ups.",
  ],
  [
    "two of three replaced",
    { nodes: nodes(3, { node1: { incarnation: 2 }, node2: { incarnation: 2 } }) },
    three,
    "nodes: node1, node2 of 3 members would be without data at the same time, leaving fewer than the 2 of a quorum; replace them one at a time, or recover from a snapshot.",
  ],
  [
    "the only member replaced",
    { nodes: nodes(1, { node1: { incarnation: 2 } }) },
    deployed(1),
    "nodes: node1 of 1 members would be without data at the same time, leaving fewer than the 1 of a quorum; replace them one at a time, or recover from a snapshot.",
  ],
  [
    "one lost and one replaced of four",
    { nodes: nodes(4, { node1: { lost: true }, node2: { incarnation: 2 } }) },
    deployed(4),
    "nodes: node1, node2 of 4 members would be without data at the same time, leaving fewer than the 3 of a quorum; replace them one at a time, or recover from a snapshot.",
  ],
  [
    "two of three at other addresses",
    { nodes: nodes(3, { node1: { address: "10.0.0.11" }, node2: { address: "10.0.0.12" } }) },
    three,
    "nodes: node1, node2 are a majority of 3 members, and would all change their address at the same time; move them in several ups.",
  ],
  [
    "another cluster name",
    { clusterName: "other", nodes: nodes(3) },
    three,
    "clusterName: the cluster was bootstrapped as etcd-cluster-1 and keeps that name; change it back, or bootstrap a new cluster with destroy and up.",
  ],
  [
    "another data directory",
    { dataDir: "/srv/etcd", nodes: nodes(3) },
    three,
    "dataDir: the members' data is in /var/lib/etcd; change it back, or bootstrap a new cluster with destroy and up.",
  ],
  [
    "a minor skipped",
    { version: "3.7.1", nodes: nodes(3) },
    at("3.5.33"),
    "version: the cluster runs 3.5.33; etcd goes up one minor at a time; go to 3.6 first.",
  ],
  [
    "a minor back",
    { version: "3.6.14", nodes: nodes(3) },
    at("3.7.1"),
    "version: the cluster runs 3.7.1; going back from 3.7 to 3.6 is etcd's downgrade procedure; add downgrade to etcd:allow to run it.",
  ],
  [
    "a minor back, with another refusal overridden",
    { version: "3.6.14", nodes: nodes(3), allow: ["two-node-restart", "version-below-security-floor"] },
    at("3.7.1"),
    "version: the cluster runs 3.7.1; going back from 3.7 to 3.6 is etcd's downgrade procedure; add downgrade to etcd:allow to run it.",
  ],
  [
    "two minors back, even as a downgrade",
    { version: "3.5.33", nodes: nodes(3), ...allowDowngrade },
    at("3.7.1"),
    "version: the cluster runs 3.7.1; etcd goes back one minor at a time; go to 3.6 first.",
  ],
  [
    "a downgrade together with a replacement",
    { version: "3.6.14", nodes: nodes(3, { node2: { incarnation: 2 } }), ...allowDowngrade },
    at("3.7.1"),
    "version: the step from 3.7.1 to 3.6.14 cannot go together with a change of members (node2); do them in separate ups.",
  ],
  [
    "a minor skipped, which is no downgrade",
    { version: "3.7.1", nodes: nodes(3), ...allowDowngrade },
    at("3.5.33"),
    "version: the cluster runs 3.5.33; etcd goes up one minor at a time; go to 3.6 first.",
  ],
  [
    "a minor step from an old patch",
    { version: "3.7.1", nodes: nodes(3) },
    at("3.6.10"),
    "version: the cluster runs 3.6.10; the upgrade to 3.7 is safe only from 3.6.11 on; go to 3.6.11 or newer first.",
  ],
  [
    "a minor step from an old 3.5",
    { version: "3.6.14", nodes: nodes(3) },
    at("3.5.31"),
    "version: the cluster runs 3.5.31; the upgrade to 3.6 is safe only from 3.5.32 on; go to 3.5.32 or newer first.",
  ],
  [
    "a minor step together with an addition",
    { version: "3.7.1", nodes: nodes(5) },
    three,
    "version: the step from 3.6.14 to 3.7.1 cannot go together with a change of members (node4, node5); do them in separate ups.",
  ],
  [
    "a minor step together with another address",
    { version: "3.7.1", nodes: nodes(3, { node2: { address: "10.0.0.22" } }) },
    three,
    "version: the step from 3.6.14 to 3.7.1 cannot go together with a change of members (node2); do them in separate ups.",
  ],
] as const) {
  test(`${what}: refused in one sentence`, () => {
    assert.deepEqual(judge(values, before).problems, [sentence]);
    assert.equal(judge(values, before).topology, undefined);
  });
}

function never(): never {
  throw new Error("the test's own data is wrong");
}

test("exchanged addresses are refused for both nodes", () => {
  const swapped = nodes(3, { node1: { address: "10.0.0.2" }, node2: { address: "10.0.0.1" } });
  assert.deepEqual(
    judge({ nodes: swapped }, three).problems.map((sentence) => sentence.split(",")[0]),
    ["nodes[0]: node1 is declared at 10.0.0.2", "nodes[1]: node2 is declared at 10.0.0.1", "nodes: node1"],
  );
});

for (const [what, values, before] of [
  ["a patch", { version: "3.6.14" }, at("3.6.12")],
  ["a minor", { version: "3.7.1" }, three],
  [
    "one node removed of three, one added",
    { nodes: [...nodes(2), { name: "node4", address: "10.0.0.4" }] },
    three,
  ],
  ["two nodes removed of five", { nodes: nodes(3) }, deployed(5)],
  ["one node of two removed", { nodes: nodes(1) }, deployed(2)],
  ["one node replaced of three", { nodes: nodes(3, { node2: { incarnation: 2 } }) }, three],
  ["one node lost of three", { nodes: nodes(3, { node2: { lost: true } }) }, three],
  ["one node at another address", { nodes: nodes(3, { node2: { address: "10.0.0.22" } }) }, three],
  ["two nodes more", { nodes: nodes(5) }, three],
  ["a founding", { nodes: nodes(3) }, undefined],
] as const) {
  test(`${what}: allowed`, () => {
    const { problems, warnings } = judge({ nodes: nodes(3), ...values }, before);
    assert.deepEqual({ problems, warnings }, { problems: [], warnings: [] });
  });
}

const [old = "", floor = ""] = ["3.6.15", securityFloors["3.6"]];
const sha256 = { [old]: { amd64: "ab".repeat(32) }, [floor]: { amd64: "cd".repeat(32) } };
const holes = `version: ${old} has known security holes that ${floor} closes; npm run pin -- ${floor} declares that one`;
const goingTo = (version: string, before: Deployed | undefined, allow: readonly string[] = []) => {
  const { problems, warnings } = judge({ nodes: nodes(3), version, sha256, allow }, before);
  return { problems, warnings };
};

test("a version with known holes that runs is warned of, and a step to it is refused", () => {
  assert.deepEqual(goingTo(old, at(old)), { problems: [], warnings: [`${holes}.`] });
  const refused = [`${holes} (to run it anyway, add version-below-security-floor to allow).`];
  for (const before of [at("3.6.14"), at("3.5.35"), at(floor), undefined])
    assert.deepEqual(goingTo(old, before), { problems: refused, warnings: [] });
  for (const before of [at("3.6.14"), at(old)])
    assert.deepEqual(goingTo(old, before, allowOld.allow), { problems: [], warnings: [] });
  assert.deepEqual(goingTo(floor, at(old)), { problems: [], warnings: [] });
});

test("a new cluster of the default version is no step: the program may be older than an advisory", () => {
  const { problems, warnings } = goingTo("3.6.14", undefined);
  assert.deepEqual(problems, []);
  assert.match(warnings.join(), /^version: 3\.6\.14 has known security holes/);
});

test("an older patch of the same minor only warns", () => {
  const { problems, warnings } = judge({ nodes: nodes(3), version: "3.6.13", ...allowOld }, three);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings, ["version: 3.6.13 is older than 3.6.14, which the cluster runs."]);
});

test("a downgrade that is allowed by name only warns", () => {
  for (const [from, version] of [
    ["3.7.1", "3.6.14"],
    ["3.6.14", "3.5.33"],
  ] as const) {
    const { problems, warnings } = judge({ nodes: nodes(3), version, ...allowDowngrade }, at(from));
    assert.deepEqual(problems, []);
    assert.deepEqual(warnings, [`version: ${version} is older than ${from}, which the cluster runs.`]);
  }
});

test("a minor up with a lower patch is no way back", () => {
  assert.deepEqual(judge({ nodes: nodes(3), version: "3.7.1", ...allowDowngrade }, three).warnings, []);
});

test("all refusals come at once", () => {
  const values = { nodes: nodes(1), clusterName: "other", dataDir: "/srv/etcd", version: "3.7.1" };
  assert.deepEqual(
    judge(values, at("3.5.33")).problems.map((sentence) => sentence.split(":")[0]),
    ["version", "clusterName", "dataDir", "nodes"],
  );
});
