/** Who reaches what: every rule of every security group. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { awsClusterOf, existing } from "./aws-stacks.ts";
import { type Run, runProgram } from "./harness.ts";
import { resource } from "./queries.ts";
import type { Config } from "./stacks.ts";

async function withAws(aws: Config, others: Config = {}): Promise<Run> {
  const run = await runProgram({ config: awsClusterOf(3, aws, others) });
  assert.equal(run.failure, undefined);
  return run;
}

/** Every rule of a direction as `group PORT end`; each has one port, TCP and one other end. */
function rules(run: Run, direction: "Ingress" | "Egress"): readonly string[] {
  const found = run.resources.filter(({ type }) => type.endsWith(`:SecurityGroup${direction}Rule`));
  assert.ok(found.length > 0);
  return found
    .map(({ name, inputs }) => {
      const { securityGroupId, ipProtocol, fromPort, toPort, ...ends } = inputs;
      assert.equal(ipProtocol, "tcp", name);
      assert.equal(fromPort, toPort, name);
      assert.equal(Object.keys(ends).length, 1, name);
      const [[kind, end] = []] = Object.entries(ends);
      const isRight = {
        cidrIpv4: /^[\d.]+\/\d+$/,
        cidrIpv6: /^[0-9a-f:]+\/\d+$/,
        referencedSecurityGroupId: /^sg-|-id$/,
      };
      assert.match(String(end), Object.entries(isRight).find(([one]) => one === kind)?.[1] ?? /^$/, name);
      return `${String(securityGroupId).replace("-id", "")} ${fromPort} ${end}`;
    })
    .sort();
}

const between = ["members 2379 members-id", "members 2380 members-id"];
const typical = await withAws({});

test("a typical cluster: peers and clients among the members, declared clients, declared ssh; nothing else", () => {
  assert.deepEqual(
    rules(typical, "Ingress"),
    ["members 2379 10.20.0.0/16", ...between, "members 22 10.9.0.0/24"].sort(),
  );
});

test("the members reach each other, and where etcd's archives are; nothing else", () => {
  assert.deepEqual(rules(typical, "Egress"), [...between, "members 443 0.0.0.0/0"].sort());
});

test("no group has a rule within itself, which would be beside the single ones, and each is in the VPC", () => {
  const { inputs } = resource(typical, "SecurityGroup", "members");
  assert.deepEqual(inputs, {
    vpcId: "network-id",
    description: "etcd members",
    revokeRulesOnDelete: true,
    tags: { Name: "members", "etcd:cluster": "etcd-cluster-1", "etcd:stack": "organization/etcd/dev" },
  });
  const groups = typical.resources.filter(({ type }) => type.endsWith(":SecurityGroup"));
  assert.equal(groups.length, 1);
});

const ingress: Readonly<Record<string, { aws: Config; others?: Config; rules: readonly string[] }>> = {
  "nobody but the members": { aws: { access: {} }, rules: [] },
  "a security group, an IPv6 network": {
    aws: { access: { clients: ["sg-0abcdef1234567890", "2001:db8:1::/48"] } },
    rules: ["members 2379 2001:db8:1::/48", "members 2379 sg-0abcdef1234567890"],
  },
  "several of each": {
    aws: {
      access: { clients: ["10.1.0.0/16", "10.2.0.0/16"], ssh: ["10.9.0.0/24", "sg-0abcdef1234567890"] },
    },
    rules: [
      "members 22 10.9.0.0/24",
      "members 22 sg-0abcdef1234567890",
      "members 2379 10.1.0.0/16",
      "members 2379 10.2.0.0/16",
    ],
  },
  "metrics, at the port where they are served": {
    aws: { access: { metrics: ["10.5.0.0/24"] } },
    others: { metricsUrl: "http://0.0.0.0:9100" },
    rules: ["members 9100 10.5.0.0/24"],
  },
  "ssh for Session Manager: no port at all": { aws: { access: {}, sessionManager: true }, rules: [] },
  "public addresses: they open nothing": {
    aws: { ...existing(3), access: { clients: ["10.1.0.0/16"] }, publicAddresses: true },
    rules: ["members 2379 10.1.0.0/16"],
  },
};

for (const [title, { aws, others, rules: expected }] of Object.entries(ingress)) {
  test(`who enters: ${title}`, async () => {
    const run = await withAws(aws, others);
    assert.deepEqual(rules(run, "Ingress"), [...between, ...expected].sort());
  });
}

const proxy = "http://proxy.example.internal:3128";
const egress: Readonly<Record<string, { aws?: Config; others?: Config; ports: readonly number[] }>> = {
  "a mirror of its own": { others: { mirror: "http://10.20.0.5:8080/etcd" }, ports: [8080] },
  "a mirror at the usual port of http": { others: { mirror: "http://mirror.example.internal" }, ports: [80] },
  "a proxy, in place of what is behind it": { others: { proxy }, ports: [3128] },
  "a proxy, and Session Manager, which does not use it": {
    aws: { sessionManager: true },
    others: { proxy },
    ports: [443, 3128],
  },
  "both at one port": { aws: { sessionManager: true }, ports: [443] },
};

for (const [title, { aws, others, ports }] of Object.entries(egress)) {
  test(`where to: ${title}`, async () => {
    const run = await withAws(aws ?? {}, others);
    const out = ports.map((port) => `members ${port} 0.0.0.0/0`);
    assert.deepEqual(rules(run, "Egress"), [...between, ...out].sort());
  });
}

const balanced = { clientName: "etcd.example.internal", hostedZoneId: "Z0123456789ABC", loadBalancer: true };

test("with a load balancer: clients enter there too, and it reaches the client port in the members' subnets", async () => {
  const run = await withAws(balanced);
  assert.deepEqual(
    rules(run, "Ingress"),
    [
      ...between,
      "clients 2379 10.20.0.0/16",
      "members 22 10.9.0.0/24",
      "members 2379 10.20.0.0/16",
      "members 2379 clients-id",
    ].sort(),
  );
  assert.deepEqual(
    rules(run, "Egress"),
    [...between, ...[1, 2, 3].map((n) => `clients 2379 10.20.${n}.0/24`), "members 443 0.0.0.0/0"].sort(),
  );
});

test("the group of the VPC's endpoints is entered from the VPC alone, and reaches nothing", async () => {
  const vpc = { ...Object(awsClusterOf(3).aws).vpc, nat: "one", endpoints: ["ssm"] };
  const run = await withAws({ vpc, access: {} });
  assert.deepEqual(rules(run, "Ingress"), [...between, "endpoints 443 10.20.0.0/16"].sort());
  assert.deepEqual(rules(run, "Egress"), [...between, "members 443 0.0.0.0/0"].sort());
});

test("in no configuration of these does everybody enter", async () => {
  for (const { aws, others } of Object.values(ingress)) {
    const run = await withAws({ ...balanced, ...aws }, others);
    for (const rule of rules(run, "Ingress")) assert.doesNotMatch(rule, /\/0$/);
  }
});
