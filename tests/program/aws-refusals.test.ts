/** What AWS says of the declared images, types and subnets: refused before anything is made, in a preview too. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { awsClusterOf, awsNodes, existing } from "./aws-stacks.ts";
import { type RunOptions, runProgram } from "./harness.ts";
import { earlierOutputs } from "./queries.ts";
import { type Config, clusterOf, nodes } from "./stacks.ts";

// Before the first test: those would run meanwhile, and there is one engine.
const founded = await runProgram({ config: awsClusterOf(3) });
const onHosts = await runProgram({ config: clusterOf(3) });

/** The sentences of a refusal, without the heading of several; nothing was registered before it. */
async function refusal(options: RunOptions): Promise<readonly string[]> {
  const { failure, resources } = await runProgram({ preview: true, ...options });
  assert.ok(failure instanceof Error, "the program accepts it");
  assert.ok(pulumi.RunError.isInstance(failure), `a stack trace would be shown: ${failure.stack}`);
  const made = resources.map(({ name }) => name).filter((name) => name !== "etcd-dev");
  assert.deepEqual(made, [], "something is registered before the refusal");
  const lines = failure.message.split("\n");
  return lines.length === 1 ? lines : lines.slice(1).map((line) => line.replace(/^- /, ""));
}

interface Case {
  readonly aws?: Config;
  readonly calls: NonNullable<RunOptions["calls"]>;
  /** Of each sentence, in order. */
  readonly about: readonly RegExp[];
}

const notFound = new Error(
  "invocation of aws:ec2/getAmi:getAmi returned an error: invoking aws:ec2/getAmi:getAmi: 1 error occurred:\n" +
    "\t* Your query returned no results. Please change your search criteria and try again.\n\n",
);
const each = (about: (index: number, id: string) => RegExp) =>
  [0, 1, 2].map((index) => about(index, `subnet-0abcdef123456789${index + 1}`));

const cases: Readonly<Record<string, Case>> = {
  "an image for arm64 on a type of amd64": {
    calls: { getAmi: { architecture: "arm64" } },
    about: [/^aws\.ami: ami-0abcdef1234567890 is for arm64, but m7i\.large runs x86_64; choose an image /],
  },
  "an image for amd64 on a type of arm64": {
    aws: { instanceType: "m7g.large" },
    calls: { getInstanceType: { supportedArchitectures: ["arm64"] } },
    about: [/^aws\.ami: ami-0abcdef1234567890 is for x86_64, but m7g\.large runs arm64; choose an image /],
  },
  "a type from before Nitro, on which nobody could tell the data volume": {
    aws: { instanceType: "m4.large" },
    calls: { getInstanceType: { hypervisor: "xen" } },
    about: [/^aws\.instanceType: m4\.large is older than Nitro, .*; choose a type of a current generation/],
  },
  "an old type and an image of another architecture: both are told": {
    calls: { getAmi: { architecture: "i386" }, getInstanceType: { hypervisor: "xen" } },
    about: [/^aws\.ami: .* is for i386/, /^aws\.instanceType: m7i\.large is older than Nitro/],
  },
  "instances that may not be listed": {
    calls: { getInstances: notFound },
    about: [/^AWS does not say which instances run \(.*\); check the credentials and their permissions\.$/],
  },
  "two instances of one node": {
    calls: { getInstances: { ids: ["i-node1-01", "i-node1-02"] } },
    about: [/^AWS has two instances with the tags of node1 .*; give each cluster .* its own clusterName, or/],
  },
  "a type that a node's zone does not offer": {
    calls: { getInstanceTypeOfferings: { locations: ["eu-central-1a", "eu-central-1b"] } },
    about: [
      /^aws\.instanceType: m7i\.large is not offered in eu-central-1c; choose another type, or subnets in /,
    ],
  },
  "an image that needs a larger root volume": {
    calls: { getAmi: { blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { volume_size: "30" } }] } },
    about: [
      /^aws\.rootVolume\.size: ami-0abcdef1234567890 needs 30 GiB, not 20; raise it to that or more\.$/,
    ],
  },
  "an image whose root is not on EBS": {
    calls: { getAmi: { rootDeviceType: "instance-store" } },
    about: [/^aws\.ami: ami-0abcdef1234567890 is available, its root is of type instance-store; choose one/],
  },
  "an unknown image": {
    calls: { getAmi: notFound },
    about: [
      /^aws\.ami: ami-0abcdef1234567890 cannot be used in this region \(Your query returned no results.*try again\); choose an image of this region, or check the credentials\.$/,
    ],
  },
  "an image of which AWS says nothing, not even why": {
    calls: {
      getAmi: new Error(
        "invocation of aws:ec2/getAmi:getAmi returned an error: invoking aws:ec2/getAmi:getAmi: ",
      ),
    },
    about: [/^aws\.ami: .* cannot be used in this region \(AWS gives no reason\); choose an image/],
  },
  "an unknown type": {
    calls: { getInstanceType: new Error("reading EC2 Instance Type (m7i.large): couldn't find resource.") },
    about: [
      /^aws\.instanceType: m7i\.large cannot be used in this region \(.*couldn't find resource\); choose another type, or check/,
    ],
  },
  "a subnet of another VPC": {
    aws: existing(3),
    calls: { getSubnet: { vpcId: "vpc-0fedcba0987654321" } },
    about: each(
      (index, id) =>
        new RegExp(
          `^aws\\.subnets\\[${index}\\]: ${id} has the vpc\\.id vpc-0fedcba0987654321, not vpc-0abc`,
        ),
    ),
  },
  "a subnet of another zone": {
    aws: existing(3),
    calls: { getSubnet: { availabilityZone: "eu-central-1d" } },
    about: each(
      (index, id) =>
        new RegExp(`^aws\\.subnets\\[${index}\\]: ${id} has the zone eu-central-1d, not eu-central-1`),
    ),
  },
  "a subnet of another range": {
    aws: existing(3),
    calls: { getSubnet: { cidrBlock: "10.20.0.0/20" } },
    about: each(
      (index, id) =>
        new RegExp(`^aws\\.subnets\\[${index}\\]: ${id} has the cidr 10\\.20\\.0\\.0/20, not 10\\.20\\.`),
    ),
  },
  "a subnet that gives public addresses": {
    aws: existing(3),
    calls: { getSubnet: { mapPublicIpOnLaunch: true } },
    about: each(
      (index, id) =>
        new RegExp(`^aws\\.subnets\\[${index}\\]: ${id} assigns public addresses; use a private subnet, or `),
    ),
  },
  "an unknown subnet": {
    aws: existing(3),
    calls: { getSubnet: new Error("no matching EC2 Subnet found") },
    about: each(
      (index, id) =>
        new RegExp(
          `^aws\\.subnets\\[${index}\\]\\.id: ${id} cannot be used \\(no matching EC2 Subnet found\\); correct it, or check the credentials and aws:region\\.$`,
        ),
    ),
  },
};

