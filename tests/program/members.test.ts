/** Changes of the members of a proven stack: what changes, and above all what does not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import {
  changedResources,
  changedSteps,
  differingLines,
  earlierOutputs,
  optionsOf,
  output,
  registrations,
  resource,
  step,
  steps,
  text,
} from "./queries.ts";
import { clusterOf, type Node, nodes } from "./stacks.ts";

const cluster = ["before", "health", "membership"];
const founded = await runProgram({ config: clusterOf(3) });

/** The next `up` of a stack that was proven by the last one. */
async function nextRun(last: Run, declared: readonly Node[]): Promise<Run> {
  const run = await runProgram({ config: clusterOf(0, { nodes: declared }), earlier: earlierOutputs(last) });
  assert.equal(run.failure, undefined);
  return run;
}

/** Three nodes of which one is declared otherwise. */
function with3(name: string, change: Readonly<Record<string, unknown>>): readonly Node[] {
  return nodes(3).map((node) => (node.name === name ? { ...node, ...change } : node));
}

const peers = (...numbers: readonly number[]) =>
  numbers.map((n) => `node${n}=https://192.168.1.${100 + n}:2380`).join(",");

const stepsOf = (...names: readonly string[]) =>
  names.flatMap((name) => ["binaries", "certificates", "host", "member"].map((role) => `${name}-${role}`));

function bootstrap(run: Run, node: string): readonly unknown[] {
  const [created, updated] = ["create", "update"].map((key) => {
    const options = optionsOf(text(step(run, `${node}-member`), key));
    return [options["initial-state"], options["initial-cluster"]];
  });
  assert.deepEqual(created, updated, `${node} would be started otherwise than it is rolled`);
  return created ?? [];
}

const recorded = (run: Run) => Object(output(run, "deployed"));

async function assertSettled(run: Run, declared: readonly Node[]): Promise<Run> {
  const next = await nextRun(run, declared);
  assert.deepEqual(registrations(next), registrations(run));
  assert.deepEqual(recorded(next), recorded(run));
  return next;
}

/** The cluster steps look again because of what they read; the way to the admin host and their texts stay. */
function assertOnlyStdin(before: Run, after: Run): void {
  const changes = changedSteps(before, after);
  for (const name of cluster) {
    assert.deepEqual(changes[name], ["stdin"], name);
    assert.deepEqual(step(after, name).inputs.connection, step(before, name).inputs.connection, name);
  }
}

// Before the first test: those would run meanwhile, and there is one engine.
const grown = await nextRun(founded, nodes(5));
const moved = await nextRun(founded, with3("node3", { address: "192.168.1.133" }));

test("two more nodes change their own resources and what the cluster steps read, and nothing else", () => {
  const foreign = changedResources(founded, grown).filter((name) => !/^node[45](-|$)/.test(name));
  assert.deepEqual(foreign, cluster);
  const changes = Object.keys(changedSteps(founded, grown));
  assert.deepEqual(changes, [...cluster, ...stepsOf("node4", "node5")]);
  assertOnlyStdin(founded, grown);
  const stdin = (run: Run) => text(step(run, "membership"), "stdin");
  assert.deepEqual(
    differingLines(stdin(founded), stdin(grown)).map((line) => line.replace(/[0-9a-f]{16}$/, "…")),
    [
      "-digest …",
      "+digest …",
      "+member node4 https://192.168.1.104:2380 https://192.168.1.104:2379 1",
      "+member node5 https://192.168.1.105:2380 https://192.168.1.105:2379 1",
    ],
  );
});

test("who joins is told the members that are there at its turn, and who is there keeps what it was told", () => {
  assert.deepEqual(bootstrap(grown, "node3"), ["new", peers(1, 2, 3)]);
  assert.deepEqual(bootstrap(grown, "node4"), ["existing", peers(1, 2, 3, 4)]);
  assert.deepEqual(bootstrap(grown, "node5"), ["existing", peers(1, 2, 3, 4, 5)]);
});

test("the run after two nodes joined registers the same", async () => {
  await assertSettled(grown, nodes(5));
});

test("one node that founded becomes three, and keeps what it was founded with", async () => {
  const one = await runProgram({ config: clusterOf(1) });
  const three = await nextRun(one, nodes(3));
  assert.deepEqual(Object.keys(changedSteps(one, three)), [...cluster, ...stepsOf("node2", "node3")]);
  assert.deepEqual(bootstrap(three, "node1"), ["new", peers(1)]);
  assert.deepEqual(bootstrap(three, "node2"), ["existing", peers(1, 2)]);
});

test("a raised incarnation is in all texts of its node's steps, and changes no other node's resources", async () => {
  const declared = with3("node2", { incarnation: 2 });
  const run = await nextRun(founded, declared);
  const changed = changedResources(founded, run);
  assert.deepEqual(changed, [...cluster, ...stepsOf("node2")]);
  for (const name of stepsOf("node2")) {
    for (const key of ["create", "update", "delete"]) {
      assert.equal(optionsOf(text(step(run, name), key)).incarnation, "2", `${name} ${key}`);
    }
  }
  assertOnlyStdin(founded, run);
  assert.match(text(step(run, "before"), "stdin"), /^member node2 .* 2$/m);
  assert.deepEqual(bootstrap(run, "node2"), ["existing", peers(1, 2, 3)]);
  assert.equal(recorded(run).nodes.node2.incarnation, 2);
  await assertSettled(run, declared);
});

