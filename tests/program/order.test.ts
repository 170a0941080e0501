import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import { steps, waitsFor } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const founded = await runProgram({ config: clusterOf(3) });

/** Steps in the order in which they began. */
function begun(run: Run): readonly string[] {
  const isStep = new Set(steps(run).map((one) => one.name));
  return run.events
    .filter((event) => event.startsWith("start "))
    .map((event) => event.slice("start ".length))
    .filter((name) => isStep.has(name));
}

function rollout(run: Run): readonly string[] {
  return begun(run).filter((name) => name.endsWith("-member"));
}

function assertBefore(run: Run, first: string, second: string): void {
  const end = run.events.indexOf(`end ${first}`);
  const start = run.events.indexOf(`start ${second}`);
  assert.ok(end >= 0 && start >= 0, `${first} or ${second} never ran`);
  assert.ok(end < start, `${second} begins before ${first} ends`);
}

const prepared = ["node1", "node2", "node3"].flatMap((node) => [
  `${node}-binaries`,
  `${node}-certificates`,
  `${node}-host`,
]);

test("before waits for all steps of all hosts", () => {
  assert.deepEqual(waitsFor(founded, "before"), prepared);
  for (const name of prepared) assertBefore(founded, name, "before");
});

test("members start one at a time, each after before and its predecessor", () => {
  assert.deepEqual(rollout(founded), ["node1-member", "node2-member", "node3-member"]);
  const predecessors = { node1: [], node2: ["node1-member"], node3: ["node2-member"] };
  for (const [node, predecessor] of Object.entries(predecessors)) {
    const member = `${node}-member`;
    const waits = waitsFor(founded, member).filter((name) => !prepared.includes(name));
    assert.deepEqual(waits, ["before", ...predecessor], `${member} waits for something else`);
    for (const name of ["before", ...predecessor]) assertBefore(founded, name, member);
  }
});

test("membership waits for all members, and health for the whole cluster", () => {
  const members = ["node1-member", "node2-member", "node3-member"];
  assert.deepEqual(waitsFor(founded, "membership"), members);
  const others = steps(founded).map((one) => one.name);
  const inCluster = others.filter((name) => name !== "health" && !name.endsWith("-host"));
  assert.deepEqual(waitsFor(founded, "health"), inCluster.sort());
  for (const name of members) assertBefore(founded, name, "membership");
  assertBefore(founded, "membership", "health");
});

test("hosts are prepared in parallel, and each one's steps do not wait for another host", () => {
  const firstEnd = founded.events.findIndex((event) => /^end node\d-host$/.test(event));
  const started = founded.events.slice(0, firstEnd).filter((event) => /^start node\d-host$/.test(event));
  assert.deepEqual(started, ["start node1-host", "start node2-host", "start node3-host"]);
  for (const node of ["node1", "node2", "node3"]) {
    assert.deepEqual(waitsFor(founded, `${node}-host`), []);
    assert.deepEqual(waitsFor(founded, `${node}-binaries`), [`${node}-host`]);
    assert.deepEqual(waitsFor(founded, `${node}-certificates`), [`${node}-host`]);
  }
});

test("rolloutOrder puts its nodes first, and is nowhere but in the order", async () => {
  const config = clusterOf(3, { rolloutOrder: ["node3", "node2"] });
  const run = await runProgram({ config });
  assert.deepEqual(rollout(run), ["node3-member", "node2-member", "node1-member"]);
  assertBefore(run, "node3-member", "node2-member");
  assertBefore(run, "node2-member", "node1-member");
  assert.deepEqual(carriedTexts(run), carriedTexts(founded));
});

function carriedTexts(run: Run): readonly unknown[] {
  return steps(run)
    .map(({ name, inputs: { create, update, delete: undo, stdin } }) => ({
      name,
      create,
      update,
      undo,
      stdin,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
