import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../../cluster/digest.ts";
import { ownerOf, remoteStep, type StepArgs } from "../../components/step.ts";
import { type Run, runMocked } from "../program/harness.ts";
import { step } from "../program/queries.ts";
import { loginKey } from "../program/stacks.ts";

/** A step in a component of its own. */
function makeStep(args: Partial<StepArgs>, host = "192.168.1.101"): Promise<Run> {
  return runMocked({}, () => {
    const parent = new pulumi.ComponentResource("etcd:test:Component", "component");
    const connection = { host, privateKey: loginKey };
    const { digest } = remoteStep("step", { connection }, { create: "create", ...args }, { parent });
    return { digest, owner: ownerOf(parent) };
  });
}

test("without an update of its own, a change runs create again", async () => {
  const { inputs } = step(await makeStep({}), "step");
  assert.deepEqual({ create: inputs.create, update: inputs.update }, { create: "create", update: "create" });
  assert.ok(!("delete" in inputs) && !("stdin" in inputs));
});

test("what is given for update, delete and stdin is run as given", async () => {
  const given = { create: "a", update: "b", delete: "c", stdin: "d" };
  const { create, update, delete: undo, stdin } = step(await makeStep(given), "step").inputs;
  assert.deepEqual({ create, update, delete: undo, stdin }, given);
});

test("the digest changes with each text that the host gets, and not with the way there", async () => {
  const base = { create: "a", update: "b", stdin: "d" };
  const digest = async (args: Partial<StepArgs>, host?: string) =>
    (await makeStep({ ...base, ...args }, host)).outputs.digest?.value;
  const unchanged = await digest({});
  assert.match(String(unchanged), /^[0-9a-f]{16}$/);
  assert.equal(await digest({}, "192.168.1.102"), unchanged);
  for (const change of [{ create: "x" }, { update: "x" }, { stdin: "x" }]) {
    assert.notEqual(await digest(change), unchanged, JSON.stringify(change));
  }
});

test("the digest of a secret is no secret: it goes into texts that a reviewer reads", async () => {
  const run = await makeStep({ stdin: pulumi.secret("a private key") });
  assert.equal(run.outputs.digest?.secret, false);
  assert.deepEqual([...step(run, "step").secretInputs].sort(), ["connection", "stdin"]);
});

test("texts that differ only in where one ends and the next begins have different digests", () => {
  assert.notEqual(digestOf(["ab", "c"]), digestOf(["a", "bc"]));
  assert.notEqual(digestOf(["ab"]), digestOf(["ab", ""]));
});

test("the owner is the component's URN, and using it makes nothing wait for the component", async () => {
  const run = await runMocked({}, () => {
    const parent = new pulumi.ComponentResource("etcd:test:Component", "component");
    const create = ownerOf(parent).apply((owner) => `run --owner=${owner}`);
    remoteStep("step", { connection: { host: "192.168.1.101" } }, { create }, { parent });
    return {};
  });
  const { inputs, dependencies, parent } = step(run, "step");
  assert.equal(inputs.create, "run --owner=urn:pulumi:dev::etcd::etcd:test:Component::component");
  assert.deepEqual(dependencies, []);
  assert.equal(parent, "urn:pulumi:dev::etcd::etcd:test:Component::component");
});