for (const [title, { aws = {}, calls, about }] of Object.entries(cases)) {
  test(`refused: ${title}`, async () => {
    const found = await refusal({ config: awsClusterOf(3, aws), calls });
    assert.equal(found.length, about.length, found.join("\n"));
    for (const [index, pattern] of about.entries()) {
      assert.match(String(found[index]), pattern);
      assert.match(String(found[index]), /[^.]\.$/);
    }
  });
}

test("a subnet that gives public addresses is right where they are asked for", async () => {
  const config = awsClusterOf(3, { ...existing(3), publicAddresses: true });
  const run = await runProgram({ config, calls: { getSubnet: { mapPublicIpOnLaunch: true } } });
  assert.equal(run.failure, undefined);
});

test("a type without a hypervisor is right if it is bare metal, as is an image and a type of arm64", async () => {
  for (const calls of [
    { getInstanceType: { hypervisor: "", bareMetal: true } },
    { getAmi: { architecture: "arm64" }, getInstanceType: { supportedArchitectures: ["arm64"] } },
  ]) {
    assert.equal((await runProgram({ config: awsClusterOf(3), calls })).failure, undefined);
  }
});

test("in a VPC of its own no subnet is asked for", async () => {
  const calls = { getSubnet: new Error("asked for a subnet") };
  assert.equal((await runProgram({ config: awsClusterOf(3), calls })).failure, undefined);
});

test("a mistake in the configuration is told before AWS is asked", async () => {
  const [sentence, ...others] = await refusal({
    config: awsClusterOf(3, { ami: "latest" }),
    calls: { getAmi: notFound },
  });
  assert.match(String(sentence), /^aws\.ami: "latest" is not an image id/);
  assert.deepEqual(others, []);
});

test("a cluster stays on the target on which it was founded, in either direction", async () => {
  const config = clusterOf(3, {
    nodes: nodes(3).map((node, index) => ({ ...node, address: `10.20.${index + 1}.11` })),
  });
  const left = await refusal({ config, earlier: earlierOutputs(founded) });
  const about = "bootstrapped on machines of target";
  assert.ok(
    left.some((sentence) => sentence.startsWith(`target: the cluster was ${about} aws and stays there; `)),
    left.join("\n"),
  );
  const came = await refusal({ config: awsClusterOf(3), earlier: earlierOutputs(onHosts) });
  assert.ok(
    came.some((sentence) => sentence.startsWith(`target: the cluster was ${about} ssh and stays there; `)),
    came.join("\n"),
  );
});

test("instances of which AWS shows none are not all made again at once", async () => {
  const [sentence, ...others] = await refusal({
    config: awsClusterOf(3, { ami: "ami-0fedcba0987654321" }),
    earlier: earlierOutputs(founded),
    calls: { getInstances: { ids: [] } },
  });
  assert.match(String(sentence), /^AWS shows no running instance of node1, node2, node3, .*gone-instances/);
  assert.deepEqual(others, []);
});

test("a node on EC2 keeps its address", async () => {
  const moved = awsNodes(3).map((node) =>
    node.name === "node2" ? { ...node, address: "10.20.2.12" } : node,
  );
  const [sentence, ...others] = await refusal({
    config: awsClusterOf(3, {}, { nodes: moved }),
    earlier: earlierOutputs(founded),
  });
  assert.match(
    String(sentence),
    /^nodes\[1\]\.address: node2 is at 10\.20\.2\.11, and a node on EC2 keeps its /,
  );
  assert.deepEqual(others, []);
});
