import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGoldenUrns, assertNamesUnique } from "./golden.ts";
import { runProgram } from "./harness.ts";
import { devConfig } from "./stacks.ts";

const run = await runProgram({ config: devConfig() });
const components = run.resources.filter((one) => !one.custom && one.type.startsWith("etcd:"));
const nameOf = new Map(run.resources.map((one) => [one.urn, one.name]));

test("no URN of Pulumi.dev.yaml's stack has changed", async () => {
  await assertGoldenUrns(run, "urns.golden.txt", "stops a live member");
});

test("every resource has a parent that was registered, up to the stack", () => {
  const orphans = run.resources.filter((one) => !nameOf.has(one.parent)).map((one) => one.type);
  assert.deepEqual(orphans, ["pulumi:pulumi:Stack"]);
});

test("no two resources of one type have one name, whoever their parents are", () => {
  assertNamesUnique(run);
});

test("a component's children are named after it; a cluster's after their node or what they do", () => {
  const inCluster = ["client", "before", "membership", "node1", "node2", "node3"];
  const wrong = run.resources.filter((one) => {
    const parent = components.find((component) => component.urn === one.parent);
    if (parent === undefined) return false;
    if (parent.name === "etcd") return !inCluster.includes(one.name);
    return ["health", "backup"].includes(parent.name)
      ? one.name !== parent.name
      : !one.name.startsWith(`${parent.name}-`);
  });
  assert.deepEqual(
    wrong.map((one) => one.urn),
    [],
  );
});

test("every component has children: an empty one would not pass on what it waits for", () => {
  assert.ok(components.length > 0);
  const parents = new Set(run.resources.map((one) => one.parent));
  const empty = components.filter((one) => !parents.has(one.urn));
  assert.deepEqual(
    empty.map((one) => one.urn),
    [],
  );
});