test("a node replaced at another address was nowhere before: its certificates name the new one alone", async () => {
  const declared = with3("node2", { incarnation: 2, address: "192.168.1.122" });
  const run = await nextRun(founded, declared);
  const { ipAddresses } = resource(run, "CertRequest", "node2-peer-csr").inputs;
  assert.deepEqual(ipAddresses, ["127.0.0.1", "192.168.1.122"]);
  assert.equal(recorded(run).nodes.node2.formerAddresses, undefined);
  assert.deepEqual(bootstrap(run, "node1"), ["new", peers(1, 2, 3)]);
  await assertSettled(run, declared);
});

test("nothing of a removed node is registered, and nothing of the others changes but the cluster steps", async () => {
  const shrunk = await nextRun(grown, nodes(3));
  const names = shrunk.resources.map((one) => one.name);
  assert.deepEqual(
    names.filter((name) => /^node[45]/.test(name)),
    [],
  );
  const foreign = changedResources(grown, shrunk).filter((name) => !/^node[45](-|$)/.test(name));
  assert.deepEqual(foreign, cluster);
  assertOnlyStdin(grown, shrunk);
  assert.doesNotMatch(text(step(shrunk, "membership"), "stdin"), /node[45]/);
  const removed = { incarnation: 1, lost: false };
  assert.deepEqual(recorded(shrunk).former, { node4: removed, node5: removed });
  await assertSettled(shrunk, nodes(3));
});

test("another address changes the node's own steps, the names of its two server certificates, and no other node", () => {
  const requests = ["node3-peer-csr", "node3-server-csr"];
  assert.deepEqual(changedResources(founded, moved), [...cluster, ...requests, ...stepsOf("node3")].sort());
  assert.deepEqual(changedSteps(founded, moved), {
    before: ["stdin"],
    health: ["stdin"],
    membership: ["stdin"],
    "node3-certificates": ["create", "update"],
    "node3-host": ["create", "update"],
    "node3-member": ["create", "update", "stdin"],
  });
  for (const name of stepsOf("node3")) {
    assert.equal(Object(step(moved, name).inputs.connection).host, "192.168.1.133", name);
  }
  assert.deepEqual(bootstrap(moved, "node3"), ["new", peers(1, 2, 3)]);
  assertOnlyStdin(founded, moved);
});

function addressesOf(run: Run): unknown {
  const [server, peer] = ["server", "peer"].map(
    (role) => resource(run, "CertRequest", `node3-${role}-csr`).inputs.ipAddresses,
  );
  assert.deepEqual(server, peer);
  return server;
}

test("a moved node's certificates go on naming where it was, so that the next run changes nothing", async () => {
  assert.deepEqual(addressesOf(moved), ["127.0.0.1", "192.168.1.103", "192.168.1.133"]);
  assert.deepEqual(recorded(moved).nodes.node3.formerAddresses, ["192.168.1.103"]);
  await assertSettled(moved, with3("node3", { address: "192.168.1.133" }));
});

test("a node that moves back needs no other certificates", async () => {
  const back = await nextRun(moved, nodes(3));
  assert.deepEqual(addressesOf(back), addressesOf(moved));
  assert.deepEqual(recorded(back).nodes.node3.formerAddresses, ["192.168.1.133"]);
  await assertSettled(back, nodes(3));
});

/** Whose host runs the cluster steps: all of them the same, which is also what is recorded. */
function adminOf(run: Run): unknown {
  const dialled = cluster.map((name) => Object(step(run, name).inputs.connection).host);
  assert.equal(new Set(dialled).size, 1, "the cluster steps run on different hosts");
  const name: unknown = recorded(run).adminHost;
  assert.equal(Object(step(run, `${name}-host`).inputs.connection).host, dialled[0]);
  return name;
}

test("the cluster steps stay on their host, whoever is listed before it or moves", async () => {
  const [node1, node2, node3, node4, node5] = nodes(5);
  assert.ok(node1 && node2 && node3 && node4 && node5);
  assert.equal(adminOf(founded), "node1");
  assert.equal(adminOf(await nextRun(founded, [node5, node4, node3, node2, node1])), "node1");
  assert.equal(adminOf(await nextRun(founded, with3("node1", { address: "192.168.1.111" }))), "node1");
});

test("they go to another host with data when theirs is replaced, and stay there", async () => {
  const declared = with3("node1", { incarnation: 2 });
  const run = await nextRun(founded, declared);
  assert.equal(adminOf(run), "node2");
  assert.equal(adminOf(await assertSettled(run, declared)), "node2");
});

test("they go to another host with data when theirs is removed, and never to one that joins", async () => {
  const [, node2, node3, node4] = nodes(4);
  assert.ok(node2 && node3 && node4);
  assert.equal(adminOf(await nextRun(founded, [node4, node3, node2])), "node3");
});

test("a replacement and a flag in one run: every member's unit changes, the replaced one's turn is first", async () => {
  const config = clusterOf(3, { nodes: with3("node3", { incarnation: 2 }), snapshotCount: 20000 });
  const run = await runProgram({ config, earlier: earlierOutputs(founded) });
  const changes = changedSteps(founded, run);
  for (const node of ["node1", "node2"]) assert.deepEqual(changes[`${node}-member`], ["stdin"]);
  assert.deepEqual(changes["node3-member"], ["create", "update", "delete", "stdin"]);
  const begun = run.events.filter((event) => /^start .*-member$/.test(event));
  assert.equal(begun[0], "start node3-member");
  assert.equal(steps(run).length, steps(founded).length);
});
