/** What another run changes on instances, and what it leaves alone. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  another,
  founded,
  instance,
  names,
  oneRebuilt,
  otherIds,
  ownSteps,
  provenBefore,
  rebuilt,
  settled,
  succeed,
} from "./aws-runs.ts";
import { awsClusterOf, awsNodes } from "./aws-stacks.ts";
import type { Run } from "./harness.ts";
import {
  changedResources,
  changedSteps,
  earlierOutputs,
  registrations,
  rollout,
  step,
  steps,
  stepsBehind,
  waitsFor,
} from "./queries.ts";

const OWN = ["userData", "instanceType"];

test("what an instance was told at its first boot, and its type, stay its own as long as it is what is declared", () => {
  const ignored = (run: Run) => names.map((node) => instance(run, node).request.getIgnorechangesList());
  assert.deepEqual(ignored(settled), [OWN, OWN, OWN]);
  for (const run of [founded, rebuilt]) assert.deepEqual(ignored(run), [[], [], []]);
  assert.deepEqual(ignored(oneRebuilt), [OWN, [], OWN]);
});

test("a colleague's run, without listed keys, changes no text and replaces nothing", async () => {
  const run = await succeed({
    config: awsClusterOf(3, { authorizedKeys: undefined }),
    earlier: earlierOutputs(founded),
  });
  assert.deepEqual(changedSteps(founded, run), {});
  for (const node of names) {
    const { userData: _, ...inputs } = instance(run, node).inputs;
    const { userData: __, ...before } = instance(founded, node).inputs;
    assert.deepEqual(inputs, before);
    assert.deepEqual(instance(run, node).request.getIgnorechangesList(), OWN);
  }
});

/** As the engine compares: what is ignored is as it was before. */
function seen(after: Run, before: Run): ReturnType<typeof registrations> {
  return registrations(after).map(({ urn, inputs, secretInputs }) => {
    const ignored = after.resources.find((one) => one.urn === urn)?.request.getIgnorechangesList() ?? [];
    const old = Object(before.resources.find((one) => one.urn === urn)?.inputs);
    const kept = Object.fromEntries(ignored.filter((key) => key in old).map((key) => [key, old[key]]));
    return { urn, inputs: { ...inputs, ...kept }, secretInputs };
  });
}

test("nothing changes in a second run, nor in one after a replacement", async () => {
  assert.deepEqual(seen(settled, founded), registrations(founded));
  const next = await succeed({
    config: awsClusterOf(3, another),
    earlier: earlierOutputs(rebuilt),
    mocked: otherIds,
  });
  assert.deepEqual(seen(next, rebuilt), registrations(rebuilt));
  assert.deepEqual(stepsBehind(next, instance(next, "node2")), [], "all at once again");
});

test("a stack of before the host keys were exchanged stays as it is, until its instances are replaced", async () => {
  const run = await succeed({ config: awsClusterOf(3), earlier: provenBefore() });
  const added = /-(key-exchange|first-key-2-[0-9a-f]{16})$/;
  assert.ok(!run.resources.some(({ name }) => added.test(name)));
  for (const node of names) {
    const { tags } = instance(run, node).inputs;
    assert.equal(Object(tags)["etcd:made-from"], Object(provenBefore().deployed).nodes[node].machine);
    assert.deepEqual(instance(run, node).request.getIgnorechangesList(), OWN);
  }
  for (const { urn, inputs } of steps(run)) {
    const text = JSON.stringify([inputs.create, inputs.update, inputs.delete]);
    assert.doesNotMatch(text, /first-key|made-from=2-/, urn);
  }

  const next = await succeed({ config: awsClusterOf(3, another), earlier: provenBefore(), mocked: otherIds });
  assert.deepEqual(rollout(next), names);
  assert.equal(next.resources.filter(({ name }) => added.test(name)).length, 6);
  const keyOf = (of: Run, name: string) => Object(step(of, name).inputs.connection).hostKey;
  // they are reached before and after their replacement in one run, so this key stays
  for (const node of names) assert.equal(keyOf(next, `${node}-host`), keyOf(run, `${node}-host`));
});

test("a replacement changes what is on the machines, and what is proven before and after", () => {
  const steps = names.flatMap((node) => [...ownSteps(node), `${node}-member`]);
  const texts = ["create", "update", "delete"];
  assert.deepEqual(
    changedSteps(founded, rebuilt),
    Object.fromEntries(
      [
        ["before", ["stdin"]],
        ["health", ["stdin"]],
        ["membership", ["stdin"]],
        ...names.map((node) => [`${node}-guard`, ["create", "update"]]),
        ...names.map((node) => [`${node}-key-exchange`, ["create", "update"]]),
        ...steps.map((name) => [name, texts]),
      ].toSorted(),
    ),
  );
  const parts = names.flatMap((node) => [`${node}-instance`, `${node}-data-attachment`]);
  const changed = changedResources(founded, rebuilt).filter(
    (name) => !(name in changedSteps(founded, rebuilt)) && !name.includes("-first-key-"),
  );
  assert.deepEqual(changed, parts.sort(), "address, host key and volume stay");
  const firstKeys = (run: Run) =>
    run.resources.map(({ name }) => name).filter((name) => name.includes("-first-key-"));
  assert.equal(firstKeys(rebuilt).length, 3);
  for (const key of firstKeys(rebuilt)) assert.ok(!firstKeys(founded).includes(key), key);
});

test("a machine that AWS replaced by itself is prepared again, and all is proven again", async () => {
  const mocked = { "node2-instance": { id: "i-other-node2" } };
  const run = await succeed({ config: awsClusterOf(3), earlier: earlierOutputs(founded), mocked });
  assert.deepEqual(
    Object.keys(changedSteps(founded, run)).sort(),
    ["health", "membership", "node2-key-exchange", ...ownSteps("node2"), "node2-member"].sort(),
  );
});

test("more nodes are made and prepared at once, and join one by one", async () => {
  const config = awsClusterOf(5);
  const run = await succeed({ config, earlier: earlierOutputs(founded) });
  assert.deepEqual(
    rollout(run),
    awsNodes(5).map(({ name }) => name),
  );
  for (const node of ["node4", "node5"]) {
    assert.deepEqual(stepsBehind(run, instance(run, node)), []);
    assert.deepEqual(waitsFor(run, `${node}-guard`), ["membership"]);
  }
  for (const node of names) {
    const guards = [founded, run].map((one) => step(one, `${node}-guard`).inputs);
    assert.deepEqual(guards[1], guards[0], "no guard of the others runs");
  }
});
