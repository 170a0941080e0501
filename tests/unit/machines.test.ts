import assert from "node:assert/strict";
import { test } from "node:test";
import { machineOf, rebuiltNodes, refuseMachineChanges } from "../../cluster/machines.ts";
import type { RunningMachine } from "../../cluster/made-from.ts";
import { computeTopology, parseDeployed } from "../../cluster/topology.ts";
import { awsNodes, subnets } from "./aws-configuration.ts";
import { declared, machineLike, onAws, proven, provenAs, running } from "./aws-machines.ts";
import { config as onHosts } from "./configuration.ts";
import { nodes as hostNodes, deployed as hostsDeployed } from "./deployment.ts";

test("a profile that is taken out stays on the instances, and is warned of", () => {
  const has = new Map([...running].map(([name, one]) => [name, { ...one, instanceProfile: "etcd-node" }]));
  const { warnings, topology } = computeTopology(declared, proven, has);
  assert.deepEqual(topology?.rebuilt, []);
  assert.match(
    warnings.join(),
    /nodes\[0\]: node1 keeps the instance profile etcd-node, .* docs\/aws\.md \(i-node1\)/,
  );
  const kept = onAws({ instanceProfile: "etcd-node" });
  assert.doesNotMatch(computeTopology(kept, proven, has).warnings.join(), /instance profile/);
});

test("a machine is of its node: no two have one digest, and its zone is that of its address", () => {
  const [node1, node2, node3] = declared.nodes.map((node) => machineOf(node, declared));
  assert.equal(new Set([node1?.machine, node2?.machine, node3?.machine]).size, 3);
  assert.deepEqual(
    [node1?.zone, node2?.zone, node3?.zone],
    ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  );
});

test("another range of its subnet makes a machine another one, and leaves the others", () => {
  const [first, ...others] = subnets;
  const config = onAws({ subnets: [{ ...first, cidr: "10.20.1.0/25" }, ...others] });
  assert.deepEqual(rebuiltNodes(config, proven, running), ["node1"]);
});

test("a given machine is nothing that could be replaced", () => {
  const config = onHosts({ nodes: hostNodes(3) });
  for (const node of config.nodes) assert.deepEqual(machineOf(node, config), {});
  assert.deepEqual(rebuiltNodes(config, hostsDeployed(3), new Map()), []);
  assert.deepEqual(refuseMachineChanges(config, hostsDeployed(3)), []);
});

test("on a new stack, and for a node that is new, no machine is replaced", () => {
  const more = [4, 5].map((n) => ({ name: `node${n}`, address: `10.20.${n - 3}.12` }));
  const config = onAws({}, { nodes: [...awsNodes, ...more] });
  assert.deepEqual(rebuiltNodes(config, proven, running), []);
});

const wanted = onAws({ ami: "ami-0fedcba0987654321" });
const madeNow = (node: string) =>
  machineOf(declared.nodes.find(({ name }) => name === node) ?? assert.fail(), wanted);

test("what runs counts, not what was proven: a failed run may have replaced some of the machines", () => {
  const machines = new Map([...running, ["node1", machineLike("i-other", madeNow("node1").machine)]]);
  assert.deepEqual(rebuiltNodes(declared, proven, machines), ["node1"]);
  assert.deepEqual(rebuiltNodes(wanted, proven, machines), ["node2", "node3"]);
});

const other = machineLike("i-other", "0123456789abcdef");
const without = (gone: string) => [...running].filter(([name]) => name !== gone);
/** Made again from the same, by a run that came no further: nobody knows whether its member has started. */
const again = machineLike("i-other", running.get("node2")?.madeFrom);

/** What a failed run left, and which members are then repaired before anything else. */
const left: readonly { what: string; machines: [string, RunningMachine][]; repaired: readonly string[] }[] = [
  { what: "node1 has another machine", machines: [...running, ["node1", other]], repaired: ["node1"] },
  { what: "node3 has another machine", machines: [...running, ["node3", other]], repaired: ["node3"] },
  { what: "node2's machine was made again", machines: [...running, ["node2", again]], repaired: ["node2"] },
  { what: "node2's machine is gone", machines: without("node2"), repaired: ["node2"] },
  {
    what: "node1 is another one, node2 gone",
    machines: [...without("node2"), ["node1", other]],
    repaired: ["node1", "node2"],
  },
];

for (const { what, machines, repaired } of left)
  for (const [config, when] of [
    [declared, "put back"],
    [wanted, "gone on with"],
  ] as const)
    test(`${what}, ${when}: it comes first, and runs no step for others`, () => {
      const { topology } = computeTopology(config, proven, new Map(machines));
      assert.deepEqual(topology?.repairs, repaired);
      assert.deepEqual(topology?.rollout.slice(0, repaired.length), repaired);
      assert.ok(!repaired.some((name) => name === topology?.adminHost), topology?.adminHost);
      const gone = ["node1", "node2", "node3"].filter((name) => !new Map(machines).has(name));
      assert.deepEqual(
        topology?.rebuilt.filter((name) => gone.includes(name)),
        [],
      );
    });

