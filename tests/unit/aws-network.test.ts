import assert from "node:assert/strict";
import { test } from "node:test";
import {
  awsNodes,
  awsProblems,
  awsWarnings,
  type Changes,
  existing,
  publicSubnets,
  readAws,
  rightAws,
  subnets,
} from "./aws-configuration.ts";

const [first, second, third] = subnets;

function vpc(changes: Changes): Changes {
  return { vpc: { ...rightAws.vpc, ...changes } };
}

/** Three subnets, the second of them changed. */
function withSecond(changes: Changes): Changes {
  return { subnets: [first, { ...second, ...changes }, third] };
}

for (const [what, values, sentence] of [
  [
    "no VPC",
    { vpc: undefined },
    "vpc.cidr: is missing; give the id of an existing VPC, or the CIDR of one to create, like 10.20.0.0/16.",
  ],
  [
    "a VPC that exists and is to be made",
    { ...existing, vpc: { ...existing.vpc, cidr: "10.20.0.0/16" } },
    "vpc.cidr: is for a VPC that the program creates; leave it out, or leave out id.",
  ],
  [
    "a gateway in a VPC that exists",
    { ...existing, vpc: { ...existing.vpc, nat: "one" } },
    "vpc.nat: is for a VPC that the program creates; leave it out, or leave out id.",
  ],
  [
    "a VPC by its name",
    { ...existing, vpc: { id: "main" } },
    'vpc.id: "main" is not a VPC id; write it like vpc-0abcdef1234567890.',
  ],
  [
    "a VPC that is too large",
    vpc({ cidr: "10.0.0.0/8" }),
    'vpc.cidr: "10.0.0.0/8" is not between /16 and /28; AWS allows no other sizes.',
  ],
  [
    "a VPC with host bits",
    vpc({ cidr: "10.20.0.1/16" }),
    'vpc.cidr: "10.20.0.1/16" has host bits set; write 10.20.0.0/16.',
  ],
  [
    "a VPC of IPv6",
    vpc({ cidr: "2001:db8::/56" }),
    'vpc.cidr: "2001:db8::/56" is an IPv6 network; give the IPv4 one that the nodes\' addresses are in.',
  ],
  [
    "a VPC on the loopback",
    vpc({ cidr: "127.0.0.0/16" }),
    'vpc.cidr: "127.0.0.0/16" is the host itself (loopback); use a private network, like 10.20.0.0/16.',
  ],
  [
    "an unknown endpoint",
    vpc({ endpoints: ["s3", "smm"] }),
    'vpc.endpoints[1]: "smm" is not an endpoint that can be created here; did you mean ssm.',
  ],
  [
    "a gateway without a place",
    vpc({ publicSubnets: [] }),
    "vpc.publicSubnets: none is listed; nat: one needs one, for its gateway.",
  ],
  [
    "a zone without its gateway",
    vpc({ nat: "per-zone" }),
    "vpc.publicSubnets: none is in eu-central-1b or eu-central-1c; nat: per-zone needs one in each zone of aws.subnets.",
  ],
  [
    "a second public subnet for one gateway",
    vpc({ publicSubnets: [...publicSubnets, { zone: "eu-central-1b", cidr: "10.20.102.0/24" }] }),
    "vpc.publicSubnets[1].zone: with nat: one no gateway would be in this subnet; leave it out, or change nat.",
  ],
  [
    "a public subnet outside of the VPC",
    vpc({ publicSubnets: [{ zone: "eu-central-1a", cidr: "10.21.0.0/24" }] }),
    "vpc.publicSubnets[0].cidr: 10.21.0.0/24 is outside 10.20.0.0/16 (aws.vpc.cidr); use a part of it.",
  ],
  [
    "a public subnet on a private one",
    vpc({ publicSubnets: [{ zone: "eu-central-1a", cidr: "10.20.1.128/25" }] }),
    "vpc.publicSubnets[0].cidr: 10.20.1.128/25 overlaps 10.20.1.0/24 of aws.subnets[0]; use another part of the VPC.",
  ],
  [
    "a public subnet in another region",
    vpc({ publicSubnets: [{ zone: "eu-west-1a", cidr: "10.20.101.0/24" }] }),
    "vpc.publicSubnets[0].zone: eu-west-1a is not in the region of eu-central-1a; a VPC is in one region.",
  ],
  ["no subnet", { subnets: [] }, "subnets: none is listed; give one in each of three zones."],
  [
    "no zone",
    withSecond({ zone: undefined }),
    "subnets[1].zone: is missing; name the availability zone, like eu-central-1a.",
  ],
  [
    "a zone by its letter",
    withSecond({ zone: "b" }),
    'subnets[1].zone: "b" is not an availability zone; write it like eu-central-1a.',
  ],
  [
    "a region for a zone",
    withSecond({ zone: "eu-central-1" }),
    'subnets[1].zone: "eu-central-1" is not an availability zone; write it like eu-central-1a.',
  ],
  [
    "a zone twice",
    withSecond({ zone: "eu-central-1a" }),
    "subnets[1].zone: eu-central-1a is already used by aws.subnets[0]; give one subnet for each zone.",
  ],
  [
    "a zone of another region",
    withSecond({ zone: "eu-central-2b" }),
    "subnets[1].zone: eu-central-2b is not in the region of eu-central-1a; a VPC is in one region.",
  ],
  [
    "no addresses",
    withSecond({ cidr: "" }),
    "subnets[1].cidr: is missing; give the subnet's CIDR, like 10.20.1.0/24.",
  ],
  [
    "a subnet that is too small",
    withSecond({ cidr: "10.20.2.0/29" }),
    'subnets[1].cidr: "10.20.2.0/29" is not between /16 and /28; AWS allows no other sizes.',
  ],
  [
    "a subnet that exists, in a VPC that does not",
    withSecond({ id: "subnet-0abcdef1234567890" }),
    "subnets[1].id: is for an existing VPC (aws.vpc.id); leave it out, since the program creates this one.",
  ],
  [
    "a subnet without its id, in a VPC that exists",
    { ...existing, subnets: [...existing.subnets.slice(0, 2), third] },
    "subnets[2].id: is missing; give the id of the subnet in vpc-0abcdef1234567890.",
  ],
  [
    "a subnet by its name",
    { ...existing, subnets: [...existing.subnets.slice(0, 2), { ...third, id: "private-c" }] },
    'subnets[2].id: "private-c" is not a subnet id; write it like subnet-0abcdef1234567890.',
  ],
] as const) {
  test(`${what}: refused in one sentence`, () => {
    const aws = awsProblems(values).filter((sentence) => sentence.startsWith("aws."));
    assert.deepEqual(aws, [`aws.${sentence}`]);
  });
}

