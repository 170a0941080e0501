/** A node that is gone for good: it stays in the state, inert, until it is no longer listed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Registration, type Run, runProgram } from "./harness.ts";
import {
  changedSteps,
  earlierOutputs,
  output,
  registrations,
  rollout,
  step,
  steps,
  text,
} from "./queries.ts";
import { clusterOf, type Node, nodes } from "./stacks.ts";

const cluster = ["before", "health", "membership"];
const lostSteps = ["node3-binaries", "node3-certificates", "node3-host", "node3-member"];
const founded = await runProgram({ config: clusterOf(3) });

/** node3 lost, and node4 in its place. */
const declared = nodes(4).map((node) => (node.name === "node3" ? { ...node, lost: true } : node));

async function nextRun(last: Run, wanted: readonly Node[], preview = false): Promise<Run> {
  const earlier = earlierOutputs(last);
  const run = await runProgram({ config: clusterOf(0, { nodes: wanted }), earlier, preview });
  assert.equal(run.failure, undefined);
  return run;
}

const losing = await nextRun(founded, declared);
const of = (run: Run, node: string) => run.resources.filter(({ name }) => name.split("-")[0] === node);
const isInert = ({ request }: Registration) =>
  request.getIgnorechangesList().join() === "*" && request.getRetainondelete() === true;

test("a lost node keeps the URNs of its components and steps, without its keys and certificates", () => {
  const kept = of(founded, "node3").filter(({ urn }) => !/pki|tls/.test(urn));
  assert.equal(kept.length, 3 + lostSteps.length);
  assert.deepEqual(
    of(losing, "node3")
      .map((one) => one.urn)
      .sort(),
    kept.map((one) => one.urn).sort(),
  );
});

test("its steps, and no others, stay as they are and leave the state without a call to the host", () => {
  const inert = losing.resources.filter(isInert).map((one) => one.name);
  assert.deepEqual(inert.sort(), lostSteps);
  const halfInert = losing.resources.filter(
    (one) =>
      !isInert(one) &&
      (one.request.getIgnorechangesList().length > 0 || one.request.getRetainondelete() === true),
  );
  assert.deepEqual(
    halfInert.map((one) => one.name),
    [],
  );
});

test("nothing waits for the steps of a lost node", () => {
  const urns = of(losing, "node3").map((one) => one.urn);
  const waiting = losing.resources.filter((one) => one.dependencies.some((urn) => urns.includes(urn)));
  assert.deepEqual(
    waiting.map((one) => one.name),
    [],
  );
});

test("should a lost node's step have to be made after all, it would do nothing and bring nothing", () => {
  for (const name of lostSteps) {
    const { create, update, delete: undo, stdin } = step(losing, name).inputs;
    assert.deepEqual(
      { create, update, undo, stdin },
      { create: ":", update: ":", undo: undefined, stdin: undefined },
    );
  }
});

test("the others see of it only that it is not declared", () => {
  const foreign = Object.entries(changedSteps(founded, losing)).filter(([name]) => !/^node[34]-/.test(name));
  assert.deepEqual(Object.fromEntries(foreign), Object.fromEntries(cluster.map((name) => [name, ["stdin"]])));
  assert.doesNotMatch(text(step(losing, "before"), "stdin"), /node3/);
  assert.deepEqual(
    rollout(losing).filter((name) => name !== "node3"),
    ["node1", "node2", "node4"],
  );
  assert.doesNotMatch(text(step(losing, "node4-member"), "create"), /node3/);
  assert.deepEqual(Object.keys(Object(output(losing, "deployed")).nodes), ["node1", "node2", "node4"]);
});

test("its host needs no host key any more, since it is not dialled", async () => {
  const keyless = declared.map((node) => (node.name === "node3" ? { ...node, hostKey: "" } : node));
  const run = await nextRun(founded, keyless);
  assert.deepEqual(run.resources.filter(isInert).length, lostSteps.length);
});

test("it can be listed as lost for as long as one likes: the next run registers the same", async () => {
  const next = await nextRun(losing, declared);
  assert.deepEqual(registrations(next), registrations(losing));
  assert.deepEqual(
    next.resources
      .filter(isInert)
      .map((one) => one.name)
      .sort(),
    lostSteps,
  );
});

test("no longer listed, nothing of it is registered, and nothing else changes", async () => {
  const gone = await nextRun(
    losing,
    declared.filter((node) => node.name !== "node3"),
  );
  assert.deepEqual(of(gone, "node3"), []);
  assert.deepEqual(Object.keys(changedSteps(losing, gone)), lostSteps);
});

test("a preview shows the same resources, and the same ones as inert", async () => {
  const preview = await nextRun(founded, declared, true);
  const urns = (run: Run) => run.resources.map((one) => one.urn).sort();
  assert.deepEqual(urns(preview), urns(losing));
  assert.deepEqual(
    preview.resources
      .filter(isInert)
      .map((one) => one.name)
      .sort(),
    lostSteps,
  );
});

test("the cluster steps leave a lost node's host for one with data", async () => {
  const [node1, ...others] = nodes(3);
  assert.ok(node1);
  const run = await nextRun(founded, [{ ...node1, lost: true }, ...others]);
  for (const name of cluster) {
    assert.equal(Object(step(run, name).inputs.connection).host, "192.168.1.102", name);
  }
  assert.equal(steps(run).filter(isInert).length, 4);
  assert.equal(Object(output(run, "deployed")).adminHost, "node2");
});

test("a name that is back with a raised incarnation is a node like any other, and joins", async () => {
  const back = nodes(3).map((node) => (node.name === "node3" ? { ...node, incarnation: 2 } : node));
  const run = await nextRun(losing, back);
  assert.deepEqual(run.resources.filter(isInert), []);
  assert.equal(of(run, "node3").length, of(founded, "node3").length);
  assert.match(text(step(run, "node3-member"), "create"), / --initial-state=existing /);
});
