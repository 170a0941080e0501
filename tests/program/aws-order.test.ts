/** What waits for what when instances are made, and above all when they are replaced. */

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
  provenBut,
  rebuilt,
  settled,
  succeed,
} from "./aws-runs.ts";
import { awsClusterOf } from "./aws-stacks.ts";
import type { Registration } from "./harness.ts";
import {
  assertBefore,
  earlierOutputs,
  instancesBehind,
  optionsOf,
  output,
  registrations,
  resource,
  rollout,
  step,
  stepsBehind,
  text,
  waitsFor,
} from "./queries.ts";
import { type Config, clusterOf } from "./stacks.ts";

/** Two machines are already what a run that failed made of them, and the configuration was put back since. */
const putBack = await succeed({
  config: awsClusterOf(3),
  earlier: earlierOutputs(settled),
  calls: {
    getInstances: { ids: ["i-node1-0123456789abcdef", "i-node2-0123456789abcdef", "node3-instance-id"] },
  },
});

/** The stack has another name since: no instance has it as its tag yet. */
const renamed = await succeed({
  config: awsClusterOf(3, another),
  earlier: earlierOutputs(settled),
  mocked: otherIds,
  calls: {
    getInstances: ({ instanceTags }) => ({
      ids: instanceTags === undefined ? names.map((node) => `${node}-instance-id`) : [],
    }),
  },
});

test("when a cluster is founded, the instances wait for no step and for no other instance", () => {
  for (const node of names) assert.deepEqual(stepsBehind(founded, instance(founded, node)), []);
  const firstEnd = founded.events.findIndex((event) => /^end node\d-instance$/.test(event));
  const begun = founded.events.slice(0, firstEnd).filter((event) => /^start node\d-instance$/.test(event));
  assert.equal(begun.length, 3);
});

test("when a cluster is founded, the hosts are prepared at once, then all members start, and the guards last", () => {
  assert.deepEqual(rollout(founded), names);
  for (const node of names)
    assert.deepEqual(waitsFor(founded, `${node}-member`), ["before", ...names.flatMap(ownSteps)].sort());
  for (const node of names) {
    assert.deepEqual(waitsFor(founded, `${node}-guard`), ["membership"]);
    assert.deepEqual(waitsFor(founded, `${node}-key-exchange`), []);
    assertBefore(
      founded,
      ...["start", "end"].map((moment) => `${moment} ${node}-key-exchange`),
      ...["start", "end"].map((moment) => `${moment} ${node}-data-attachment`),
      `start ${node}-host`,
    );
    assertBefore(founded, "end membership", `start ${node}-guard`);
  }
});

test("a first step is run once the volume is attached", () => {
  for (const node of names) {
    const attachment = resource(founded, "VolumeAttachment", `${node}-data-attachment`);
    assert.ok(step(founded, `${node}-host`).dependencies.includes(attachment.urn));
  }
});

test("no machine waits for ever: whatever is replaced, all that is registered is made", () => {
  for (const run of [founded, settled, rebuilt, oneRebuilt, putBack]) {
    const made = new Set(run.events);
    const waiting = run.resources.filter(({ custom, name }) => custom && !made.has(`end ${name}`));
    assert.deepEqual(
      waiting.map(({ urn }) => urn),
      [],
    );
    assert.equal(run.resources.filter(({ type }) => type.endsWith(":Instance")).length, 3);
  }
});

test("all replaced: each instance waits for its guard, each guard for before and the member before it", () => {
  assert.deepEqual(rollout(rebuilt), names);
  for (const [index, node] of names.entries()) {
    const predecessor = index === 0 ? [] : [`${names[index - 1]}-member`];
    assert.deepEqual(waitsFor(rebuilt, `${node}-guard`), ["before", ...predecessor]);
    const { dependencies } = instance(rebuilt, node);
    const guard = step(rebuilt, `${node}-guard`).urn;
    assert.ok(dependencies.includes(guard), node);
    assert.deepEqual(
      waitsFor(rebuilt, `${node}-member`),
      ["before", ...ownSteps(node), ...predecessor].sort(),
    );
  }
});

test("a stack that was renamed or moved still finds its machines, and replaces them in the same order", () => {
  assert.deepEqual(registrations(renamed), registrations(rebuilt));
  for (const node of names)
    assert.deepEqual(instance(renamed, node).dependencies, instance(rebuilt, node).dependencies, node);
});

test("all replaced: at no moment is one machine away while another one is not yet a member again", () => {
  const order = names.flatMap((node) => [
    `start ${node}-guard`,
    `end ${node}-guard`,
    `start ${node}-instance`,
    `end ${node}-instance`,
    `start ${node}-key-exchange`,
    `end ${node}-key-exchange`,
    `start ${node}-data-attachment`,
    `start ${node}-host`,
    `end ${node}-host`,
    `start ${node}-member`,
    `end ${node}-member`,
  ]);
  assertBefore(rebuilt, "end before", ...order, "start membership", "end membership", "start health");
});

test("all replaced: what is proven first does not wait for any of the machines that go", () => {
  assert.deepEqual(instancesBehind(rebuilt, "before"), []);
  assert.deepEqual(stepsBehind(rebuilt, step(rebuilt, "before")), []);
  assert.deepEqual(instancesBehind(rebuilt, "node1-guard"), []);
  assert.deepEqual(instancesBehind(rebuilt, "node2-guard"), ["node1-instance"]);
  assert.deepEqual(instancesBehind(rebuilt, "node3-guard"), ["node1-instance", "node2-instance"]);
});

