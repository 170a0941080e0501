import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { whileBooting } from "../../components/connection.ts";
import { Ec2Host, type Ec2HostArgs } from "../../components/ec2/ec2-host.ts";
import { hostStep, remoteStep, type Step } from "../../components/step.ts";
import type { AwsConfig } from "../../config/aws/model.ts";
import { authorizedKey, zones } from "../program/aws-stacks.ts";
import { type RunOptions, runMocked } from "../program/harness.ts";
import { publicKeyOf } from "../program/providers.ts";
import { resource, step, text } from "../program/queries.ts";

const [zone = ""] = zones;
const address = "10.20.1.11";

const aws: AwsConfig = {
  ami: "ami-0abcdef1234567890",
  instanceType: "m7i.large",
  authorizedKeys: [authorizedKey],
  vpc: { id: "vpc-0abcdef1234567890" },
  subnets: [{ zone, cidr: "10.20.1.0/24", id: "subnet-0abcdef1234567891" }],
  access: { clients: [], ssh: [], metrics: [] },
  dataVolume: { size: 20, iops: 3000, throughput: 125 },
  rootVolume: { size: 20 },
  sessionManager: false,
  publicAddresses: false,
  loadBalancer: false,
  tags: {},
};

const args: Omit<Ec2HostArgs, "network"> = {
  node: {
    name: "node1",
    address,
    listenAddress: address,
    sshAddress: address,
    sshPort: 22,
    hostKey: "",
    incarnation: 1,
    issue: 1,
    lost: false,
  },
  ssh: { user: "admin", agent: true },
  aws,
  subnetId: "subnet-0abcdef1234567891",
  zone,
  securityGroupId: "sg-0abcdef1234567890",
  tags: {},
  madeFrom: "2-0a1b2c3d4e5f6071",
  isSettled: false,
  protect: true,
  token: "etcd-1-0a1b2c3d",
  dataDir: "/var/lib/etcd",
  quotaBackendBytes: 2147483648,
  metricsUrl: "http://127.0.0.1:2381",
  allow: [],
  service: { privateUsers: true, readWritePaths: [] },
  checkId: 0,
  notBefore: "2026-01-01T00:00:00Z",
};

/** A host, and a step on it, whose machine waits for another step. */
function makeHost(options: RunOptions = {}, changes: Partial<Ec2HostArgs> = {}) {
  return runMocked(options, () => {
    const parent = new pulumi.ComponentResource("etcd:test:Component", "component");
    const network = new pulumi.ComponentResource("etcd:test:Component", "network");
    const connection = { host: "192.0.2.1" };
    const guard = Promise.resolve(remoteStep("guard", { connection }, { create: "prove" }, { parent }));
    const host = new Ec2Host("node1", { ...args, network, guard, ...changes });
    const texts = { create: "a", update: "b", delete: "c", stdin: "d" };
    const bound = hostStep("bound", host, texts, { parent });
    const free = hostStep("free", { connection }, texts, { parent });
    const { prepared, connection: own } = host;
    return { ...digests({ bound, free, prepared }), own };
  });
}

function digests(made: Readonly<Record<string, Step>>) {
  return Object.fromEntries(Object.entries(made).map(([name, { digest }]) => [name, digest]));
}

const run = await makeHost();

test("what outlives the machine is made at once, and the machine once it may be", () => {
  const before = run.events.slice(0, run.events.indexOf("end guard"));
  for (const kept of ["host-key", "interface", "data"])
    assert.ok(before.includes(`start node1-${kept}`), kept);
  for (const later of ["instance", "data-attachment", "host"]) {
    assert.ok(!before.includes(`start node1-${later}`), later);
  }
  assert.ok(resource(run, "Instance", "node1-instance").dependencies.includes(step(run, "guard").urn));
});

test("a step on a machine names it in each text, and ends with it; on a given machine it does neither", () => {
  const suffix = " --machine=node1-instance-id";
  const { create, update, delete: undo, stdin } = step(run, "bound").inputs;
  assert.deepEqual([create, update, undo, stdin], [`a${suffix}`, `b${suffix}`, `c${suffix}`, "d"]);
  const { urn } = resource(run, "Instance", "node1-instance");
  assert.equal(step(run, "bound").request.getDeletedwith(), urn);
  const { request, inputs } = step(run, "free");
  assert.deepEqual([inputs.create, inputs.update, inputs.delete, inputs.stdin], ["a", "b", "c", "d"]);
  assert.equal(request.getDeletedwith(), "");
});

test("a step's digest is that of the same step on a given machine, known before the machine is", async () => {
  assert.equal(run.outputs.bound?.value, run.outputs.free?.value);
  assert.match(String(run.outputs.bound?.value), /^[0-9a-f]{16}$/);
  const preview = await makeHost({ preview: true });
  assert.equal(preview.outputs.bound?.value, run.outputs.bound?.value);
});

test("the digest of the first step changes with the volume and not with the machine", async () => {
  const { prepared } = run.outputs;
  const mocked = (name: string) => ({ mocked: { [name]: { id: "other" } } });
  assert.equal((await makeHost(mocked("node1-instance"))).outputs.prepared?.value, prepared?.value);
  assert.notEqual((await makeHost(mocked("node1-data"))).outputs.prepared?.value, prepared?.value);
  const grown = { aws: { ...aws, dataVolume: { ...aws.dataVolume, size: 40 } } };
  assert.notEqual((await makeHost({}, grown)).outputs.prepared?.value, prepared?.value);
});

