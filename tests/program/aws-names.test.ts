import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { awsClusterOf, publicSubnets } from "./aws-stacks.ts";
import { assertGoldenUrns, assertNamesUnique } from "./golden.ts";
import { type Registration, runProgram } from "./harness.ts";
import { clusterOf, devConfig } from "./stacks.ts";

function isSdkLoaded(): boolean {
  return Object.keys(createRequire(import.meta.url).cache).some((file) =>
    /node_modules\/@pulumi\/aws\//.test(file),
  );
}

// In this order, and before the first test: those would run meanwhile, and there is one engine.
const loadedAtFirst = isSdkLoaded();
const given = await runProgram({ config: clusterOf(3) });
const loadedForHosts = isSdkLoaded();
const run = await runProgram({
  config: awsClusterOf(
    3,
    {
      vpc: {
        cidr: "10.20.0.0/16",
        nat: "per-zone",
        publicSubnets: publicSubnets(3),
        endpoints: ["s3", "ssm"],
      },
      clientName: "etcd.example.internal",
      hostedZoneId: "Z0123456789ABC",
      loadBalancer: true,
      sessionManager: true,
    },
    { backup: {}, maintenance: {} },
  ),
});
const example = await runProgram({ config: devConfig("aws") });

const components = run.resources.filter((one) => !one.custom && one.type.startsWith("etcd:"));
const isOfAws = ({ type }: Registration) => type.startsWith("aws:") || /:(aws|host:Ec2Host)\b/.test(type);

test("no URN of a stack with all that target aws can have has changed", async () => {
  assert.equal(run.failure, undefined);
  await assertGoldenUrns(run, "urns-aws.golden.txt", "takes a live member's machine");
});

test("Pulumi.aws.yaml is a stack that comes up, and has a subset of those", () => {
  assert.equal(example.failure, undefined);
  const all = run.resources.map(({ urn }) => urn);
  const others = example.resources.map(({ urn }) => urn).filter((urn) => !all.includes(urn));
  assert.deepEqual(others, []);
  assert.ok(example.resources.some(({ type }) => type.endsWith(":Instance")));
});

test("on given machines there is nothing of AWS, and its SDK is not even loaded", () => {
  assert.equal(given.failure, undefined);
  assert.deepEqual(given.resources.filter(isOfAws), []);
  assert.deepEqual([loadedAtFirst, loadedForHosts, isSdkLoaded()], [false, false, true]);
  assert.ok(run.resources.filter(isOfAws).length > 60);
});

test("no two resources of one type have one name, whoever their parents are", () => {
  assertNamesUnique(run);
});

test("every component has children: an empty one would not pass on what it waits for", () => {
  const parents = new Set(run.resources.map((one) => one.parent));
  const empty = components.filter((one) => !parents.has(one.urn));
  assert.deepEqual(
    empty.map((one) => one.urn),
    [],
  );
});

test("left behind is the data alone, and ignored a key that an encrypted volume cannot take any more", () => {
  const aws = run.resources.filter(({ type }) => type.startsWith("aws:"));
  const data = ["node1-data", "node2-data", "node3-data"];
  const kept = aws.filter(({ request }) => request.getRetainondelete() === true);
  assert.deepEqual(
    kept.map(({ name }) => name),
    data,
  );
  const ignored = aws.flatMap(({ name, request }) =>
    request.getIgnorechangesList().map((property) => `${name} ${property}`),
  );
  assert.deepEqual(
    ignored,
    data.map((name) => `${name} kmsKeyId`),
  );
});
