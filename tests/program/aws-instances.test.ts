/** What is on EC2 for each node: the properties that security and the members' data depend on. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hostProgram } from "../../host/program.ts";
import { awsClusterOf, awsNodes, existing } from "./aws-stacks.ts";
import { type Registration, type Run, runProgram } from "./harness.ts";
import { pem, publicKeyOf } from "./providers.ts";
import { optionsOf, resource, step, steps, text } from "./queries.ts";
import { type Config, clusterOf, hostKey, loginKey } from "./stacks.ts";

const run = await runProgram({ config: awsClusterOf(3) });
const names = awsNodes(3).map(({ name }) => String(name));
const key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const tagsOf = (node: string) => ({
  "etcd:cluster": "etcd-cluster-1",
  "etcd:stack": "organization/etcd/dev",
  "etcd:node": node,
});

async function withAws(aws: Config, others: Config = {}): Promise<Run> {
  const made = await runProgram({ config: awsClusterOf(3, aws, others) });
  assert.equal(made.failure, undefined);
  return made;
}

const instance = (of: Run, node: string) => resource(of, "Instance", `${node}-instance`);
const volume = (of: Run, node: string) => resource(of, "Volume", `${node}-data`);

test("an instance has what is declared and what makes it safe, and nothing else", () => {
  for (const node of names) {
    const { userData, ...inputs } = instance(run, node).inputs;
    assert.equal(typeof userData, "string");
    const madeFrom = optionsOf(text(step(run, `${node}-guard`), "update"))["made-from"];
    assert.deepEqual(inputs, {
      ami: "ami-0abcdef1234567890",
      instanceType: "m7i.large",
      primaryNetworkInterface: { networkInterfaceId: `${node}-interface-id` },
      rootBlockDevice: { volumeType: "gp3", volumeSize: 20, encrypted: true, deleteOnTermination: true },
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      disableApiTermination: true,
      forceDestroy: true,
      userDataReplaceOnChange: true,
      tags: { ...tagsOf(node), "etcd:made-from": madeFrom, Name: node },
    });
  }
});

test("an instance goes before the next one is made, and another type makes another one", () => {
  for (const node of names) {
    const { request } = instance(run, node);
    assert.equal(request.getDeletebeforereplace(), true, node);
    assert.deepEqual(request.getReplaceonchangesList(), ["instanceType"], node);
    assert.equal(request.getRetainondelete(), false, node);
    assert.deepEqual(request.getIgnorechangesList(), [], node);
  }
});

test("its interface has the node's address in the node's subnet, and the members' security group alone", () => {
  const subnet = { node1: "a-10.20.1.0-24", node2: "b-10.20.2.0-24", node3: "c-10.20.3.0-24" };
  for (const [index, [node, place]] of Object.entries(subnet).entries()) {
    const { inputs } = resource(run, "NetworkInterface", `${node}-interface`);
    assert.deepEqual(inputs, {
      description: `etcd member ${node}`,
      subnetId: `network-members-eu-central-1${place}-id`,
      privateIps: [`10.20.${index + 1}.11`],
      securityGroups: ["members-id"],
      tags: { ...tagsOf(node), Name: node },
    });
  }
});

test("a data volume is encrypted, in its node's zone, protected, and kept whatever becomes of it", () => {
  for (const [index, node] of names.entries()) {
    const { inputs, request } = volume(run, node);
    assert.deepEqual(inputs, {
      availabilityZone: `eu-central-1${"abc"[index]}`,
      type: "gp3",
      size: 20,
      iops: 3000,
      throughput: 125,
      encrypted: true,
      tags: { ...tagsOf(node), Name: `${node}-data` },
    });
    assert.equal(request.getProtect(), true, node);
    assert.equal(request.getRetainondelete(), true, node);
  }
});

test("the volume's attachment ends with its instance, and otherwise only once the instance has stopped", () => {
  for (const node of names) {
    const { inputs, request } = resource(run, "VolumeAttachment", `${node}-data-attachment`);
    assert.deepEqual(inputs, {
      deviceName: "/dev/sdf",
      volumeId: `${node}-data-id`,
      instanceId: `${node}-instance-id`,
      stopInstanceBeforeDetaching: true,
    });
    assert.equal(request.getDeletedwith(), instance(run, node).urn, node);
    assert.equal(request.getDeletebeforereplace(), true, node);
  }
});

test("without protect AWS lets an instance be terminated and Pulumi a volume go, which is kept all the same", async () => {
  const unprotected = await withAws({}, { protect: false });
  for (const node of names) {
    assert.equal(instance(unprotected, node).inputs.disableApiTermination, false, node);
    const { request } = volume(unprotected, node);
    assert.deepEqual([request.getProtect(), request.getRetainondelete()], [false, true], node);
  }
  const isProtected = ({ request }: Registration) => request.getProtect() === true;
  assert.deepEqual(unprotected.resources.filter(isProtected), []);
});

test("protected are the authorities, the data, the VPC and its subnets; nothing else is", () => {
  const found = run.resources.filter(({ request }) => request.getProtect() === true);
  const types = found.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
  assert.deepEqual(
    types.sort(),
    [
      ...["client-ca", "peer-ca"].flatMap((ca) => [`PrivateKey ${ca}-key`, `SelfSignedCert ${ca}-cert`]),
      ...names.map((node) => `Volume ${node}-data`),
      ...["a-10.20.1.0-24", "b-10.20.2.0-24", "c-10.20.3.0-24"].map(
        (subnet) => `Subnet network-members-eu-central-1${subnet}`,
      ),
      "Subnet network-public-eu-central-1a-10.20.101.0-24",
      "Vpc network",
    ].sort(),
  );
});

test("a KMS key encrypts both volumes of every node", async () => {
  const made = await withAws({ kmsKeyId: key });
  for (const node of names) {
    assert.deepEqual(
      [volume(made, node).inputs.kmsKeyId, Object(instance(made, node).inputs.rootBlockDevice).kmsKeyId],
      [key, key],
    );
  }
});

test("sizes, type and tags are those declared, on everything that has tags", async () => {
  const made = await withAws({
    instanceType: "m7i.xlarge",
    dataVolume: { size: 100, iops: 6000, throughput: 500 },
    rootVolume: { size: 30 },
    tags: { team: "storage" },
  });
  const { size, iops, throughput } = volume(made, "node1").inputs;
  assert.deepEqual({ size, iops, throughput }, { size: 100, iops: 6000, throughput: 500 });
  assert.equal(instance(made, "node1").inputs.instanceType, "m7i.xlarge");
  assert.equal(Object(instance(made, "node1").inputs.rootBlockDevice).volumeSize, 30);
  const tagged = made.resources.filter(({ inputs }) => inputs.tags !== undefined);
  assert.ok(tagged.length > 15);
  for (const { urn, inputs } of tagged) {
    const { Name, ...tags } = Object(inputs.tags);
    assert.match(String(Name), /^[a-z0-9-]+$/, urn);
    assert.equal(tags.team, "storage", urn);
    assert.equal(tags["etcd:cluster"], "etcd-cluster-1", urn);
  }
});

test("a profile only when asked: none, an existing one, or the one made for Session Manager", async () => {
  const profile = (of: Run) => instance(of, "node2").inputs.iamInstanceProfile;
  const isIam = ({ type }: Registration) => type.startsWith("aws:iam/");
  assert.equal(profile(run), undefined);
  const own = await withAws({ instanceProfile: "etcd-node" });
  assert.equal(profile(own), "etcd-node");
  for (const one of [run, own]) assert.deepEqual(one.resources.filter(isIam), []);
  const made = await withAws({ sessionManager: true });
  assert.equal(profile(made), "session-manager-name");
  assert.deepEqual(made.resources.filter(isIam).length, 3);
});

/** The first key of a node's machine. */
function firstKey(node: string): string {
  const key = run.resources.find(({ name }) => name.startsWith(`${node}-first-key-2-`));
  assert.deepEqual(key?.inputs, { algorithm: "ECDSA", ecdsaCurve: "P256" });
  return key?.name ?? "";
}

