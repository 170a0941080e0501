import assert from "node:assert/strict";
import { test } from "node:test";
import { awsClusterOf, awsNodes } from "./aws-stacks.ts";
import { type Run, runProgram } from "./harness.ts";
import { daysLater, FIRST_DAY, pem, publicKeyOf } from "./providers.ts";
import { earlierOutputs, optionsOf, resource, step, steps, text } from "./queries.ts";

const names = awsNodes(3).map(({ name }) => String(name));
const another = { ami: "ami-0fedcba0987654321" };

// Before the first test: those would run meanwhile, and there is one engine.
const up = await runProgram({ config: awsClusterOf(3) });
const preview = await runProgram({ config: awsClusterOf(3), preview: true });
const earlier = earlierOutputs(up);
const rebuilt = await runProgram({ config: awsClusterOf(3, another), earlier });
/** A replacement as it is planned: what stays is known, the instances that will be made are not. */
const planned = await runProgram({
  config: awsClusterOf(3, another),
  earlier,
  mocked: Object.fromEntries([
    ...["client-ca-cert", "peer-ca-cert"].map((name) => {
      const dates = { validityStartTime: FIRST_DAY, validityEndTime: daysLater(1825) };
      return [name, { certPem: pem("CERTIFICATE", name), ...dates }] as const;
    }),
    ...names.flatMap((node) => [
      [`${node}-data`, { id: `${node}-data-id` }] as const,
      [`${node}-host-key`, { publicKeyOpenssh: publicKeyOf(`${node}-host-key`) }] as const,
    ]),
  ]),
  preview: true,
});

const urns = (run: Run) => run.resources.map((one) => one.urn).sort();

test("a preview of a new stack, where no id is known yet, shows every resource of the up", () => {
  assert.equal(preview.failure, undefined);
  assert.deepEqual(urns(preview), urns(up));
});

test("a preview of a replacement shows every resource of the up, in the same order", () => {
  assert.equal(planned.failure, undefined);
  assert.deepEqual(urns(planned), urns(rebuilt));
  for (const [shown, done] of [
    [preview, up],
    [planned, rebuilt],
  ] as const) {
    for (const { urn, name, dependencies } of done.resources.filter((one) => one.custom)) {
      const found = shown.resources.find((one) => one.urn === urn);
      assert.deepEqual([...(found?.dependencies ?? [])].sort(), [...dependencies].sort(), name);
    }
  }
});

test("what a reviewer judges is plain in a preview: images, types, disks, who enters, and whose turn it is", () => {
  for (const node of names) {
    for (const [type, role] of [
      ["Volume", "data"],
      ["VolumeAttachment", "data-attachment"],
    ] as const) {
      const known = (run: Run) => {
        const { volumeId: _, instanceId: __, ...inputs } = resource(run, type, `${node}-${role}`).inputs;
        return inputs;
      };
      assert.deepEqual(known(preview), known(up));
    }
    const { ami, instanceType, metadataOptions } = resource(planned, "Instance", `${node}-instance`).inputs;
    assert.equal(ami, another.ami);
    assert.equal(instanceType, "m7i.large");
    assert.equal(Object(metadataOptions).httpTokens, "required");
    assert.equal(
      text(step(planned, `${node}-guard`), "update"),
      text(step(rebuilt, `${node}-guard`), "update"),
    );
  }
  const rules = (run: Run) =>
    run.resources
      .filter(({ type }) => type.endsWith("Rule"))
      .map(({ name, inputs: { fromPort, cidrIpv4 } }) => ({ name, fromPort, cidrIpv4 }));
  assert.deepEqual(rules(preview), rules(up));
});

test("a plan of a replacement leaves open what the steps of a new machine say, but for what a member runs", () => {
  for (const node of names) {
    for (const role of ["host", "binaries", "certificates", "member"]) {
      const { create, update } = step(planned, `${node}-${role}`).inputs;
      for (const call of [create, update]) assert.notEqual(typeof call, "string", `${node}-${role}`);
    }
    assert.deepEqual(
      text(step(planned, `${node}-member`), "stdin"),
      text(step(rebuilt, `${node}-member`), "stdin"),
    );
  }
});

test("a preview shows the texts of the steps of the cluster", () => {
  const cluster = steps(up).filter(({ name }) => /^(before|membership)$/.test(name));
  assert.equal(cluster.length, 2);
  for (const one of cluster) {
    const shown = step(preview, one.name);
    assert.deepEqual(optionsOf(text(shown, "update")), optionsOf(text(one, "update")), one.name);
  }
});
