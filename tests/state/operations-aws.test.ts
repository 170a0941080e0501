// What Pulumi may do to machines, on the real engine and a simulated EC2, in the order of the table in docs/state.md.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { authorizedKey, awsClusterOf } from "../program/aws-stacks.ts";
import { Operated } from "./operated.ts";

const INSTANCES = ["node1-instance", "node2-instance", "node3-instance"];
const NODE2 = ["node2-binaries install", "node2-certificates certificates"];
let stack: Operated;

before(async () => {
  stack = await Operated.create(awsClusterOf(3, { ami: "ami-0000000000000a001" }));
});
after(async () => {
  await stack.remove();
});

async function isRefusedByPlan(names: readonly string[], why: RegExp): Promise<void> {
  const { code, text } = await stack.npm("plan", ...names.flatMap((name) => ["--replace", name]));
  assert.equal(code, 3, text);
  assert.match(text, why);
}

/** Another image: each machine after its guard, and each member before the next one. */
async function replacesOneByOne(ami: string): Promise<void> {
  await stack.project.succeed("config", "set", "--path", "aws.ami", ami);
  const { code, text } = await stack.npm("plan");
  assert.equal(code, 0, text);
  const calls = await stack.up();
  const turns = ["node1", "node2", "node3"].flatMap((node, index) => [
    `${node}-guard guard`,
    `10.20.${index + 1}.11 terminate`,
    `10.20.${index + 1}.11 launch`,
    `${node}-member`,
  ]);
  const seen = calls.map((call) => call.replace(/(-member) (roll|start)$/, "$1"));
  assert.deepEqual(
    seen.filter((call) => turns.includes(call)),
    turns,
  );
  assert.ok(
    !calls.some((call) => / (stop|remove-.*)$/.test(call)),
    "what goes with a machine is not deleted on it",
  );
  await stack.unchanged();
}

test("another image", () => replacesOneByOne("ami-0000000000000a002"));

test("stack rename, and another image", async () => {
  await stack.project.succeed("stack", "rename", "renamed");
  await replacesOneByOne("ami-0000000000000a001");
  await stack.look();
});

test("another person's run, whose stack file lists no keys to log in", async () => {
  await stack.project.succeed("config", "rm", "--path", "aws.authorizedKeys");
  await stack.unchanged();
  await stack.project.succeed("config", "set", "--path", "aws.ami", "ami-0000000000000a002");
  const { calls, text } = await stack.refused("up", "--yes", "--skip-preview");
  assert.deepEqual(calls, []);
  assert.match(
    text,
    /aws\.authorizedKeys: is missing; .* since no instance of node1, node2, node3 runs as declared/,
  );
  await stack.project.succeed("config", "set", "--path", "aws.ami", "ami-0000000000000a001");
  await stack.project.succeed(
    "config",
    "set",
    "--path",
    "aws.authorizedKeys[0]",
    `${authorizedKey} and others`,
  );
  await stack.unchanged();
});

test("--replace of an instance", async () => {
  await isRefusedByPlan(["node2-instance"], /node2: its instance would be replaced without a proof/);
  const calls = await stack.up(...stack.options("--replace", "node2-instance"));
  assert.deepEqual(calls.slice(0, 4), [
    ...["terminate", "launch"].map((what) => `10.20.2.11 ${what}`),
    ...["node2-key-exchange host-key", "node2-host prepare"],
  ]);
  assert.deepEqual(calls.slice(4, 6).toSorted(), NODE2);
  assert.match(calls[6] ?? "", /^node2-member (start|roll)$/);
});

test("--replace of all instances", async () => {
  await isRefusedByPlan(
    INSTANCES,
    /node1: .*\n\n?.*node2: .*\n\n?.*node3: its instance would be replaced without/,
  );
});

test("--replace of a host key", async () => {
  await isRefusedByPlan(["node2-host-key"], /node2: with another host key no step would reach it/);
  const calls = await stack.up(...stack.options("--replace", "node2-host-key"));
  assert.ok(!calls.some((call) => /terminate|launch/.test(call)), calls.join());
});

test("--replace of the exchange of a host key", async () => {
  await isRefusedByPlan(["node2-key-exchange"], /node2: its sshd no longer serves the key by which /);
});

test("--replace of a data volume's attachment", async () => {
  await isRefusedByPlan(
    ["node2-data-attachment"],
    /node2: its data volume would be detached, for which AWS stops/,
  );
});

test("--replace of a data volume", async () => {
  const replace = stack.options("--replace", "node2-data");
  const { calls, text } = await stack.refused("up", "--yes", "--skip-preview", ...replace);
  assert.deepEqual(calls, []);
  assert.match(text, /"\S+::node2-data"\s.*marked for protection/s);
  await stack.set("protect", "false");
  await stack.up();
  await isRefusedByPlan(["node2-data"], /node2-data: its data volume would be replaced by an empty one/);
});

test("--replace of an interface", async () => {
  const { calls, text } = await stack.refused(
    "up",
    "--yes",
    "--skip-preview",
    ...stack.options("--replace", "node2-interface"),
  );
  assert.deepEqual(calls, []);
  assert.match(text, /InvalidIPAddress\.InUse/);
});
