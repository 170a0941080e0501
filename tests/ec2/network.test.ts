// The network of the simulated EC2: what refers to what, and what stands in the way of a deletion.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Bench, makeInstance, makeNetwork } from "./bench.ts";

let bench: Bench;
let network: Awaited<ReturnType<typeof makeNetwork>>;

beforeEach(async () => {
  bench = new Bench();
  network = await makeNetwork(bench);
});
afterEach(() => bench.remove());

const subnetOf = (cidrBlock: string, availabilityZone = "eu-central-1a") => ({
  vpcId: network.vpc.id,
  cidrBlock,
  availabilityZone,
});

test("a subnet is inside its VPC, overlaps no other, and is in the region", async () => {
  await assert.rejects(bench.make("vpc", { cidrBlock: "10.0.0.0/8" }), /InvalidVpc.Range/);
  await assert.rejects(bench.make("subnet", subnetOf("10.21.0.0/24")), /InvalidSubnet.Range/);
  await assert.rejects(bench.make("subnet", subnetOf("10.20.2.0/29")), /InvalidSubnet.Range/);
  await assert.rejects(bench.make("subnet", subnetOf("10.20.1.128/25")), /InvalidSubnet.Conflict/);
  await assert.rejects(
    bench.make("subnet", subnetOf("10.20.2.0/24", "us-east-1a")),
    /zones of eu-central-1 are/,
  );
  await assert.rejects(
    bench.make("subnet", { ...subnetOf("10.20.2.0/24"), vpcId: "vpc-0123456789abcdef0" }),
    /InvalidVpcID.NotFound: The vpc ID 'vpc-0123456789abcdef0' does not exist/,
  );
});

