import assert from "node:assert/strict";
import { test } from "node:test";
import { type Registration, type Run, runProgram } from "./harness.ts";
import { carried, earlierOutputs, optionsOf, rollout, step, steps, text, waitsFor } from "./queries.ts";
import { clusterOf, nodes } from "./stacks.ts";

const founded = await runProgram({ config: clusterOf(3) });
const earlier = earlierOutputs(founded);
const proven = await runProgram({ config: clusterOf(3), earlier });

function assertBefore(run: Run, first: string, second: string): void {
  const end = run.events.indexOf(`end ${first}`);
  const start = run.events.indexOf(`start ${second}`);
  assert.ok(end >= 0 && start >= 0, `${first} or ${second} never ran`);
  assert.ok(end < start, `${second} begins before ${first} ends`);
}

/** All steps that a step waits for, directly or through others. */
function allBehind(run: Run, name: string): readonly string[] {
  const found = new Set([name]);
  for (const reached of found) for (const next of waitsFor(run, reached)) found.add(next);
  return [...found].filter((one) => one !== name).sort();
}

const prepared = ["node1", "node2", "node3"].flatMap((node) => [
  `${node}-binaries`,
  `${node}-certificates`,
  `${node}-host`,
]);

test("founders start together, once all hosts are prepared; before needs no more than its own host", () => {
  assert.deepEqual(waitsFor(founded, "before"), ["node1-host"]);
  const firstEnd = founded.events.findIndex((event) => /^end node\d-member$/.test(event));
  const started = founded.events.slice(0, firstEnd).filter((event) => /^start node\d-member$/.test(event));
  assert.deepEqual(started, ["start node1-member", "start node2-member", "start node3-member"]);
  for (const { name } of nodes(3)) {
    const awaited = ["before", ...prepared];
    assert.deepEqual(waitsFor(founded, `${name}-member`), awaited);
    for (const one of awaited) assertBefore(founded, one, `${name}-member`);
  }
});

test("the proof of a founded cluster waits for its members; nobody has to be removed before it", () => {
  const members = ["node1-member", "node2-member", "node3-member"];
  assert.deepEqual(waitsFor(founded, "membership"), members);
  assert.deepEqual(waitsFor(founded, "health"), ["before", ...members]);
  const others = steps(founded).map((one) => one.name);
  const behind = others.filter((name) => name !== "health" && name !== "membership");
  assert.deepEqual(allBehind(founded, "health"), behind.sort());
});

test("before waits for all steps of all hosts", () => {
  assert.deepEqual(waitsFor(proven, "before"), prepared);
  for (const name of prepared) assertBefore(proven, name, "before");
});

test("members are touched one at a time, each after before and its predecessor", () => {
  assert.deepEqual(rollout(proven), ["node1", "node2", "node3"]);
  const predecessors = { node1: [], node2: ["node1-member"], node3: ["node2-member"] };
  for (const [node, predecessor] of Object.entries(predecessors)) {
    const member = `${node}-member`;
    const waits = waitsFor(proven, member).filter((name) => !prepared.includes(name));
    assert.deepEqual(waits, ["before", ...predecessor], `${member} waits for something else`);
    for (const name of ["before", ...predecessor]) assertBefore(proven, name, member);
  }
});

test("membership waits for all members, and health for the whole cluster", () => {
  const members = ["node1-member", "node2-member", "node3-member"];
  assert.deepEqual(waitsFor(proven, "membership"), members);
  const others = steps(proven).map((one) => one.name);
  assert.deepEqual(allBehind(proven, "health"), others.filter((name) => name !== "health").sort());
  for (const name of members) assertBefore(proven, name, "membership");
  assertBefore(proven, "membership", "health");
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

test("rolloutOrder puts its nodes first, and is in no text but before's, which lets them be unfit", async () => {
  const config = clusterOf(3, { rolloutOrder: ["node3", "node2"] });
  const run = await runProgram({ config, earlier });
  assert.deepEqual(rollout(run), ["node3", "node2", "node1"]);
  assertBefore(run, "node3-member", "node2-member");
  assertBefore(run, "node2-member", "node1-member");
  assert.deepEqual(carriedTexts(run), carriedTexts(proven));
  const first = (of: Run) => optionsOf(text(step(of, "before"), "update")).first;
  assert.deepEqual([first(proven), first(run)], [undefined, "node3,node2"]);
});

test("the order is in no text: what founded a cluster is what a later run declares", () => {
  assert.deepEqual(carriedTexts(proven), carriedTexts(founded));
});

/** What all steps carry, without the option that names who goes first. */
function carriedTexts(run: Run): Readonly<Record<string, unknown>> {
  const texts = (one: Registration) =>
    Object.entries(carried(one)).map(([key, value]) => [
      key,
      one.name === "before" ? value.replace(/ --first=\S+/, "") : value,
    ]);
  return Object.fromEntries(steps(run).map((one) => [one.name, Object.fromEntries(texts(one))]));
}

const [node1, node2, node3, node4, node5] = nodes(5);
const mixed = clusterOf(3, { nodes: [node4, node1, { ...node2, incarnation: 2 }, node3, node5] });

test("replacements come first, then who is there, then additions; once proven, all as declared", async () => {
  const run = await runProgram({ config: mixed, earlier });
  assert.deepEqual(rollout(run), ["node2", "node1", "node3", "node4", "node5"]);
  for (const [first, second] of [
    ["node2", "node1"],
    ["node3", "node4"],
    ["node4", "node5"],
  ]) {
    assertBefore(run, `${first}-member`, `${second}-member`);
  }
  const next = await runProgram({ config: mixed, earlier: earlierOutputs(run) });
  assert.deepEqual(rollout(next), ["node4", "node1", "node2", "node3", "node5"]);
});

test("rolloutOrder comes before a replacement too, even with one who joins", async () => {
  const run = await runProgram({ config: { ...mixed, rolloutOrder: ["node5"] }, earlier });
  assert.deepEqual(rollout(run), ["node5", "node2", "node1", "node3", "node4"]);
});

test("no host of a joining or replaced member is left out of what before waits for", async () => {
  const run = await runProgram({ config: mixed, earlier });
  const roles = ["binaries", "certificates", "host"];
  const all = nodes(5).flatMap(({ name }) => roles.map((role) => `${name}-${role}`));
  assert.deepEqual(waitsFor(run, "before"), all.sort());
});