const connectionOf = (of: typeof run, name: string) => Object(step(of, name).inputs.connection);

test("the volume is attached once the machine has its host key, which only a first connection brings", () => {
  const exchange = step(run, "node1-key-exchange");
  assert.ok(resource(run, "VolumeAttachment", "node1-data-attachment").dependencies.includes(exchange.urn));
  assert.equal(exchange.request.getDeletedwith(), resource(run, "Instance", "node1-instance").urn);
  assert.equal(connectionOf(run, exchange.name).hostKey, publicKeyOf("node1-first-key-2-0a1b2c3d4e5f6071"));
  assert.equal(connectionOf(run, "node1-host").hostKey, publicKeyOf("node1-host-key"));
  assert.match(text(step(run, "node1-host"), "create"), / --drop-first-key /);
});

test("a machine that has its volume is never asked by its first key again, unless it is another one", async () => {
  const later = async (changes: Partial<Ec2HostArgs>) => {
    const made = await makeHost({}, changes);
    const { hostKey } = connectionOf(made, "node1-key-exchange");
    return [step(made, "node1-key-exchange").request.getIgnorechangesList(), hostKey];
  };
  const first = publicKeyOf("node1-first-key-2-0a1b2c3d4e5f6071");
  assert.deepEqual(await later({}), [[], first]);
  assert.deepEqual(await later({ isSettled: true }), [[], first], "a run was cut off before");
  // its text, which names the machine, still counts; the connection is for a step that the state has lost
  const done = [["connection", "stdin"], publicKeyOf("node1-host-key")];
  assert.deepEqual(await later({ isSettled: true, exchanged: "node1-instance-id" }), done);
  // replaced in this very run, by request
  assert.deepEqual(await later({ isSettled: true, exchanged: "i-another" }), [
    ["connection", "stdin"],
    first,
  ]);
});

test("a machine of an earlier program keeps the host key in its user data, and gets no step more", async () => {
  const old = await makeHost(
    {},
    { madeFrom: "0a1b2c3d4e5f6071", isSettled: true, exchanged: "node1-instance-id" },
  );
  const added = (name: string) => /-(key-exchange|first-key-.*)$/.test(name);
  assert.equal(old.resources.length, run.resources.length - 2);
  assert.ok(!old.resources.some(({ name }) => added(name)));
  const { userData } = resource(old, "Instance", "node1-instance").inputs;
  assert.match(String(userData), new RegExp(`"ed25519_public": "${publicKeyOf("node1-host-key")}"`));
  assert.doesNotMatch(text(step(old, "node1-host"), "create"), /first-key/);
  assert.deepEqual(step(old, "node1-host").inputs.connection, step(run, "node1-host").inputs.connection);
  const { dependencies } = resource(old, "VolumeAttachment", "node1-data-attachment");
  assert.doesNotMatch(dependencies.join("\n"), /remote:Command/);
});

test("only the dial limit of the first steps' connections is another one", () => {
  const own = Object(run.outputs.own?.value);
  const first = Object(step(run, "node1-host").inputs.connection);
  assert.deepEqual(first, { ...Object(step(run, "bound").inputs.connection), dialErrorLimit: 20 });
  const { hostKey, ...exchange } = connectionOf(run, "node1-key-exchange");
  assert.deepEqual({ ...exchange, hostKey: first.hostKey }, first);
  assert.notEqual(hostKey, first.hostKey);
  assert.deepEqual(whileBooting(own), { ...own, dialErrorLimit: 20 });
  assert.equal(own.dialErrorLimit, 3);
});

test("bare metal is waited for: at least 20 minutes until it answers, and AWS's own waits are longer too", async () => {
  const metal = await makeHost({}, { aws: { ...aws, instanceType: "m7i.metal-24xl" } });
  const { dialErrorLimit } = Object(step(metal, "node1-host").inputs.connection);
  assert.ok(dialErrorLimit * 5 >= 20 * 60, "refused dials are 5 s apart");
  assert.equal(Object(step(metal, "bound").inputs.connection).dialErrorLimit, 3);
  const timeouts = (one: typeof run) => {
    const given = resource(one, "Instance", "node1-instance").request.getCustomtimeouts();
    return [given?.getCreate(), given?.getDelete()];
  };
  assert.deepEqual(
    [timeouts(metal), timeouts(run)],
    [
      ["30m", "40m"],
      ["", ""],
    ],
  );
});

test("a grown volume is grown in place, and its host looks at it again", async () => {
  const grown = await makeHost({}, { aws: { ...aws, dataVolume: { ...aws.dataVolume, size: 40 } } });
  assert.equal(resource(grown, "Volume", "node1-data").inputs.size, 40);
  assert.match(
    text(step(grown, "node1-host"), "update"),
    / --volume=node1-data-id --volume-size=40 --drop-first-key --machine=/,
  );
  const { userData } = resource(run, "Instance", "node1-instance").inputs;
  assert.deepEqual(resource(grown, "Instance", "node1-instance").inputs.userData, userData);
});
