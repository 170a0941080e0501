/** The network around the instances: one that exists, or one that is made, with the way out that was asked for. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { awsClusterOf, awsNodes, existing, publicSubnets, subnets, zones } from "./aws-stacks.ts";
import { type Registration, type Run, runProgram } from "./harness.ts";
import { resource } from "./queries.ts";
import type { Config } from "./stacks.ts";

/** With nat `none` the archives come from a mirror that the VPC reaches. */
const mirror = "http://10.20.0.5/etcd";

async function withVpc(zoneCount: number, vpc: Config, aws: Config = {}, others: Config = {}): Promise<Run> {
  const config = awsClusterOf(
    3,
    { vpc: { cidr: "10.20.0.0/16", ...vpc }, subnets: subnets(zoneCount), ...aws },
    { nodes: awsNodes(3, zoneCount), mirror, ...others },
  );
  const run = await runProgram({ config });
  assert.equal(run.failure, undefined);
  return run;
}

const ofType = (run: Run, type: string) => run.resources.filter((one) => one.type.endsWith(`:${type}`));
const count = (run: Run, ...types: readonly string[]) => types.map((type) => ofType(run, type).length);

/** Where each subnet's route to everywhere leads, by the subnet's CIDR; a subnet has one table of its own. */
function waysOut(run: Run): Readonly<Record<string, string>> {
  const ways = ofType(run, "Subnet").map((subnet) => {
    const [association, ...others] = ofType(run, "RouteTableAssociation").filter(
      ({ inputs }) => inputs.subnetId === `${subnet.name}-id`,
    );
    assert.ok(association !== undefined && others.length === 0, subnet.name);
    const routes = ofType(run, "Route").filter(
      ({ inputs }) => inputs.routeTableId === association.inputs.routeTableId,
    );
    return [subnet.inputs.cidrBlock, routes.map(targetOf).join()];
  });
  return Object.fromEntries(ways);
}

function targetOf({ name, inputs }: Registration): string {
  const { routeTableId: _, destinationCidrBlock, ...target } = inputs;
  assert.equal(destinationCidrBlock, "0.0.0.0/0", name);
  const [[kind, id] = [], ...others] = Object.entries(target);
  assert.deepEqual(others, [], name);
  return `${kind} ${id}`;
}

const nat = (zone: string) => `natGatewayId network-nat-eu-central-1${zone}-id`;
const internet = "gatewayId network-internet-id";

test("in a VPC that exists nothing of a network is made, and the instances are in its subnets", async () => {
  const run = await runProgram({ config: awsClusterOf(3, existing(3)) });
  assert.equal(run.failure, undefined);
  const made = ["Vpc", "Subnet", "RouteTable", "Route", "RouteTableAssociation", "InternetGateway"];
  assert.deepEqual(count(run, ...made, "NatGateway", "Eip", "VpcEndpoint"), Array(9).fill(0));
  assert.equal(resource(run, "SecurityGroup", "members").inputs.vpcId, "vpc-0abcdef1234567890");
  for (const n of [1, 2, 3]) {
    const { subnetId, privateIps } = resource(run, "NetworkInterface", `node${n}-interface`).inputs;
    assert.deepEqual([subnetId, privateIps], [`subnet-0abcdef123456789${n}`, [`10.20.${n}.11`]]);
  }
});

test("public addresses in a VPC that exists are the nodes' own affair: no route is made", async () => {
  const config = awsClusterOf(3, { ...existing(3), publicAddresses: true });
  const run = await runProgram({ config });
  assert.deepEqual(count(run, "Eip", "Route", "InternetGateway"), [3, 0, 0]);
});

test("a VPC of the cluster's own has names for its machines, and subnets that give no public address", async () => {
  const run = await withVpc(3, { nat: "one", publicSubnets: publicSubnets(1) });
  const { tags: _, ...vpc } = resource(run, "Vpc", "network").inputs;
  assert.deepEqual(vpc, { cidrBlock: "10.20.0.0/16", enableDnsSupport: true, enableDnsHostnames: true });
  for (const { name, inputs } of ofType(run, "Subnet")) {
    assert.deepEqual([inputs.vpcId, inputs.mapPublicIpOnLaunch], ["network-id", false], name);
  }
  const places = ofType(run, "Subnet").map(({ inputs }) => [inputs.availabilityZone, inputs.cidrBlock]);
  assert.deepEqual(
    places.sort(),
    [...subnets(3).map(({ zone, cidr }) => [zone, cidr]), ["eu-central-1a", "10.20.101.0/24"]].sort(),
  );
});

for (const zoneCount of [1, 2, 3]) {
  test(`in a region with ${zoneCount} zones, each node's interface and volume are in the zone of its address`, async () => {
    const run = await withVpc(zoneCount, { nat: "one", publicSubnets: publicSubnets(1) });
    assert.equal(ofType(run, "Instance").length, 3);
    for (const [index, { name }] of awsNodes(3, zoneCount).entries()) {
      const zone = zones[index % zoneCount];
      assert.equal(resource(run, "Volume", `${name}-data`).inputs.availabilityZone, zone);
      const { subnetId } = resource(run, "NetworkInterface", `${name}-interface`).inputs;
      assert.equal(subnetId, `network-members-${zone}-10.20.${(index % zoneCount) + 1}.0-24-id`);
    }
  });
}

test("nat none: no gateway of any kind, and no route out", async () => {
  const run = await withVpc(3, { nat: "none" });
  assert.deepEqual(count(run, "InternetGateway", "NatGateway", "Eip", "Route"), [0, 0, 0, 0]);
  assert.deepEqual(waysOut(run), { "10.20.1.0/24": "", "10.20.2.0/24": "", "10.20.3.0/24": "" });
});