test("an unknown NAT is refused, and taken for none", () => {
  const { problems } = readAws(vpc({ nat: "two", publicSubnets: [] }), { mirror: "http://10.20.9.1/etcd" });
  assert.deepEqual(problems, ['aws.vpc.nat: "two" is not one of none, one, per-zone.']);
});

test("overlapping subnets are refused, also where the VPC exists", () => {
  const [one, two, three] = existing.subnets;
  const overlapping = [one, { ...two, cidr: "10.20.0.0/22" }, { ...three, cidr: "10.20.4.0/24" }];
  assert.deepEqual(awsProblems({ ...existing, subnets: overlapping }).slice(0, 1), [
    "aws.subnets[1].cidr: 10.20.0.0/22 overlaps 10.20.1.0/24 of aws.subnets[0]; use another part of the VPC.",
  ]);
});

test("a gateway in each zone, and both kinds of endpoints", () => {
  const perZone = subnets.map(({ zone }, n) => ({ zone, cidr: `10.20.10${n}.0/24` }));
  const given = vpc({ nat: "per-zone", publicSubnets: perZone, endpoints: ["ssm", "s3"] });
  const { problems, config } = readAws(given);
  assert.deepEqual(problems, []);
  assert.deepEqual(config?.aws?.vpc, {
    cidr: "10.20.0.0/16",
    nat: "per-zone",
    publicSubnets: perZone,
    endpoints: ["s3", "ssm"],
  });
});