test("another key than the host's is in user data, as a secret, and only the first connection pins it", () => {
  for (const node of names) {
    assert.deepEqual(resource(run, "PrivateKey", `${node}-host-key`).inputs, { algorithm: "ED25519" });
    const { inputs, secretInputs } = instance(run, node);
    assert.deepEqual(secretInputs, ["userData"], node);
    const userData = JSON.parse(String(inputs.userData).replace("#cloud-config\n", ""));
    assert.deepEqual(userData.ssh_keys, {
      ecdsa_private: pem("OPENSSH PRIVATE KEY", firstKey(node)),
      ecdsa_public: publicKeyOf(firstKey(node)),
    });
    const exchange = step(run, `${node}-key-exchange`);
    assert.deepEqual(exchange.secretInputs.toSorted(), ["connection", "stdin"]);
    assert.equal(
      text(exchange, "stdin"),
      `${pem("OPENSSH PRIVATE KEY", `${node}-host-key`)}${hostProgram()}`,
    );
    assert.match(text(step(run, `${node}-host`), "create"), / --drop-first-key /);
  }
  for (const { name, inputs } of steps(run)) {
    const { host, hostKey, user, port, privateKey } = Object(inputs.connection);
    const node = String(awsNodes(3).find(({ address }) => address === host)?.name);
    const pinned = name.endsWith("-key-exchange") ? firstKey(node) : `${node}-host-key`;
    assert.equal(hostKey, publicKeyOf(pinned), name);
    assert.deepEqual({ user, port, privateKey }, { user: "admin", port: 22, privateKey: loginKey }, name);
  }
});