test("a machine that is gone, or is not the proven one, is warned of: Pulumi may not know", () => {
  const machines = new Map(without("node2"));
  const { warnings } = computeTopology(declared, proven, machines);
  assert.match(warnings.join(), /nodes\[1\]: no instance of node2 runs in AWS; start .* pulumi up --refresh/);
  const unknown = computeTopology(declared, proven, new Map([...running, ["node2", other]]));
  assert.match(
    unknown.warnings.join(),
    /nodes\[1\]: node2 runs on i-other, .* InvalidNetworkInterface\.InUse/,
  );
  assert.doesNotMatch(computeTopology(declared, proven, running).warnings.join(), /nodes\[/);
});

test("a majority of machines that are not found is refused, unless they are said to be gone; one is not", () => {
  const found = (...names: readonly string[]): typeof running =>
    new Map([...running].filter(([name]) => names.includes(name)));
  const problems = (machines: typeof running, config = wanted) =>
    computeTopology(config, proven, machines).problems;
  for (const machines of [found(), found("node2")]) {
    const [problem, ...others] = problems(machines);
    assert.match(
      String(problem),
      /^AWS shows no running instance of node1, .*node3, which are a majority of 3 members; .* allow: \[gone-instances\]/,
    );
    assert.deepEqual(others, []);
    assert.deepEqual(problems(machines, onAws({}, { allow: ["gone-instances"] })), []);
  }
  assert.deepEqual(problems(found("node1", "node3")), []);
});

test("the only machine may be gone: nothing else guards it", () => {
  const config = onAws({}, { nodes: awsNodes.slice(0, 1) });
  assert.deepEqual(computeTopology(config, provenAs(config), new Map()).problems, []);
});

test("the admin host and its deputy stay who they are as long as they can", () => {
  const kept = computeTopology(
    declared,
    { ...proven, adminHost: "node3", deputy: "node2" },
    running,
  ).topology;
  assert.deepEqual([kept?.adminHost, kept?.deputy], ["node3", "node2"]);
  const more = [
    { name: "node0", address: "10.20.1.12" },
    ...awsNodes,
    { name: "node9", address: "10.20.2.12" },
  ];
  const grown = computeTopology(onAws({}, { nodes: more }), proven, running).topology;
  assert.deepEqual([grown?.adminHost, grown?.deputy], ["node1", "node2"]);
});

test("what is recorded is read back, and is what the next run compares with", () => {
  const again = parseDeployed(JSON.parse(JSON.stringify(proven)));
  assert.deepEqual(again, proven);
  assert.deepEqual(computeTopology(declared, again, running).topology?.rebuilt, []);
  const another = computeTopology(onAws({ ami: "ami-0fedcba0987654321" }), again, running);
  assert.deepEqual(another.topology?.rebuilt, ["node1", "node2", "node3"]);
  assert.deepEqual(another.problems, []);
});

test("a machine is replaced by one of the same name, address and incarnation: the member stays who it is", () => {
  const { topology } = computeTopology(onAws({ ami: "ami-0fedcba0987654321" }), proven, running);
  for (const { name, address, incarnation, initialState, initialCluster } of topology?.members ?? []) {
    const before = proven.nodes[name];
    assert.deepEqual(
      { address, incarnation, initialState, initialCluster },
      {
        address: before?.address,
        incarnation: before?.incarnation,
        initialState: before?.initialState,
        initialCluster: before?.initialCluster,
      },
    );
  }
});

test("a minor step does not go together with another machine", () => {
  const config = onAws({ ami: "ami-0fedcba0987654321" }, { version: "3.7.1" });
  const [problem, ...others] = computeTopology(config, proven, running).problems;
  assert.match(
    String(problem),
    /^version: the step from 3\.6\.14 to 3\.7\.1 cannot go .*\(node1, node2, node3\)/,
  );
  assert.deepEqual(others, []);
});

test("a cluster stays on the target on which it was founded", () => {
  const came = refuseMachineChanges(declared, hostsDeployed(3));
  assert.deepEqual(came, [
    "target: the cluster was bootstrapped on machines of target ssh and stays there; change it back, or create the other cluster in a separate stack.",
  ]);
  const left = refuseMachineChanges(onHosts({ nodes: hostNodes(3) }), proven);
  assert.deepEqual(left, [
    "target: the cluster was bootstrapped on machines of target aws and stays there; change it back, or create the other cluster in a separate stack.",
  ]);
});

test("a member on EC2 keeps its address", () => {
  const moved = awsNodes.map((node) => (node.name === "node2" ? { ...node, address: "10.20.2.12" } : node));
  assert.deepEqual(refuseMachineChanges(onAws({}, { nodes: moved }), proven), [
    "nodes[1].address: node2 is at 10.20.2.11, and a node on EC2 keeps its address; change it back, or replace it with a node of another name there.",
  ]);
});

test("a member on EC2 keeps its zone, where its volume is", () => {
  const zones = ["eu-central-1a", "eu-central-1c", "eu-central-1b"];
  const swapped = subnets.map((subnet, index) => ({ ...subnet, zone: zones[index] }));
  const sentence = (node: string, from: string, to: string) =>
    `aws.subnets: ${node} would move from eu-central-1${from} to eu-central-1${to}, but its data volume cannot; change the zone back, or replace it with a node of another name there.`;
  assert.deepEqual(refuseMachineChanges(onAws({ subnets: swapped }), proven), [
    sentence("node2", "b", "c"),
    sentence("node3", "c", "b"),
  ]);
});