for (const [what, changes, sentence] of [
  [
    "an address in no subnet",
    { address: "10.30.0.1" },
    "address: 10.30.0.1 is in none of aws.subnets (10.20.1.0/24, 10.20.2.0/24, 10.20.3.0/24); use an address of one of them.",
  ],
  [
    "the name server's address",
    { address: "10.20.2.2" },
    "address: 10.20.2.2 is reserved by AWS, as are the first four addresses and the last of 10.20.2.0/24; use another one.",
  ],
  [
    "the last address",
    { address: "10.20.2.255" },
    "address: 10.20.2.255 is reserved by AWS, as are the first four addresses and the last of 10.20.2.0/24; use another one.",
  ],
  [
    "a name as address",
    { address: "node2.example.com" },
    "address: node2.example.com is not an IPv4 address; on EC2 give one inside aws.subnets.",
  ],
  [
    "an IPv6 address",
    { address: "2001:db8::2" },
    "address: 2001:db8::2 is not an IPv4 address; on EC2 give one inside aws.subnets.",
  ],
  ["a host key", { hostKey: "ssh-ed25519 AAAA" }, "hostKey: is created by the program on EC2; leave it out."],
  [
    "a listen address",
    { listenAddress: "0.0.0.0" },
    "listenAddress: is the node's address on EC2; leave it out.",
  ],
  [
    "a lost node",
    { lost: true },
    'lost: is for machines that cannot be created again; on EC2 run "pulumi up --refresh" if the instance was terminated, raise incarnation if its volume is gone, or take the node out if it is to leave the cluster.',
  ],
] as const) {
  test(`${what}: refused in one sentence`, () => {
    const nodes = awsNodes.map((node, index) => (index === 1 ? { ...node, ...changes } : node));
    assert.deepEqual(awsProblems({}, { nodes }), [`nodes[1].${sentence}`]);
  });
}

test("the first and the last address that AWS leaves are accepted", () => {
  for (const address of ["10.20.2.4", "10.20.2.254"]) {
    const nodes = awsNodes.map((node, index) => (index === 1 ? { ...node, address } : node));
    assert.deepEqual(awsProblems({}, { nodes }), []);
  }
});

/** As many nodes in the zones a, b and c as counted. */
function spread(...counts: readonly number[]): { nodes: readonly object[]; subnets: readonly object[] } {
  const nodes = counts.flatMap((count, zone) =>
    Array.from({ length: count }, (_, n) => ({
      name: `${"abc"[zone]}${n}`,
      address: `10.20.${zone + 1}.1${n}`,
    })),
  );
  return { nodes, subnets: subnets.slice(0, counts.length) };
}

for (const [counts, sentences] of [
  [[1, 1, 1], []],
  [[2, 2, 1], []],
  [[3, 2, 2], []],
  [[1, 0, 0], []],
  [
    [2, 1, 0],
    [
      "nodes: 2 of 3 nodes are in eu-central-1a, but spread evenly no zone would have more than 1; give some an address in eu-central-1b, eu-central-1c.",
    ],
  ],
  [
    [0, 3],
    [
      "nodes: 3 of 3 nodes are in eu-central-1b, but spread evenly no zone would have more than 2; give some an address in eu-central-1a.",
    ],
  ],
] as const) {
  test(`nodes in zones ${counts.join(", ")}: ${sentences.length === 0 ? "right" : "refused"}`, () => {
    const { nodes, subnets } = spread(...counts);
    const { problems, warnings } = readAws({ subnets }, { nodes });
    assert.deepEqual([problems, warnings], [sentences, []]);
  });
}

for (const [counts, zone, held] of [
  [[3], "eu-central-1a", "3 of 3"],
  [[1, 2], "eu-central-1b", "2 of 3"],
  [[3, 2], "eu-central-1a", "3 of 5"],
] as const) {
  test(`nodes in zones ${counts.join(", ")}: what the loss of a zone means is said`, () => {
    const { nodes, subnets } = spread(...counts);
    assert.deepEqual(awsWarnings({ subnets }, { nodes }), [
      `aws.subnets: ${zone} holds ${held} members, so there is no quorum while that zone is down; spread them over three zones to tolerate that.`,
    ]);
  });
}