test("one replaced: the others are prepared at once and looked at first, and their guards come last", () => {
  assert.deepEqual(
    Object(oneRebuilt.outputs.deployed?.value).nodes,
    Object(output(founded, "deployed")).nodes,
  );
  assert.deepEqual(waitsFor(oneRebuilt, "before"), [...ownSteps("node1"), ...ownSteps("node3")]);
  assert.deepEqual(instancesBehind(oneRebuilt, "before"), ["node1-instance", "node3-instance"]);
  const { dependencies } = instance(oneRebuilt, "node2");
  assert.ok(dependencies.includes(step(oneRebuilt, "node2-guard").urn));
  const others = [...ownSteps("node1"), ...ownSteps("node3")];
  assert.deepEqual(waitsFor(oneRebuilt, "node2-guard"), ["before", "node1-member", ...others].sort());
  for (const node of ["node1", "node3"]) {
    assert.deepEqual(stepsBehind(oneRebuilt, instance(oneRebuilt, node)), []);
    assert.deepEqual(waitsFor(oneRebuilt, `${node}-guard`), ["membership"]);
  }
  assertBefore(
    oneRebuilt,
    "end node1-member",
    "start node2-guard",
    "start node2-instance",
    "end node2-instance",
  );
  assertBefore(
    oneRebuilt,
    "end node2-instance",
    "start node2-host",
    "start node2-member",
    "start node3-member",
  );
});

for (const changed of [["node1"], ["node3"], ["node1", "node3"], names]) {
  for (const rolloutOrder of [[], ["node3"], ["node2", "node3", "node1"]]) {
    test(`replaced ${changed.join()}, first ${rolloutOrder.join() || "as declared"}: one at a time`, async () => {
      const config = awsClusterOf(3, {}, { rolloutOrder });
      const run = await succeed({ config, earlier: provenBut(...changed) });
      const turns = rollout(run).flatMap((node) =>
        changed.includes(node)
          ? [`start ${node}-guard`, `start ${node}-instance`, `start ${node}-member`, `end ${node}-member`]
          : [`start ${node}-member`, `end ${node}-member`],
      );
      assertBefore(run, "end before", ...turns, "start membership");
      for (const node of changed) {
        assert.ok(!instancesBehind(run, "before").includes(`${node}-instance`), node);
      }
    });
  }
}

test("a guard asks on another member than its own, which is the admin host where it can be", () => {
  for (const run of [founded, rebuilt, oneRebuilt]) {
    const dialled = names.map((node) => Object(step(run, `${node}-guard`).inputs.connection).host);
    assert.deepEqual(dialled, ["10.20.2.11", "10.20.1.11", "10.20.1.11"]);
  }
});

test("a guard only notes the machine when it is made, and asks when what its machine is made from changes", () => {
  for (const node of names) {
    const [before, after] = [founded, rebuilt].map((run) => step(run, `${node}-guard`));
    assert.ok(before !== undefined && after !== undefined);
    assert.equal(text(before, "create"), `${text(before, "update")} --founding`);
    assert.equal(before.inputs.delete, undefined);
    assert.match(text(after, "update"), /^sudo -n \/usr\/local\/sbin\/etcd-host guard /);
    const { "made-from": was, ...options } = optionsOf(text(before, "update"));
    const { "made-from": is, ...same } = optionsOf(text(after, "update"));
    assert.notEqual(is, was);
    assert.deepEqual(options, same);
    assert.deepEqual(options, { name: node, "election-timeout": "1000", "check-id": "0" });
    assert.equal(is, Object(output(rebuilt, "deployed")).nodes[node].machine, "this is what is recorded");
  }
});

test("a cluster of one has no guard, and its instance is replaced all the same", async () => {
  const one = (aws: Config, earlier = {}) => succeed({ config: awsClusterOf(1, aws), earlier });
  const first = await one({});
  const second = await one(another, earlierOutputs(first));
  for (const run of [first, second]) {
    const isGuard = ({ name }: Registration) => name.endsWith("-guard");
    assert.deepEqual(run.resources.filter(isGuard), []);
  }
  assertBefore(second, "end before", "start node1-host", "start node1-member");
  assert.equal(instance(second, "node1").inputs.ami, another.ami);
});

test("on given machines there is no guard, whatever changes", async () => {
  const run = await succeed({ config: clusterOf(3) });
  assert.deepEqual(
    run.resources.filter(({ name }) => name.endsWith("-guard")),
    [],
  );
});

test("put back after a run that failed, the machines that it made are replaced first, one by one", () => {
  const kept = ["node3-binaries", "node3-certificates", "node3-host"];
  assert.deepEqual(waitsFor(putBack, "node1-guard"), kept);
  assert.deepEqual(waitsFor(putBack, "node2-guard"), ["node1-member", ...kept]);
  for (const node of ["node1", "node2"])
    assert.ok(instance(putBack, node).dependencies.includes(step(putBack, `${node}-guard`).urn));
  // the cluster is judged, on a member that was proven, once they are back
  assert.deepEqual(waitsFor(putBack, "before"), ["node1-member", "node2-member", ...kept]);
  assert.equal(Object(step(putBack, "before").inputs.connection).host, "10.20.3.11");
  assert.deepEqual(waitsFor(putBack, "node3-guard"), ["membership"]);
});
