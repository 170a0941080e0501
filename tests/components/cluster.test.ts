import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "../program/harness.ts";
import { earlierOutputs, optionsOf, step, text } from "../program/queries.ts";
import { clusterOf, nodes } from "../program/stacks.ts";

const settings = {
  electionTimeout: 2000,
  checkId: 7,
  allow: ["nospace-alarm", "downgrade"],
  rolloutOrder: ["node2", "node1"],
};
const run = await runProgram({ config: clusterOf(3, settings) });
const founded = await runProgram({ config: clusterOf(3) });

const everywhere = {
  version: "3.6.14",
  "election-timeout": "2000",
  "check-id": "7",
  allow: "nospace-alarm downgrade",
};

test("each step of the cluster is told what it judges by, and no more", () => {
  const expected = {
    before: { ...everywhere, first: "node2,node1", "upgrades-from": "3.5.32" },
    membership: everywhere,
    health: { ...everywhere, "min-days": "14" },
  };
  for (const [name, options] of Object.entries(expected)) {
    for (const when of ["update", "create"]) {
      const { checked, ...told } = optionsOf(text(step(run, name), when));
      assert.deepEqual(told, options, name);
      assert.equal(checked !== undefined, name === "health", "the proof follows every check");
    }
  }
});

test("a list of several exceptions is one word of the shell", () => {
  assert.match(text(step(run, "before"), "update"), / --allow='nospace-alarm downgrade'( |$)/);
});

test("what is not set is no option", () => {
  assert.deepEqual(optionsOf(text(step(founded, "before"), "update")), {
    version: "3.6.14",
    "election-timeout": "1000",
    "check-id": "0",
    "upgrades-from": "3.5.32",
  });
});

test("every step of the cluster reads the same digest, and each member with its incarnation in declared order", async () => {
  const [node1, node2, node3] = nodes(3);
  const declared = [node3, { ...node1, incarnation: 4 }, node2];
  const config = clusterOf(3, { nodes: declared });
  const raised = await runProgram({ config, earlier: earlierOutputs(founded) });
  const stdin = text(step(raised, "before"), "stdin");
  assert.deepEqual(stdin.split("\n").slice(1), [
    "member node3 https://192.168.1.103:2380 https://192.168.1.103:2379 1",
    "member node1 https://192.168.1.101:2380 https://192.168.1.101:2379 4",
    "member node2 https://192.168.1.102:2380 https://192.168.1.102:2379 1",
    "",
  ]);
  assert.match(stdin, /^digest [0-9a-f]{16}\n/);
  assert.equal(text(step(raised, "membership"), "stdin"), stdin);
  assert.ok(text(step(raised, "health"), "stdin").startsWith(`${stdin}told node3 `));
});