test("nat one: one gateway in a public subnet, to which the members' subnets of all zones lead", async () => {
  const run = await withVpc(3, { nat: "one", publicSubnets: publicSubnets(1) });
  assert.deepEqual(count(run, "InternetGateway", "NatGateway", "Eip"), [1, 1, 1]);
  assert.deepEqual(waysOut(run), {
    "10.20.1.0/24": nat("a"),
    "10.20.2.0/24": nat("a"),
    "10.20.3.0/24": nat("a"),
    "10.20.101.0/24": internet,
  });
});

test("nat per-zone: a gateway in each zone, and each subnet leads to that of its own", async () => {
  const run = await withVpc(3, { nat: "per-zone", publicSubnets: publicSubnets(3) });
  assert.deepEqual(count(run, "InternetGateway", "NatGateway", "Eip"), [1, 3, 3]);
  assert.deepEqual(waysOut(run), {
    "10.20.1.0/24": nat("a"),
    "10.20.2.0/24": nat("b"),
    "10.20.3.0/24": nat("c"),
    "10.20.101.0/24": internet,
    "10.20.102.0/24": internet,
    "10.20.103.0/24": internet,
  });
  for (const [index, letter] of ["a", "b", "c"].entries()) {
    const { allocationId, subnetId } = resource(
      run,
      "NatGateway",
      `network-nat-eu-central-1${letter}`,
    ).inputs;
    assert.equal(allocationId, `network-nat-eu-central-1${letter}-id`);
    assert.equal(subnetId, `network-public-eu-central-1${letter}-10.20.${101 + index}.0-24-id`);
  }
});

test("a NAT gateway is made once its own way out is open, and the instances come after the network", async () => {
  const run = await withVpc(3, { nat: "one", publicSubnets: publicSubnets(1) });
  const gateway = resource(run, "NatGateway", "network-nat-eu-central-1a");
  const route = resource(run, "Route", "network-public-out-eu-central-1a-10.20.101.0-24");
  assert.ok(gateway.dependencies.includes(route.urn));
  const out = ofType(run, "Route").map(({ name }) => run.events.indexOf(`end ${name}`));
  assert.ok(Math.max(...out) < run.events.indexOf("start node1-instance"));
  // On the way back, the engine deletes a component after what depends on it: the network goes last.
  const host = run.resources.find(({ type, name }) => type === "etcd:host:Ec2Host" && name === "node1");
  const network = ["Route", "NatGateway", "Subnet", "RouteTableAssociation", "InternetGateway", "Vpc"];
  const urns = network.flatMap((type) => ofType(run, type).map(({ urn }) => urn));
  assert.deepEqual(
    urns.filter((urn) => !host?.dependencies.includes(urn)),
    [],
  );
});

test("public addresses in a VPC of its own: the members' subnets lead to the internet gateway, without NAT", async () => {
  const run = await withVpc(3, { nat: "none" }, { publicAddresses: true });
  assert.deepEqual(count(run, "InternetGateway", "NatGateway", "Eip"), [1, 0, 3]);
  assert.deepEqual(waysOut(run), {
    "10.20.1.0/24": internet,
    "10.20.2.0/24": internet,
    "10.20.3.0/24": internet,
  });
});

test("the order in which subnets are listed names nothing otherwise", async () => {
  const vpc = { nat: "per-zone", publicSubnets: publicSubnets(3) };
  const listed = await withVpc(3, vpc);
  const reversed = await withVpc(
    3,
    { ...vpc, publicSubnets: publicSubnets(3).toReversed() },
    { subnets: subnets(3).toReversed() },
  );
  const urns = (run: Run) => run.resources.map(({ urn }) => urn).sort();
  assert.deepEqual(urns(reversed), urns(listed));
  assert.deepEqual(waysOut(reversed), waysOut(listed));
});

const services = (run: Run) =>
  Object.fromEntries(
    ofType(run, "VpcEndpoint").map(({ inputs }) => [String(inputs.serviceName), inputs.vpcEndpointType]),
  );

test("endpoints are made when they are listed: none, s3, those of Session Manager", async () => {
  assert.deepEqual(services(await withVpc(3, { nat: "none" })), {});
  const s3 = { "com.amazonaws.eu-central-1.s3": "Gateway" };
  assert.deepEqual(services(await withVpc(3, { nat: "none", endpoints: ["s3"] })), s3);
  const run = await withVpc(3, { nat: "none", endpoints: ["s3", "ssm"] }, { sessionManager: true });
  assert.deepEqual(services(run), {
    ...s3,
    "com.amazonaws.eu-central-1.ssm": "Interface",
    "com.amazonaws.eu-central-1.ssmmessages": "Interface",
    "com.amazonaws.eu-central-1.ec2messages": "Interface",
  });
});

test("a gateway endpoint is in every table of the members, interface endpoints in every subnet of theirs", async () => {
  const run = await withVpc(2, { nat: "none", endpoints: ["s3", "ssm"] });
  const ids = ["a-10.20.1.0-24", "b-10.20.2.0-24"].map((place) => `network-members-eu-central-1${place}-id`);
  assert.deepEqual(resource(run, "VpcEndpoint", "endpoint-s3").inputs.routeTableIds, ids);
  for (const service of ["ssm", "ssmmessages", "ec2messages"]) {
    const { inputs } = resource(run, "VpcEndpoint", `endpoint-${service}`);
    assert.deepEqual(inputs.subnetIds, ids);
    assert.deepEqual(inputs.securityGroupIds, ["endpoints-id"]);
    assert.equal(inputs.privateDnsEnabled, true);
  }
});
