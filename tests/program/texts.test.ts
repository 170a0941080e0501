import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import { changedSteps, differingLines, earlierOutputs, step, steps, text } from "./queries.ts";
import { clusterOf, nodes } from "./stacks.ts";

const cluster = ["before", "health", "membership"];
const members = ["node1-member", "node2-member", "node3-member"];

const founded = await runProgram({ config: clusterOf(3) });
const again = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(founded) });

/** Everything the engine compares. */
function registrations(run: Run): readonly unknown[] {
  return run.resources
    .map(({ urn, inputs, secretInputs }) => ({ urn, inputs, secretInputs }))
    .sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

function stepNames(of: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(of).sort();
}

test("the same configuration registers the same, whether or not the stack has been proven in between", async () => {
  assert.ok(registrations(founded).length > 50);
  assert.deepEqual(registrations(await runProgram({ config: clusterOf(3) })), registrations(founded));
  assert.deepEqual(registrations(again), registrations(founded));
});

test("one flag of etcd changes one line of each unit and of each cluster step, and nothing else", async () => {
  const changed = await runProgram({
    config: clusterOf(3, { snapshotCount: 20000 }),
    earlier: earlierOutputs(founded),
  });
  const changes = changedSteps(again, changed);
  assert.deepEqual(stepNames(changes), [...cluster, ...members]);
  for (const name of members) {
    assert.deepEqual(changes[name], ["stdin"]);
    assert.deepEqual(stdinLines(again, changed, name), [
      "-  --snapshot-count=10000 \\",
      "+  --snapshot-count=20000 \\",
    ]);
  }
  for (const name of cluster) {
    assert.deepEqual(changes[name], ["stdin"]);
    assert.deepEqual(
      stdinLines(again, changed, name).map((line) => line.replace(/[0-9a-f]{16}$/, "…")),
      ["-digest …", "+digest …"],
    );
  }
});

function stdinLines(before: Run, after: Run, name: string): readonly string[] {
  return differingLines(text(step(before, name), "stdin"), text(step(after, name), "stdin"));
}

test("a raised checkId is in the texts of every step", async () => {
  const run = await runProgram({ config: clusterOf(3, { checkId: 1 }), earlier: earlierOutputs(founded) });
  const changes = changedSteps(again, run);
  const all = steps(again).map((one) => one.name);
  assert.deepEqual(stepNames(changes), all.sort());
  for (const name of all) assert.ok(changes[name]?.includes("update"), `${name} would not look again`);
});

const changesOfMembers: Readonly<Record<string, ReturnType<typeof nodes>>> = {
  "node4, node5 would join": nodes(5),
  "node2 would be replaced": nodes(3).map((node) =>
    node.name === "node2" ? { ...node, incarnation: 2 } : node,
  ),
  "node3 would get another address": nodes(3).map((node) =>
    node.name === "node3" ? { ...node, address: "192.168.1.133" } : node,
  ),
};
for (const [sentence, changed] of Object.entries(changesOfMembers)) {
  test(`a change of members is refused before anything is registered: ${sentence}`, async () => {
    const run = await runProgram({
      config: clusterOf(3, { nodes: changed }),
      earlier: earlierOutputs(founded),
    });
    assert.match(String(run.failure), new RegExp(`${sentence}; this version of the program does not change`));
    assert.deepEqual(
      run.resources.filter(({ type }) => type.includes("remote")),
      [],
    );
  });
}

test("founders are told all founders", async () => {
  const url = (index: number) => `node${index}=https://192.168.1.${100 + index}:2380`;
  const all = [1, 2, 3].map(url).join(",");
  for (const name of members) assertBootstrap(founded, name, "new", all);
});

function assertBootstrap(run: Run, name: string, state: string, initialCluster: string): void {
  for (const key of ["create", "update"]) {
    const words = text(step(run, name), key).split(" ");
    assert.ok(words.includes(`--initial-state=${state}`), `${name} is not ${state}`);
    assert.ok(words.includes(`--initial-cluster=${initialCluster}`), `${name} is told another cluster`);
  }
}

test("the token outlives a change of the CA's certificate, and differs between CAs", async () => {
  const token = (run: Run) => / --initial-token=(\S+)/.exec(text(step(run, "node1-member"), "create"))?.[1];
  const mocked = {
    "peer-ca-cert": { certPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
  };
  const rotated = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(founded), mocked });
  assert.match(String(token(founded)), /^etcd-cluster-1-[0-9a-f]{8}$/);
  assert.equal(token(rotated), token(founded));
  assert.notEqual(token(await runProgram({ config: clusterOf(3), mocked })), token(founded));
});

test("a renewed leaf reaches its host and the cluster's steps, and restarts no member", async () => {
  const mocked = {
    "node2-server-cert": { certPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
  };
  const run = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(founded), mocked });
  assert.deepEqual(changedSteps(again, run), {
    before: ["stdin"],
    health: ["stdin"],
    membership: ["stdin"],
    "node2-certificates": ["stdin"],
  });
});

test("another etcd version changes the binaries, the units and the cluster's steps, and no certificate", async () => {
  const run = await runProgram({
    config: clusterOf(3, { version: "3.6.15", sha256: { "3.6.15": { amd64: "a".repeat(64) } } }),
    earlier: earlierOutputs(founded),
  });
  const binaries = ["node1-binaries", "node2-binaries", "node3-binaries"];
  assert.deepEqual(stepNames(changedSteps(again, run)), [...cluster, ...binaries, ...members].sort());
  assert.deepEqual(stdinLines(again, run, "node1-member"), [
    "-ExecStart=/opt/etcd/3.6.14/etcd \\",
    "+ExecStart=/opt/etcd/3.6.15/etcd \\",
  ]);
});
