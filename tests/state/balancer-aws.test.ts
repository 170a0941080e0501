// A load balancer that loses a subnet, on the real engine and a simulated EC2.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { awsClusterOf, subnets } from "../program/aws-stacks.ts";
import { Operated } from "./operated.ts";

const clients = { loadBalancer: true, clientName: "etcd.example.internal", hostedZoneId: "Z0123456789ABC" };
let stack: Operated;

before(async () => {
  const aws = { ami: "ami-0000000000000a001", ...clients };
  stack = await Operated.create(awsClusterOf(1, aws, { protect: false }));
});
after(async () => {
  await stack.remove();
});

test("a subnet less makes another load balancer, whose listener takes the target group over", async () => {
  const arnOf = async (type: string) => {
    const found = (await stack.project.resources()).filter((one) => one.type.endsWith(`:${type}`));
    assert.equal(found.length, 1, type);
    return String(found[0]?.outputs?.arn);
  };
  const before = { balancer: await arnOf("LoadBalancer"), group: await arnOf("TargetGroup") };
  for (const [index, subnet] of subnets(2).entries())
    for (const [key, value] of Object.entries(subnet))
      await stack.project.succeed("config", "set", "--path", `aws.subnets[${index}].${key}`, String(value));
  await stack.project.succeed("config", "rm", "--path", "aws.subnets[2]");
  const { code, text } = await stack.npm("plan");
  assert.equal(code, 0, text);
  const calls = await stack.up();
  assert.ok(!calls.some((call) => /terminate|launch/.test(call)), calls.join());
  assert.notEqual(await arnOf("LoadBalancer"), before.balancer);
  assert.equal(await arnOf("TargetGroup"), before.group);
  await stack.unchanged();
});