test("no private key of a host, a certificate or the login is in a plain input", () => {
  for (const { urn, inputs, secretInputs } of run.resources) {
    const plain = Object.entries(inputs).filter(([name]) => !secretInputs.includes(name));
    assert.doesNotMatch(JSON.stringify(plain), /PRIVATE KEY/, urn);
  }
});

const ownSteps = names.flatMap((node) =>
  ["key-exchange", "host", "binaries", "certificates", "member"].map((role) => ({
    node,
    name: `${node}-${role}`,
  })),
);

test("every step of an instance names it in each of its texts, and ends with it", () => {
  for (const { node, name } of ownSteps) {
    const one = step(run, name);
    const deletes = name.endsWith("-key-exchange") ? [] : ["delete"]; // the key goes with the machine
    for (const call of ["create", "update", ...deletes]) {
      assert.equal(optionsOf(text(one, call)).machine, `${node}-instance-id`, `${name} ${call}`);
    }
    assert.equal(one.request.getDeletedwith(), instance(run, node).urn, name);
  }
});

test("the steps of the cluster and the guards, which look at others, end with no instance and name none", () => {
  const others = steps(run).filter(({ name }) => !ownSteps.some((own) => own.name === name));
  assert.equal(others.length, 6);
  for (const { name, inputs, request } of others) {
    assert.equal(request.getDeletedwith(), "", name);
    const texts = [inputs.create, inputs.update, inputs.delete].join("\n");
    assert.doesNotMatch(texts, /--machine/, name);
  }
});

test("only the first two steps wait for a machine that boots: two minutes, and all others under half a minute", () => {
  for (const { name, inputs } of steps(run)) {
    const { dialErrorLimit, perDialTimeout } = Object(inputs.connection);
    const seconds = (dialErrorLimit + 1) * perDialTimeout;
    if (/-(key-exchange|host)$/.test(name))
      assert.ok(seconds >= 60 && seconds <= 150, `${name}: ${seconds} s`);
    else assert.ok(seconds <= 30, `${name}: ${seconds} s`);
  }
});

test("the first step is told the volume, and its size, so that a grown one is grown on the host", async () => {
  const { volume: id, "volume-size": size } = optionsOf(text(step(run, "node1-host"), "create"));
  assert.deepEqual([id, size], ["node1-data-id", "20"]);
  for (const { name } of ownSteps.filter((own) => !own.name.endsWith("-host"))) {
    assert.ok(!("volume" in optionsOf(text(step(run, name), "create"))), name);
  }
});

test("etcd on an instance does not reach the metadata service; on a given machine nothing is denied", async () => {
  const denied = /^IPAddressDeny=169\.254\.169\.254 fd00:ec2::254$/m;
  for (const node of names) assert.match(text(step(run, `${node}-member`), "stdin"), denied);
  const given = await runProgram({ config: clusterOf(1) });
  assert.doesNotMatch(text(step(given, "node1-member"), "stdin"), /IPAddressDeny/);
});

test("a bastion is dialled with its own pinned key, at the private addresses", async () => {
  const bastion = { address: "192.0.2.1", user: "jump", hostKey: hostKey("the bastion") };
  const made = await withAws({}, { ssh: { user: "admin", bastion } });
  for (const { name, inputs } of steps(made)) {
    const { host, proxy } = Object(inputs.connection);
    assert.match(host, /^10\.20\.\d\.11$/, name);
    assert.deepEqual([proxy.host, proxy.hostKey, proxy.user], ["192.0.2.1", bastion.hostKey, "jump"], name);
  }
});

test("public addresses only when asked: one for each node's interface, which ssh then dials", async () => {
  const isAddress = ({ type, name }: Registration) => type.endsWith(":Eip") && name.endsWith("-address");
  assert.deepEqual(run.resources.filter(isAddress), []);
  const made = await withAws({ ...existing(3), publicAddresses: true });
  for (const node of names) {
    assert.deepEqual(resource(made, "Eip", `${node}-address`).inputs, {
      domain: "vpc",
      networkInterface: `${node}-interface-id`,
      tags: { ...tagsOf(node), Name: node },
    });
    const { host } = Object(step(made, `${node}-member`).inputs.connection);
    assert.equal(host, `the public address of ${node}-address`);
    const unit = text(step(made, `${node}-member`), "stdin");
    assert.doesNotMatch(unit, /public/, "etcd itself stays at the private address");
  }
});
