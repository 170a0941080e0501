import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { subnetOf } from "../../cluster/subnets.ts";
import { parseConfig } from "../../config/parse.ts";
import {
  awsProblems,
  existing,
  publicKey,
  publicSubnets,
  readAws,
  rightAws,
  subnets,
} from "./aws-configuration.ts";
import { config, privateKey, problems } from "./configuration.ts";

test("the settings of EC2, with their defaults", () => {
  const { problems, config } = readAws();
  assert.deepEqual(problems, []);
  assert.equal(config?.target, "aws");
  assert.deepEqual(config?.aws, {
    ami: "ami-0abcdef1234567890",
    instanceType: "m7i.large",
    authorizedKeys: [`${publicKey} ops`],
    vpc: { cidr: "10.20.0.0/16", nat: "one", publicSubnets, endpoints: [] },
    subnets,
    access: { clients: ["10.20.0.0/16"], ssh: ["10.9.0.0/24"], metrics: [] },
    dataVolume: { size: 20, iops: 3000, throughput: 125 },
    rootVolume: { size: 20 },
    sessionManager: false,
    publicAddresses: false,
    loadBalancer: false,
    tags: {},
  });
});

test("everything can be set", () => {
  const given = {
    vpc: existing.vpc,
    subnets: existing.subnets,
    access: { clients: ["sg-0abcdef1234567890"], ssh: ["2001:db8::/32"], metrics: ["10.20.9.1/32"] },
    dataVolume: { size: 200, iops: 16000, throughput: 1000 },
    rootVolume: { size: 30 },
    kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    instanceProfile: "etcd-node",
    sessionManager: false,
    publicAddresses: true,
    clientName: "etcd.example.internal",
    hostedZoneId: "Z0123456789ABCDEFGHIJ",
    loadBalancer: true,
    tags: { team: "storage" },
  };
  const { problems, config } = readAws(given, { metricsUrl: "http://0.0.0.0:2381" });
  assert.deepEqual(problems, []);
  assert.deepEqual(config?.aws, { ...rightAws, ...given });
});

test("a node of EC2 listens at its address, and its host key is the program's to make", () => {
  const [first] = readAws().config?.nodes ?? [];
  assert.deepEqual(first, {
    name: "node1",
    address: "10.20.1.11",
    listenAddress: "10.20.1.11",
    sshAddress: "10.20.1.11",
    sshPort: 22,
    hostKey: "",
    incarnation: 1,
    issue: 1,
    lost: false,
  });
});

test("subnetOf gives the subnet that holds an address", () => {
  assert.deepEqual(subnetOf("10.20.2.11", subnets), subnets[1]);
  assert.throws(() => subnetOf("10.30.0.1", subnets), /no subnet holds 10\.30\.0\.1/);
});

test("aws is given exactly with the target aws", () => {
  assert.deepEqual(problems({ aws: rightAws }), [
    "aws: is for target aws; set target to aws, or leave it out.",
  ]);
  assert.deepEqual(awsProblems({}, { aws: {} }), [
    "aws: is missing; describe the instances and their network, as Pulumi.aws.yaml shows.",
  ]);
  assert.deepEqual(awsProblems({}, { target: "AWS" }).slice(0, 1), [
    'target: "AWS" is not one of ssh, aws; did you mean aws.',
  ]);
  assert.equal(config().aws, undefined);
});

for (const [what, values, sentence] of [
  [
    "an unknown setting",
    { instancetype: "m7i.large" },
    "aws.instancetype: no such setting; did you mean instanceType.",
  ],
  [
    "an unknown setting of the VPC",
    { vpc: { ...rightAws.vpc, gateways: 1 } },
    "aws.vpc.gateways: no such setting; choose from id, cidr, nat, publicSubnets, endpoints.",
  ],
  [
    "an unknown setting of a subnet",
    { subnets: [{ ...subnets[0], az: "a" }, subnets[1], subnets[2]] },
    "aws.subnets[0].az: no such setting; choose from zone, cidr, id.",
  ],
  [
    "an unknown setting of the access",
    { access: { ...rightAws.access, client: [] } },
    "aws.access.client: no such setting; did you mean clients.",
  ],
  [
    "an unknown setting of the data volume",
    { dataVolume: { type: "io2" } },
    "aws.dataVolume.type: no such setting; choose from size, iops, throughput.",
  ],
  [
    "an unknown setting of the root volume",
    { rootVolume: { siz: 20 } },
    "aws.rootVolume.siz: no such setting; did you mean size.",
  ],
] as const) {
  test(`${what} is refused in one sentence`, () => assert.deepEqual(awsProblems(values), [sentence]));
}

test("all mistakes come at once, each with its path", () => {
  const paths = awsProblems({
    ami: "latest",
    instanceType: "large",
    authorizedKeys: ["mine"],
    vpc: {},
    subnets: [{ zone: "a", cidr: "10.20.1.0" }],
    access: { clients: ["0.0.0.0/0"] },
    dataVolume: { size: 1 },
    rootVolume: { size: 1 },
    kmsKeyId: "alias/etcd",
    instanceProfile: "a/b",
    clientName: "etcd",
    hostedZoneId: "etcd",
    tags: { "aws:x": "y" },
  }).map((sentence) => sentence.split(": ")[0]);
  assert.deepEqual(paths.toSorted(), [
    "aws.access.clients[0]",
    "aws.ami",
    "aws.authorizedKeys[0]",
    "aws.clientName",
    "aws.dataVolume.size",
    "aws.hostedZoneId",
    "aws.instanceProfile",
    "aws.instanceType",
    "aws.kmsKeyId",
    "aws.rootVolume.size",
    "aws.subnets[0].cidr",
    "aws.subnets[0].zone",
    "aws.tags.aws:x",
    "aws.vpc.cidr",
  ]);
});

test("Pulumi.aws.yaml is the complete configuration of three instances, without a secret", () => {
  const { config: stack }: { config: Record<string, unknown> } = parse(
    readFileSync(new URL("../../Pulumi.aws.yaml", import.meta.url), "utf8"),
  );
  const values = Object.fromEntries(
    Object.entries(stack)
      .filter(([key]) => key.startsWith("etcd:"))
      .map(([key, value]) => [key.slice("etcd:".length), value]),
  );
  const { problems, warnings, config } = parseConfig(values, () => privateKey, {
    HOME: "/home/me",
    SSH_AUTH_SOCK: "/run/agent",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings, []);
  assert.equal(stack["aws:region"], "eu-central-1");
  assert.match(String(config?.aws?.authorizedKeys), /^ssh-ed25519 \S+ ops$/);
  assert.deepEqual(
    config?.nodes.map(({ address }) => subnetOf(address, config.aws?.subnets ?? []).zone),
    ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  );
  assert.ok(!JSON.stringify(stack).includes("secure"));
});