test("an interface's address is in the subnet, nobody else's, and not AWS's", async () => {
  const card = (...privateIps: string[]) =>
    bench.make("networkInterface", { subnetId: network.subnet.id, privateIps });
  await assert.rejects(card("10.20.2.11"), /does not fall within the subnet's address range/);
  for (const address of ["10.20.1.0", "10.20.1.3", "10.20.1.255"])
    await assert.rejects(card(address), /reserved address range/);
  const { outputs } = await card("10.20.1.11");
  assert.equal(outputs.privateIp, "10.20.1.11");
  assert.deepEqual(outputs.securityGroups, [network.vpc.outputs.defaultSecurityGroupId]);
  await assert.rejects(card("10.20.1.11"), /InvalidIPAddress.InUse: Address 10.20.1.11 is in use/);
  assert.equal(
    (await bench.make("networkInterface", { subnetId: network.subnet.id })).outputs.privateIp,
    "10.20.1.4",
  );
});

test("of two that want the same address at once, one gets it", async () => {
  const inputs = { subnetId: network.subnet.id, privateIps: ["10.20.1.11"] };
  const results = await Promise.allSettled([1, 2, 3, 4].map(() => bench.make("networkInterface", inputs)));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

test("an interface keeps its first address: another one is another interface", async () => {
  const made = await bench.make("networkInterface", {
    subnetId: network.subnet.id,
    privateIps: ["10.20.1.11"],
  });
  const to = (...privateIps: string[]) => bench.diff("networkInterface", made, { privateIps }).replaces;
  assert.deepEqual(to("10.20.1.12"), ["privateIps[0]"]);
  assert.deepEqual(to("10.20.1.11", "10.20.1.12"), []);
  assert.deepEqual(bench.diff("networkInterface", made, { securityGroups: [network.group.id] }).replaces, []);
  assert.deepEqual(bench.diff("networkInterface", made, { subnetId: "subnet-1" }).replaces, ["subnetId"]);
});

test("a group has a rule once, of groups that are there, and goes when nothing refers to it", async () => {
  const { group } = network;
  const rule = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 2380, toPort: 2380 };
  const made = await bench.make("ingressRule", { ...rule, referencedSecurityGroupId: group.id });
  await assert.rejects(
    bench.make("ingressRule", { ...rule, referencedSecurityGroupId: group.id }),
    /InvalidPermission.Duplicate: the specified rule "peer: sg-\w+, TCP, from port: 2380, to port: 2380, ALLOW" already exists/,
  );
  await assert.rejects(
    bench.make("ingressRule", { ...rule, referencedSecurityGroupId: "sg-0123456789abcdef0" }),
    /InvalidGroup.NotFound/,
  );
  await assert.rejects(
    bench.make("ingressRule", { ...rule, cidrIpv4: "10.0.0.0/8", toPort: 1 }),
    /Invalid TCP\/UDP port range \(2380:1\)/,
  );
  const change = { toPort: 2381 };
  assert.deepEqual(bench.diff("ingressRule", made, change), { changes: ["toPort"], replaces: [] });
  assert.equal((await bench.update("ingressRule", made, change)).toPort, 2381);

  const inputs = { subnetId: network.subnet.id, privateIps: ["10.20.1.11"], securityGroups: [group.id] };
  const card = await bench.make("networkInterface", inputs);
  await assert.rejects(bench.drop("securityGroup", group), /DependencyViolation/);
  await bench.drop("networkInterface", card);
  await bench.drop("securityGroup", group); // its rules go with it
  assert.equal(await bench.read("ingressRule", made), undefined);
});

test("a group's name is taken in its VPC", async () => {
  const inputs = { vpcId: network.vpc.id, name: "members" };
  const made = await bench.make("securityGroup", inputs);
  await assert.rejects(bench.make("securityGroup", inputs), /InvalidGroup.Duplicate/);
  assert.deepEqual(bench.diff("securityGroup", made, { description: "x" }).replaces, ["description"]);
  assert.deepEqual(bench.diff("securityGroup", made, { tags: { a: "b" } }).replaces, []);
});

test("what is in use stays", async () => {
  const { vpc, subnet } = network;
  await assert.rejects(bench.drop("vpc", vpc), /deleting EC2 VPC: .*DependencyViolation/);
  const card = await bench.make("networkInterface", { subnetId: subnet.id, privateIps: ["10.20.1.11"] });
  await assert.rejects(bench.drop("subnet", subnet), /DependencyViolation/);
  await bench.drop("networkInterface", card);
  await bench.drop("subnet", subnet);
  await bench.drop("subnet", subnet); // gone already: nothing to do
  await bench.drop("securityGroup", network.group);
  await bench.drop("vpc", vpc);
});

test("public addresses need an internet gateway, and keep it", async () => {
  const { vpc, subnet } = network;
  const eip = await bench.make("eip", { domain: "vpc" });
  assert.match(String(eip.outputs.publicIp), /^203\.0\.113\.\d+$/);
  const nat = { subnetId: subnet.id, allocationId: eip.id };
  await assert.rejects(bench.make("natGateway", nat), /Gateway.NotAttached/);
  const { card } = await makeInstance(bench, subnet, "10.20.1.11");
  await assert.rejects(
    bench.make("eip", { networkInterface: card.id }),
    /is not attached to any internet gateway/,
  );

  const gateway = await bench.make("internetGateway", { vpcId: vpc.id });
  await assert.rejects(bench.make("internetGateway", { vpcId: vpc.id }), /already has an internet gateway/);
  const made = await bench.make("natGateway", nat);
  assert.equal(made.outputs.publicIp, eip.outputs.publicIp);
  await assert.rejects(bench.make("natGateway", nat), /Resource.AlreadyAssociated/);
  await assert.rejects(bench.drop("internetGateway", gateway), /DependencyViolation/);
  await assert.rejects(bench.drop("eip", eip), /InvalidIPAddress.InUse/);
  await bench.drop("natGateway", made);
  assert.equal((await bench.make("eip", { networkInterface: card.id })).outputs.privateIp, "10.20.1.11");
  await assert.rejects(bench.drop("internetGateway", gateway), /some mapped public address/);
});

test("a route has one target in its own VPC, and a subnet one table", async () => {
  const { vpc, subnet } = network;
  const table = await bench.make("routeTable", { vpcId: vpc.id });
  const other = await bench.make("vpc", { cidrBlock: "10.30.0.0/16" });
  const foreign = await bench.make("internetGateway", { vpcId: other.id });
  const gateway = await bench.make("internetGateway", { vpcId: vpc.id });
  const route = (gatewayId: string) => ({
    routeTableId: table.id,
    destinationCidrBlock: "0.0.0.0/0",
    gatewayId,
  });
  await assert.rejects(bench.make("route", route(foreign.id)), /belong to different networks/);
  const made = await bench.make("route", route(gateway.id));
  await assert.rejects(bench.make("route", route(gateway.id)), /RouteAlreadyExists/);
  assert.deepEqual(bench.diff("route", made, { destinationCidrBlock: "10.0.0.0/8" }).replaces, [
    "destinationCidrBlock",
  ]);
  assert.deepEqual(bench.diff("route", made, { gatewayId: foreign.id }).replaces, []);
  const pair = { routeTableId: table.id, subnetId: subnet.id };
  await bench.make("routeTableAssociation", pair);
  await assert.rejects(bench.make("routeTableAssociation", pair), /Resource.AlreadyAssociated/);
  await assert.rejects(bench.drop("routeTable", table), /DependencyViolation/);
});

test("an endpoint is of a service of the region; its names need the VPC's", async () => {
  const { vpc, subnet } = network;
  const endpoint = {
    vpcId: vpc.id,
    serviceName: "com.amazonaws.eu-central-1.ssm",
    vpcEndpointType: "Interface",
  };
  await assert.rejects(
    bench.make("vpcEndpoint", { ...endpoint, serviceName: "com.amazonaws.eu-west-1.ssm" }),
    /InvalidServiceName/,
  );
  const named = { ...endpoint, subnetIds: [subnet.id], privateDnsEnabled: true };
  await assert.rejects(
    bench.make("vpcEndpoint", named),
    /requires both enableDnsSupport and enableDnsHostnames/,
  );
  await bench.update("vpc", vpc, { enableDnsHostnames: true });
  await bench.make("vpcEndpoint", named);
  await assert.rejects(
    bench.make("vpcEndpoint", { vpcId: vpc.id, serviceName: "com.amazonaws.eu-central-1.ssm" }),
    /InvalidServiceName/,
  );
  await bench.make("vpcEndpoint", { vpcId: vpc.id, serviceName: "com.amazonaws.eu-central-1.s3" });
});
