import assert from "node:assert/strict";
import { test } from "node:test";
import { awsProblems, awsWarnings, existing, readAws, rightAws, rightTop } from "./aws-configuration.ts";

for (const [what, values, sentence] of [
  [
    "records without a name",
    { hostedZoneId: "Z0123456789ABCDEFGHIJ" },
    "aws.hostedZoneId: clientName must be set too; a hosted zone is for the records of that name.",
  ],
  [
    "a load balancer without a name",
    { loadBalancer: true },
    "aws.loadBalancer: clientName and hostedZoneId must be set too; a load balancer needs a name that is in the certificates, and the zone that holds its records.",
  ],
  [
    "a load balancer without a zone",
    { loadBalancer: true, clientName: "etcd.example.internal" },
    "aws.loadBalancer: hostedZoneId must be set too; a load balancer needs a name that is in the certificates, and the zone that holds its records.",
  ],
  [
    "a client name that is an address",
    { clientName: "10.20.1.5" },
    'aws.clientName: "10.20.1.5" is an address, not a name; write it like etcd.example.internal.',
  ],
  [
    "a client name without a domain",
    { clientName: "etcd" },
    'aws.clientName: "etcd" has no domain; write it like etcd.example.internal.',
  ],
  [
    "a client name that is a URL",
    { clientName: "https://etcd.example.internal" },
    'aws.clientName: "https://etcd.example.internal" is a URL; give only its host.',
  ],
  [
    "a zone by its path",
    { clientName: "etcd.example.internal", hostedZoneId: "/hostedzone/Z0123456789ABCDEFGHIJ" },
    'aws.hostedZoneId: "/hostedzone/Z0123456789ABCDEFGHIJ" is not a hosted zone id; write it like Z0123456789ABCDEFGHIJ.',
  ],
] as const) {
  test(`${what} is refused in one sentence`, () => assert.deepEqual(awsProblems(values), [sentence]));
}

test("a client name needs no record of the program's, and is kept in lower case", () => {
  assert.equal(
    readAws({ clientName: "Etcd.Example.internal" }).config?.aws?.clientName,
    "etcd.example.internal",
  );
});

test("public addresses are warned of", () => {
  assert.deepEqual(awsWarnings({ publicAddresses: true, ...existing }), [
    "aws.publicAddresses: every node gets a public address; only aws.access decides who reaches its ports from the internet.",
  ]);
  assert.deepEqual(awsWarnings({ publicAddresses: true, vpc: { cidr: "10.20.0.0/16" } }).length, 1);
});

test("with public addresses, ssh goes to them", () => {
  const nodes = rightTop.nodes.map((node, n) => ({ ...node, sshAddress: `192.0.2.${n + 1}` }));
  assert.deepEqual(awsProblems({ publicAddresses: true, ...existing }, { nodes }).slice(0, 1), [
    "nodes[0].sshAddress: is not used with aws.publicAddresses, where ssh goes to the public address; leave one of them out.",
  ]);
});

const { ssh, clients } = rightAws.access;

for (const [what, access, sentence] of [
  [
    "everybody as clients",
    { clients: ["0.0.0.0/0"], ssh },
    'clients[0]: "0.0.0.0/0" is the whole world; list the networks or security groups that need access.',
  ],
  [
    "everybody by ssh",
    { clients, ssh: ["10.9.0.0/24", "::/0"] },
    'ssh[1]: "::/0" is the whole world; list the networks or security groups that need access.',
  ],
  [
    "an address without its length",
    { clients: ["10.20.9.1"], ssh },
    'clients[0]: "10.20.9.1" is not a CIDR; for one address write 10.20.9.1/32.',
  ],
  [
    "host bits",
    { clients, ssh: ["10.9.0.7/24"] },
    'ssh[0]: "10.9.0.7/24" has host bits set; write 10.9.0.0/24.',
  ],
  [
    "a group by its name",
    { clients: ["sg-clients"], ssh },
    'clients[0]: "sg-clients" is not a security group id; write it like sg-0abcdef1234567890.',
  ],
  [
    "a network twice, in two spellings",
    { clients: ["2001:db8::/32", "2001:DB8:0::/32"], ssh },
    "clients[1]: 2001:db8::/32 is listed twice; keep one of them.",
  ],
  [
    "a text in place of a list",
    { clients: "10.20.0.0/16", ssh },
    'clients: must be a list, not "10.20.0.0/16".',
  ],
  [
    "metrics that are served on the host alone",
    { clients, ssh, metrics: ["10.20.0.0/16"] },
    "metrics: there is nothing to reach, since metricsUrl serves only the host itself; set metricsUrl to http://0.0.0.0:2381, or leave this out.",
  ],
] as const) {
  test(`${what}: refused in one sentence`, () =>
    assert.deepEqual(awsProblems({ access }), [`aws.access.${sentence}`]));
}

test("a group or a network may reach several ports, old groups too", () => {
  const access = {
    clients: ["sg-0abc1234", "10.20.0.0/16"],
    ssh: ["10.20.0.0/16"],
    metrics: ["10.20.0.0/16"],
  };
  const { problems, warnings, config } = readAws({ access }, { metricsUrl: "http://0.0.0.0:2381" });
  assert.deepEqual([problems, warnings], [[], []]);
  assert.deepEqual(config?.aws?.access, access);
});

test("a port that nobody reaches is warned of", () => {
  assert.deepEqual(awsWarnings({ access: { ssh } }), [
    "aws.access.clients: is empty, so only the members themselves can reach port 2379.",
  ]);
  const closed =
    "aws.access.ssh: is empty, but ssh dials node1, node2, node3 at port 22; list the networks that it comes from (with a bastion, the bastion's), or give each node the sshAddress and sshPort of a port forwarded by Session Manager.";
  assert.deepEqual(awsWarnings({ access: { clients } }), [closed]);
  assert.deepEqual(awsWarnings({ access: { clients }, sessionManager: true }), [closed]);
});

test("ports forwarded by Session Manager need no rule", () => {
  const nodes = rightTop.nodes.map((node, n) => ({ ...node, sshAddress: "127.0.0.1", sshPort: 2201 + n }));
  assert.deepEqual(awsWarnings({ access: { clients }, sessionManager: true }, { nodes }), []);
});

test("a VPC without NAT needs another way to what the hosts get", () => {
  const vpc = { cidr: "10.20.0.0/16" };
  assert.deepEqual(awsProblems({ vpc }), [
    "aws.vpc.nat: without NAT the hosts cannot reach https://github.com/etcd-io/etcd/releases/download; set it to one or per-zone, or set mirror or proxy to a server that the VPC can reach.",
  ]);
  assert.deepEqual(awsProblems({ vpc }, { mirror: "http://10.20.9.1/etcd" }), []);
  assert.deepEqual(awsProblems({ vpc }, { proxy: "http://10.20.9.1:3128" }), []);
  const mirror = { mirror: "http://10.20.9.1/etcd" };
  assert.deepEqual(awsProblems({ vpc, sessionManager: true }, mirror), [
    "aws.sessionManager: without NAT the hosts cannot reach Systems Manager; add ssm to vpc.endpoints.",
  ]);
  assert.deepEqual(awsProblems({ vpc: { ...vpc, endpoints: ["ssm"] }, sessionManager: true }, mirror), []);
  assert.deepEqual(awsProblems({ publicAddresses: true }), [
    "aws.publicAddresses: with vpc.nat: one the subnets are routed to the NAT gateway, where public addresses do not work; set nat to none.",
  ]);
});
