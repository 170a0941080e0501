/** What makes a machine another one, and what an earlier program wrote for the same. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { machineOf, rebuiltNodes } from "../../cluster/machines.ts";
import { exchangesHostKey, type RunningMachine } from "../../cluster/made-from.ts";
import { computeTopology, type Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { publicKey } from "./aws-configuration.ts";
import { awsKey, declared, machineLike, onAws, proven, provenAs, running } from "./aws-machines.ts";
import { hostKey } from "./configuration.ts";

/** The digest of each node's machine. */
const digests = (config: ClusterConfig) => config.nodes.map((node) => machineOf(node, config).machine);

const anotherKey = hostKey("ssh-rsa");
const key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

for (const [what, aws, others] of [
  ["another image", { ami: "ami-0fedcba0987654321" }, {}],
  ["another type", { instanceType: "m7i.xlarge" }, {}],
  ["a KMS key", { kmsKeyId: key }, {}],
  ["one who enters more", { authorizedKeys: [`${publicKey} ops`, `${anotherKey} other`] }, {}],
  ["another login", {}, { ssh: { user: "ops", privateKeyFile: "~/.ssh/id_ed25519" } }],
] as const) {
  test(`${what} makes every machine another one`, () => {
    const config = onAws(aws, others);
    const before = digests(declared);
    for (const [index, digest] of digests(config).entries()) {
      assert.match(String(digest), /^2-[0-9a-f]{16}$/);
      assert.notEqual(digest, before[index]);
    }
    assert.deepEqual(rebuiltNodes(config, proven, running), ["node1", "node2", "node3"]);
  });
}

for (const [what, aws, others] of [
  [
    "sizes of the disks",
    { dataVolume: { size: 40, iops: 4000, throughput: 250 }, rootVolume: { size: 40 } },
    {},
  ],
  ["tags", { tags: { team: "storage" } }, {}],
  ["who reaches what", { access: { clients: ["10.0.0.0/8"], ssh: [] } }, {}],
  ["an instance profile, which is changed in place", { instanceProfile: "etcd-node" }, {}],
  ["another comment of a key", { authorizedKeys: [`${publicKey} operations`] }, {}],
  ["a key that is listed twice", { authorizedKeys: [`${publicKey} ops`, publicKey] }, {}],
  ["the name that clients use", { clientName: "etcd.example.internal" }, {}],
  ["the protection", {}, { protect: false }],
  ["etcd's own settings", {}, { snapshotCount: 20_000, checkId: 7 }],
] as const) {
  test(`${what}: the machines stay`, () => {
    const config = onAws(aws, others);
    assert.deepEqual(digests(config), digests(declared));
    assert.deepEqual(rebuiltNodes(config, proven, running), []);
  });
}

/** Of machines that commit 8e8d8ea made with the key of whoever ran it, in `~/.ssh/id_ed25519.pub`. */
const DIGESTS_8E8D8EA = { node1: "9b244a5b614dc925", node2: "88202df6c1bcbaa1", node3: "e2a7284848b5bb1b" };
const old = Object.entries(DIGESTS_8E8D8EA);
const oldRunning = new Map(old.map(([name, digest]) => [name, machineLike(`i-${name}`, digest)]));
const oldProven: Deployed = {
  ...proven,
  nodes: Object.fromEntries(
    Object.entries(proven.nodes).map(([name, node]) => [
      name,
      { ...node, machine: oldRunning.get(name)?.madeFrom ?? "" },
    ]),
  ),
};
const undeclared = onAws({ authorizedKeys: undefined });

/** Of machines of commit f0d07ac, whose host key is in their user data. */
const DIGESTS_F0D07AC = { node1: "ee897d2eef8c800d", node2: "7280120992badf22", node3: "8a368adba4c3b1cd" };
const told = new Map(
  Object.entries(DIGESTS_F0D07AC).map(([name, digest]) => [name, machineLike(`i-${name}`, digest)]),
);

for (const [which, config, machines] of [
  ["what it is", declared, told],
  ["what it is where it has no keys", undeclared, told],
  ["what it is while it does not run", declared, new Map([...told].filter(([name]) => name !== "node2"))],
] as const) {
  test(`a machine of commit f0d07ac stays ${which}`, () => {
    const nodes = Object.entries(proven.nodes).map(([name, node]) => [
      name,
      { ...node, machine: told.get(name)?.madeFrom ?? "" },
    ]);
    const { topology } = computeTopology(config, { ...proven, nodes: Object.fromEntries(nodes) }, machines);
    assert.deepEqual(topology?.rebuilt, []);
    for (const { name, machine } of topology?.members ?? []) {
      assert.equal(machine, told.get(name)?.madeFrom);
      assert.equal(exchangesHostKey(String(machine)), false);
    }
  });
}

