/** How clients and administrators reach the members: a name, a load balancer, Session Manager. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { awsClusterOf, existing, publicSubnets, subnets } from "./aws-stacks.ts";
import { type Run, runProgram } from "./harness.ts";
import { publicKeyOf } from "./providers.ts";
import { output, resource, step, text } from "./queries.ts";
import type { Config } from "./stacks.ts";

async function withAws(aws: Config): Promise<Run> {
  const run = await runProgram({ config: awsClusterOf(3, aws) });
  assert.equal(run.failure, undefined);
  return run;
}

const clientName = "etcd.example.internal";
const hostedZoneId = "Z0123456789ABC";
const ofModule = (run: Run, module: string) => run.resources.filter(({ type }) => type.startsWith(module));
const namesOf = (run: Run, node: string, role: string) =>
  resource(run, "CertRequest", `${node}-${role}-csr`).inputs.dnsNames;

// Before the first test: those would run meanwhile, and there is one engine.
const balanced = await withAws({ clientName, hostedZoneId, loadBalancer: true });

test("without a name there are neither records nor a load balancer", async () => {
  const run = await withAws({});
  for (const module of ["aws:route53", "aws:lb/", "aws:iam/"]) assert.deepEqual(ofModule(run, module), []);
  assert.deepEqual(namesOf(run, "node1", "server"), ["localhost", "node1"]);
});

test("the name is in every server certificate, in none of an operator, and without a zone in no record", async () => {
  const run = await withAws({ clientName });
  for (const node of ["node1", "node2", "node3"]) {
    assert.deepEqual(namesOf(run, node, "server"), [clientName, "localhost", node].sort());
    assert.deepEqual(namesOf(run, node, "operator"), []);
  }
  assert.deepEqual(ofModule(run, "aws:route53"), []);
});

test("in a zone, the name stands for the members' addresses", async () => {
  const run = await withAws({ clientName, hostedZoneId });
  assert.deepEqual(resource(run, "Record", "client-name").inputs, {
    zoneId: hostedZoneId,
    name: clientName,
    type: "A",
    ttl: 60,
    records: ["10.20.1.11", "10.20.2.11", "10.20.3.11"],
  });
  assert.deepEqual(ofModule(run, "aws:lb/"), []);
});

test("the load balancer is internal, in the members' subnets, and passes TCP on: TLS ends at the members", () => {
  const { tags, ...inputs } = resource(balanced, "LoadBalancer", "clients").inputs;
  assert.deepEqual(inputs, {
    internal: true,
    loadBalancerType: "network",
    subnets: ["a-10.20.1.0-24", "b-10.20.2.0-24", "c-10.20.3.0-24"].map(
      (place) => `network-members-eu-central-1${place}-id`,
    ),
    securityGroups: ["clients-id"],
    enableCrossZoneLoadBalancing: true,
  });
  assert.deepEqual(tags, {
    Name: "clients",
    "etcd:cluster": "etcd-cluster-1",
    "etcd:stack": "organization/etcd/dev",
  });
  const listener = resource(balanced, "Listener", "clients").inputs;
  assert.deepEqual(
    [listener.protocol, listener.port, listener.loadBalancerArn, listener.certificateArn],
    ["TCP", 2379, "arn:clients", undefined],
  );
  assert.deepEqual(listener.defaultActions, [{ type: "forward", targetGroupArn: "arn:clients" }]);
  // the target group is behind one load balancer, also while a subnet less makes another one
  assert.equal(resource(balanced, "Listener", "clients").request.getDeletebeforereplace(), true);
});

test("its targets are the members' addresses, which outlive their instances", () => {
  const { vpcId, protocol, port, targetType, healthCheck } = resource(
    balanced,
    "TargetGroup",
    "clients",
  ).inputs;
  assert.deepEqual([vpcId, protocol, port, targetType], ["network-id", "TCP", 2379, "ip"]);
  assert.deepEqual(healthCheck, { protocol: "TCP", port: "2379" });
  for (const n of [1, 2, 3]) {
    const target = resource(balanced, "TargetGroupAttachment", `clients-node${n}`).inputs;
    assert.deepEqual(target, { targetGroupArn: "arn:clients", targetId: `10.20.${n}.11`, port: 2379 });
  }
});

test("the name then stands for the load balancer, and is in every server certificate", () => {
  assert.deepEqual(resource(balanced, "Record", "client-name").inputs, {
    zoneId: hostedZoneId,
    name: clientName,
    type: "A",
    aliases: [{ name: "clients.elb.amazonaws.com", zoneId: "ZELB", evaluateTargetHealth: true }],
  });
  for (const node of ["node1", "node2", "node3"]) {
    assert.deepEqual(namesOf(balanced, node, "server"), [clientName, "localhost", node].sort());
  }
});

test("the members advertise themselves all the same: a client of the cluster learns their own addresses", () => {
  const endpoints = [1, 2, 3].map((n) => `https://10.20.${n}.11:2379`);
  assert.deepEqual(output(balanced, "endpoints"), endpoints);
  const unit = text(step(balanced, "node1-member"), "stdin");
  assert.match(unit, /^ {2}--advertise-client-urls=https:\/\/10\.20\.1\.11:2379 \\$/m);
  assert.doesNotMatch(unit, /etcd\.example\.internal/);
});

test("a load balancer in a VPC that exists is there, too", async () => {
  const run = await withAws({ ...existing(3), clientName, hostedZoneId, loadBalancer: true });
  const ids = [1, 2, 3].map((n) => `subnet-0abcdef123456789${n}`);
  assert.deepEqual(resource(run, "LoadBalancer", "clients").inputs.subnets, ids);
  assert.equal(resource(run, "TargetGroup", "clients").inputs.vpcId, "vpc-0abcdef1234567890");
});

test("Session Manager's role is for EC2 alone and may call what its agent calls, before an instance gets the profile", async () => {
  const run = await withAws({ sessionManager: true });
  const role = resource(run, "Role", "session-manager").inputs;
  assert.deepEqual(JSON.parse(String(role.assumeRolePolicy)), trust("ec2.amazonaws.com"));
  assert.deepEqual([role.managedPolicyArns, role.inlinePolicies], [undefined, undefined]);
  const policy = resource(run, "RolePolicy", "session-manager");
  assert.equal(policy.inputs.role, "session-manager-name");
  const { Statement: statements } = JSON.parse(String(policy.inputs.policy));
  const allowed = [
    "ssm:UpdateInstanceInformation",
    ...["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"].map(
      (action) => `ssmmessages:${action}`,
    ),
  ];
  assert.deepEqual(statements, [{ Effect: "Allow", Action: allowed, Resource: "*" }]);
  const profile = resource(run, "InstanceProfile", "session-manager");
  assert.equal(profile.inputs.role, "session-manager-name");
  assert.ok(profile.dependencies.includes(policy.urn));
  assert.equal(ofModule(run, "aws:iam/").length, 3);
});

function trust(service: string) {
  const statement = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" };
  return { Version: "2012-10-17", Statement: [statement] };
}

test("in other partitions no name is one of AWS's first: the role trusts the EC2 of its own", async () => {
  const services = { "cn-north-1": "ec2.amazonaws.com.cn", "us-gov-west-1": "ec2.amazonaws.com" };
  for (const [region, service] of Object.entries(services)) {
    const inRegion = (all: readonly Config[]) =>
      all.map((one) => ({ ...one, zone: String(one.zone).replace("eu-central-1", region) }));
    const offered = { getInstanceTypeOfferings: { locations: ["a", "b", "c"].map((zone) => region + zone) } };
    const vpc = {
      cidr: "10.20.0.0/16",
      nat: "one",
      publicSubnets: inRegion(publicSubnets(1)),
      endpoints: ["s3", "ssm"],
    };
    const aws = { vpc, subnets: inRegion(subnets(3)), sessionManager: true };
    const run = await runProgram({ config: awsClusterOf(3, aws), calls: offered });
    assert.equal(run.failure, undefined);
    const { assumeRolePolicy } = resource(run, "Role", "session-manager").inputs;
    assert.deepEqual(JSON.parse(String(assumeRolePolicy)), trust(service));
    for (const { inputs, urn } of run.resources) {
      assert.doesNotMatch(JSON.stringify(inputs), /arn:aws:/, urn);
      if (inputs.serviceName !== undefined)
        assert.match(
          String(inputs.serviceName),
          new RegExp(`^com\\.amazonaws\\.${region}\\.(s3|ssm|ssmmessages|ec2messages)$`),
        );
    }
  }
});

test("an ssh client finds each machine's address and host key in an output, which is no secret", async () => {
  const hosts = (address: (n: number) => string) =>
    Object.fromEntries(
      [1, 2, 3].map((n) => [`node${n}`, { address: address(n), hostKey: publicKeyOf(`node${n}-host-key`) }]),
    );
  assert.deepEqual(balanced.outputs.sshHosts, { value: hosts((n) => `10.20.${n}.11`), secret: false });
  const open = await withAws({ ...existing(3), publicAddresses: true });
  assert.deepEqual(
    output(open, "sshHosts"),
    hosts((n) => `the public address of node${n}-address`),
  );
});
