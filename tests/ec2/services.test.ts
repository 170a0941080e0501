// Load balancers, records and roles of the simulated EC2.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Bench, makeNetwork } from "./bench.ts";

let bench: Bench;
let network: Awaited<ReturnType<typeof makeNetwork>>;

beforeEach(async () => {
  bench = new Bench();
  network = await makeNetwork(bench);
});
afterEach(() => bench.remove());

test("a listener forwards to a group that is there, and the group stays as long", async () => {
  const { vpc, subnet } = network;
  const balancer = await bench.make("loadBalancer", {
    loadBalancerType: "network",
    internal: true,
    subnets: [subnet.id],
  });
  assert.match(String(balancer.outputs.dnsName), /^test-[0-9a-f]{7}-\w+\.elb\.eu-central-1\.amazonaws\.com$/);
  const group = await bench.make("targetGroup", {
    port: 2379,
    protocol: "TCP",
    targetType: "ip",
    vpcId: vpc.id,
  });
  const listener = {
    loadBalancerArn: balancer.id,
    port: 2379,
    protocol: "TCP",
    defaultActions: [{ type: "forward", targetGroupArn: group.id }],
  };
  const nowhere = [{ type: "forward", targetGroupArn: `${group.id}x` }];
  await assert.rejects(
    bench.make("listener", { ...listener, defaultActions: nowhere }),
    /TargetGroupNotFound/,
  );
  const made = await bench.make("listener", listener);
  await assert.rejects(bench.make("listener", listener), /DuplicateListener/);
  await bench.make("targetGroupAttachment", { targetGroupArn: group.id, targetId: "10.20.1.11" });
  await assert.rejects(bench.drop("targetGroup", group), /ResourceInUse/);
  await assert.rejects(bench.drop("subnet", subnet), /DependencyViolation/);
  assert.deepEqual(bench.diff("targetGroup", group, { port: 2380 }).replaces, ["port"]);
  assert.deepEqual(bench.diff("loadBalancer", balancer, { securityGroups: ["sg-1"] }).replaces, [
    "securityGroups",
  ]);
  const far = await bench.make("subnet", {
    vpcId: vpc.id,
    cidrBlock: "10.20.9.0/24",
    availabilityZone: "eu-central-1b",
  });
  const more = { subnets: [subnet.id, far.id] };
  assert.deepEqual(bench.diff("loadBalancer", balancer, more).replaces, []);
  const wide = {
    ...balancer,
    inputs: { ...balancer.inputs, ...more },
    outputs: { ...balancer.outputs, ...more },
  };
  assert.deepEqual(bench.diff("loadBalancer", wide, { subnets: [subnet.id] }).replaces, ["subnets[1]"]);
  const second = await bench.make("loadBalancer", { ...balancer.inputs, name: "second" });
  const onSecond = { ...listener, loadBalancerArn: second.id };
  await assert.rejects(bench.make("listener", onSecond), /TargetGroupAssociationLimit/);
  await bench.drop("listener", made);
  await bench.drop("listener", await bench.make("listener", onSecond));
  await bench.drop("targetGroup", group);
  await bench.drop("loadBalancer", second);
  await bench.drop("loadBalancer", balancer);
});

test("a record is there once", async () => {
  const inputs = {
    zoneId: "Z123",
    name: "etcd.example.internal",
    type: "A",
    ttl: 60,
    records: ["10.20.1.11"],
  };
  const { id, outputs } = await bench.make("record", inputs);
  assert.equal(id, "Z123_etcd.example.internal_A");
  assert.equal(outputs.fqdn, "etcd.example.internal");
  await assert.rejects(bench.make("record", inputs), /InvalidChangeBatch/);
});

test("a role goes after what uses it", async () => {
  const role = await bench.make("role", { name: "etcd", assumeRolePolicy: '{"Statement":[]}' });
  assert.equal(role.outputs.arn, "arn:aws:iam::111122223333:role/etcd");
  const profile = await bench.make("instanceProfile", { name: "etcd", role: "etcd" });
  await assert.rejects(bench.make("instanceProfile", { role: "other" }), /NoSuchEntity/);
  const policy = await bench.make("rolePolicy", { role: "etcd", policy: '{"Statement":[]}' });
  await assert.rejects(bench.drop("role", role), /DeleteConflict/);
  await bench.drop("instanceProfile", profile);
  await assert.rejects(bench.drop("role", role), /DeleteConflict/);
  await bench.drop("rolePolicy", policy);
  await bench.drop("role", role);
});