test("a machine of commit f0d07ac is followed by one whose host key is exchanged, as all new ones are", () => {
  for (const aws of [{ ami: "ami-0fedcba0987654321" }, { instanceType: "m7i.xlarge" }]) {
    const { topology } = computeTopology(onAws(aws), proven, told);
    assert.deepEqual(topology?.rebuilt, ["node1", "node2", "node3"]);
    for (const { machine } of topology?.members ?? []) assert.ok(exchangesHostKey(String(machine)));
  }
  for (const digest of digests(declared)) assert.ok(exchangesHostKey(String(digest)));
});

test("a digest of either form is not taken for the other", () => {
  const swapped = new Map(
    [...told].map(([name, { id, madeFrom }]) => [name, machineLike(id, `2-${madeFrom}`)]),
  );
  assert.deepEqual(rebuiltNodes(declared, proven, swapped), ["node1", "node2", "node3"]);
});

test("the host key of a machine is exchanged once it has its volume, and is what is declared", () => {
  const exchanged = (config: ClusterConfig, more: Partial<RunningMachine>) => {
    const machines = new Map([...running].map(([name, machine]) => [name, { ...machine, ...more }]));
    return computeTopology(config, proven, machines).topology?.members.map((member) => member.exchanged);
  };
  assert.deepEqual(exchanged(declared, {}), ["i-node1", "i-node2", "i-node3"]);
  const none = [undefined, undefined, undefined];
  assert.deepEqual(exchanged(declared, { hasVolume: false }), none);
  assert.deepEqual(exchanged(onAws({ ami: "ami-0fedcba0987654321" }), {}), none);
});

for (const [who, config] of [
  ["where it has no keys, on anybody's workstation", undeclared],
  ["once its key is listed as it was in the file", onAws({ authorizedKeys: [`${publicKey} alice@laptop`] })],
] as const) {
  test(`a stack of commit 8e8d8ea stays as it is ${who}`, () => {
    const { topology, problems } = computeTopology(config, oldProven, oldRunning);
    assert.deepEqual(problems, []);
    assert.deepEqual(topology?.rebuilt, []);
    for (const { name, machine, isSettled } of topology?.members ?? [])
      assert.deepEqual(
        [machine, isSettled],
        [oldRunning.get(name)?.madeFrom, true],
        "no text of a step changes",
      );
  });
}

test("a stack of commit 8e8d8ea gets other keys, or another image, once they are listed: one at a time", () => {
  const keys = [`${publicKey} alice@laptop`, `${anotherKey} bob`];
  for (const aws of [{ authorizedKeys: keys }, { authorizedKeys: keys, ami: "ami-0fedcba0987654321" }]) {
    const { topology, problems } = computeTopology(onAws(aws), oldProven, oldRunning);
    assert.deepEqual(problems, []);
    assert.deepEqual(topology?.rebuilt, ["node1", "node2", "node3"]);
  }
});

test("without listed keys no instance is created: whose could log in there?", () => {
  const sentence = (names: string) =>
    new RegExp(
      `^aws\\.authorizedKeys: is missing; list .* since no instance of ${names} runs as declared: .*~admin/.ssh/authorized_keys`,
    );
  assert.match(String(computeTopology(undeclared).problems), sentence("node1, node2, node3"));
  const image = onAws({ authorizedKeys: undefined, ami: "ami-0fedcba0987654321" });
  assert.match(
    String(computeTopology(image, oldProven, oldRunning).problems),
    sentence("node1, node2, node3"),
  );
  const gone = new Map([...oldRunning].filter(([name]) => name !== "node2"));
  assert.match(String(computeTopology(undeclared, oldProven, gone).problems), sentence("node2"));
  const { warnings } = computeTopology(undeclared, oldProven, oldRunning);
  assert.match(warnings.join("\n"), /^aws\.authorizedKeys: is missing, so the instances stay as they are/m);
});

test("a root volume keeps its key: taking the setting away, or naming the key it has, replaces nothing", () => {
  const withKey = onAws({ kmsKeyId: key });
  const keyed = provenAs(withKey);
  const made = Object.entries(keyed.nodes).map(
    ([name, { instance, machine }]) => [name, machineLike(instance, machine, { kmsKeyId: key })] as const,
  );
  const removed = computeTopology(declared, keyed, new Map(made));
  assert.deepEqual(removed.topology?.rebuilt, []);
  assert.deepEqual(
    removed.topology?.members.map(({ machine }) => machine),
    digests(withKey),
    "the record does not lie",
  );
  assert.deepEqual(computeTopology(onAws({ kmsKeyId: awsKey }), proven, running).topology?.rebuilt, []);
  assert.deepEqual(computeTopology(withKey, proven, running).topology?.rebuilt, ["node1", "node2", "node3"]);
  const another = onAws({ ami: "ami-0fedcba0987654321" });
  assert.deepEqual(computeTopology(another, keyed, new Map(made)).topology?.rebuilt, [
    "node1",
    "node2",
    "node3",
  ]);
});
