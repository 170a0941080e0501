// What the simulated EC2 says of inputs before anything is made.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Properties } from "../../lab/engine/properties.ts";
import { UNKNOWN } from "../../lab/engine/properties.ts";
import { Bench, DATA, type Name } from "./bench.ts";

const bench = new Bench();
after(() => bench.remove());

const RULE = { securityGroupId: "sg-0123456789abcdef0", ipProtocol: "tcp", fromPort: 2379, toPort: 2379 };
const INSTANCE = {
  ami: "ami-0123456789abcdef0",
  instanceType: "m7i.large",
  primaryNetworkInterface: { networkInterfaceId: "eni-0123456789abcdef0" },
};

const REFUSED: readonly (readonly [string, Name, Properties, RegExp])[] = [
  [
    "a missing property",
    "subnet",
    { cidrBlock: "10.0.0.0/24" },
    /^vpcId: Missing required property 'vpcId'$/,
  ],
  ["an unknown property", "vpc", { cidrBlock: "10.0.0.0/16", cidr: "x" }, /^cidr: cidr is not part/],
  ["another type", "volume", { ...DATA, size: "20" }, /^size: expected a number$/],
  [
    "a nested unknown property",
    "instance",
    { ...INSTANCE, rootBlockDevice: { size: 20 } },
    /rootBlockDevice\.size/,
  ],
  ["host bits in a CIDR", "vpc", { cidrBlock: "10.20.1.0/16" }, /not a valid IPv4 CIDR block/],
  ["an id of something else", "instance", { ...INSTANCE, ami: "debian-12" }, /an id like ami-0123/],
  ["no zone", "volume", { ...DATA, availabilityZone: "a" }, /Availability Zone/],
  ["a volume too large", "volume", { ...DATA, size: 70_000 }, /in the range \(1 - 65536\)/],
  ["too little throughput", "volume", { ...DATA, throughput: 100 }, /in the range \(125 - 2000\)/],
  [
    "iops with gp2",
    "volume",
    { ...DATA, type: "gp2", throughput: null },
    /'iops' must not be set when 'type' is 'gp2'/,
  ],
  [
    "a key without encryption",
    "volume",
    { ...DATA, encrypted: false, kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/x" },
    /KmsKeyId requires the parameter Encrypted/,
  ],
  ["a key that is no ARN", "volume", { ...DATA, kmsKeyId: "alias/x" }, /ARN of a KMS key/],
  [
    "a subnet beside an interface",
    "instance",
    { ...INSTANCE, subnetId: "subnet-1" },
    /conflicts with primaryNetworkInterface/,
  ],
  ["user data too long", "instance", { ...INSTANCE, userData: "x".repeat(16_385) }, /\(0 - 16384\)/],
  [
    "a hop limit of 0",
    "instance",
    { ...INSTANCE, metadataOptions: { httpPutResponseHopLimit: 0 } },
    /\(1 - 64\)/,
  ],
  ["a rule without a source", "ingressRule", RULE, /Exactly one of these attributes.*got 0/],
  ["a rule with two", "ingressRule", { ...RULE, cidrIpv4: "10.0.0.0/8", cidrIpv6: "::/0" }, /got 2/],
  [
    "a rule without a port",
    "ingressRule",
    { ...RULE, cidrIpv4: "10.0.0.0/8", toPort: null },
    /toPort is needed with the protocol tcp/,
  ],
  [
    "a tag of AWS's own",
    "vpc",
    { cidrBlock: "10.20.0.0/16", tags: { "aws:x": "1" } },
    /does not begin with aws:/,
  ],
  [
    "a name of a device",
    "attachment",
    { deviceName: "/dev/nvme1n1", volumeId: "vol-0123456789abcdef0", instanceId: "i-0123456789abcdef0" },
    /name of an EBS device/,
  ],
  [
    "a long name",
    "targetGroup",
    { name: "x".repeat(33), port: 1, protocol: "TCP", vpcId: "vpc-0123456789abcdef0" },
    /1 to 32/,
  ],
  ["a record with neither", "record", { zoneId: "Z1", name: "x", type: "A" }, /one of `alias,records`/],
  [
    "a record without a TTL",
    "record",
    { zoneId: "Z1", name: "x", type: "A", records: ["10.0.0.1"] },
    /all of `records,ttl`/,
  ],
  ["a policy that is no JSON", "role", { assumeRolePolicy: "allow" }, /invalid JSON policy/],
];

for (const [what, name, inputs, pattern] of REFUSED) {
  test(`refuses ${what}`, () => {
    const given = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
    const failures = bench.failures(name, given);
    assert.equal(failures.length, 1, failures.join("\n"));
    assert.match(failures[0] ?? "", pattern);
  });
}

test("an unknown value passes everywhere", () => {
  const rule = { ...RULE, securityGroupId: UNKNOWN, referencedSecurityGroupId: UNKNOWN };
  assert.deepEqual(bench.failures("ingressRule", rule), []);
  assert.deepEqual(bench.failures("instance", { ...INSTANCE, primaryNetworkInterface: UNKNOWN }), []);
  assert.deepEqual(bench.failures("volume", { ...DATA, size: UNKNOWN, encrypted: UNKNOWN }), []);
});

test("a name is made where there is none, fits, and stays", () => {
  const type = bench.type("targetGroup");
  const first = type.check({ port: 2379 }, "a-name-that-is-longer-than-it-may-be", {}).inputs.name;
  assert.match(String(first), /^a-name-that-is-longer-tha-[0-9a-f]{7}$|^a-name[a-z-]{18}-[0-9a-f]{7}$/);
  assert.equal(String(first).length, 32);
  assert.equal(type.check({}, "x", { name: first ?? null }).inputs.name, first);
  assert.equal(type.check({ name: "given" }, "x", {}).inputs.name, "given");
});

test("what is not known in a preview of a creation", async () => {
  const outputs = await bench.preview("networkInterface", { subnetId: UNKNOWN, privateIps: ["10.20.1.11"] });
  assert.equal(outputs.privateIp, UNKNOWN);
  assert.deepEqual(outputs.privateIps, ["10.20.1.11"]);
  assert.equal(outputs.securityGroups, UNKNOWN);
});
