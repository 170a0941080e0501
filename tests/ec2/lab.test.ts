// The simulated EC2 as a whole: a small program on the real engine, and the instance that it boots.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { labCommand } from "../../lab/describe.ts";
import { run } from "../e2e/lab.ts";

const repository = path.resolve(import.meta.dirname, "../..");
const cache = process.env.ETCD_CACHE ?? path.join(homedir(), ".cache/etcd-cluster");
const env = { ...process.env, LAB_NAME: "ec2test", LAB_DIR: path.join(cache, "lab-ec2-test") };
const HOST = "17"; // 192.168.1.117

const PROGRAM = `
import { readFileSync } from "node:fs";
import { Volume } from "@pulumi/aws/ebs/volume.js";
import { getAmiOutput } from "@pulumi/aws/ec2/getAmi.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { NetworkInterface } from "@pulumi/aws/ec2/networkInterface.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import { PrivateKey } from "@pulumi/tls/privateKey.js";

const ami = new pulumi.Config().require("ami");
const vpc = new Vpc("vpc", { cidrBlock: "192.168.1.0/24" });
const subnet = new Subnet("a", { vpcId: vpc.id, cidrBlock: "192.168.1.112/28", availabilityZone: "eu-central-1a" });
const group = new SecurityGroup("members", { vpcId: vpc.id });
const peers = { securityGroupId: group.id, referencedSecurityGroupId: group.id, ipProtocol: "tcp", fromPort: 2380, toPort: 2380 };
new SecurityGroupIngressRule("peers", peers);
const key = new PrivateKey("host-key", { algorithm: "ED25519" });
const login = readFileSync(process.env.LAB_DIR + "/ssh/id_ed25519.pub", "utf8").trim();
const userData = pulumi.all([key.privateKeyOpenssh, key.publicKeyOpenssh]).apply(([ed25519_private, ed25519_public]) => "#cloud-config\\n" + JSON.stringify({
  hostname: "node1",
  ssh_deletekeys: true,
  ssh_keys: { ed25519_private, ed25519_public },
  users: [{ name: "admin", sudo: "ALL=(ALL) NOPASSWD:ALL", shell: "/bin/bash", ssh_authorized_keys: [login] }],
}) + "\\n");
const card = new NetworkInterface("card", { subnetId: subnet.id, privateIps: ["192.168.1.117"], securityGroups: [group.id] });
const volume = new Volume("data", { availabilityZone: "eu-central-1a", size: 1, type: "gp3", encrypted: true, tags: { Name: "data" } });
const instance = new Instance("instance", {
  ami,
  instanceType: "m7i.large",
  primaryNetworkInterface: { networkInterfaceId: card.id },
  userData,
  userDataReplaceOnChange: true,
  tags: { Name: "node1" },
}, { deleteBeforeReplace: true });
const attached = { deviceName: "/dev/sdf", volumeId: volume.id, instanceId: instance.id, stopInstanceBeforeDetaching: true };
new VolumeAttachment("attachment", attached, { deletedWith: instance });

export const architecture = getAmiOutput({ filters: [{ name: "image-id", values: [ami] }] }).architecture;
export const hostKey = key.publicKeyOpenssh;
export const volumeId = volume.id;
`;

let folder: string;

async function lab(...args: string[]) {
  return await run("sh", ["-c", 'cd "$1" && shift && exec "$@"', "sh", folder, labCommand, ...args], env);
}

async function must(...args: string[]): Promise<string> {
  const { code, stdout, all } = await lab(...args);
  assert.equal(code, 0, all);
  return stdout;
}

async function pulumi(...args: string[]) {
  return await lab("exec", "pulumi", ...args);
}

async function up(): Promise<string> {
  return await must("exec", "pulumi", "up", "--yes", "--skip-preview", "--show-full-output=false");
}

async function output(name: string): Promise<string> {
  return (await must("exec", "pulumi", "stack", "output", name)).trim();
}

/** ssh as admin, with the host key that the program gave the instance. */
async function ssh(command: string): Promise<string> {
  const known = path.join(folder, "known_hosts");
  await writeFile(known, `192.168.1.117 ${await output("hostKey")}\n`);
  const options = [
    `UserKnownHostsFile=${known}`,
    "StrictHostKeyChecking=yes",
    "IdentitiesOnly=yes",
    "ConnectTimeout=2",
  ];
  const args = options.flatMap((option) => ["-o", option]);
  const login = ["-i", path.join(env.LAB_DIR, "ssh/id_ed25519"), "admin@192.168.1.117", command];
  for (const end = Date.now() + 30_000; ; ) {
    const { code, stdout, all } = await lab("exec", "ssh", ...args, ...login);
    if (code === 0) return stdout.trim();
    assert.ok(Date.now() < end, all);
  }
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ec2-test-"));
  await symlink(path.join(repository, "node_modules"), path.join(folder, "node_modules"));
  await writeFile(path.join(folder, "package.json"), '{"type": "module"}');
  const runtime = "runtime: { name: nodejs, options: { typescript: false } }";
  await writeFile(path.join(folder, "Pulumi.yaml"), `name: simulated\n${runtime}\nmain: index.ts\n`);
  await writeFile(path.join(folder, "index.ts"), PROGRAM);
  await must("down");
  await must("up", "0");
  await must("engine");
  await must("exec", "pulumi", "stack", "init", "lab");
  await must("exec", "pulumi", "config", "set", "ami", "ami-0000000000000a001");
});

after(async () => {
  await must("down");
  await rm(folder, { recursive: true });
});

test("without a region it refuses", async () => {
  const { code, all } = await pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(all, /set aws:region/);
  await must("exec", "pulumi", "config", "set", "aws:region", "eu-central-1");
});

test("the program's things are made, and then there is nothing to do", async () => {
  assert.match(await up(), /10 created/);
  assert.equal(await output("architecture"), "x86_64");
  const { code, all } = await pulumi("preview", "--expect-no-changes");
  assert.equal(code, 0, all);
});

test("cloud-init makes the instance: its name, its user, its host key", async () => {
  assert.equal(
    await ssh("hostname; id -un; sudo -n id -un; cat /etc/ami-id"),
    "node1\nadmin\nroot\nami-0000000000000a001",
  );
  assert.equal(
    (await must("enter", HOST, "cloud-init", "status", "--wait")).trim().split("\n").at(-1),
    "status: done",
  );
});

test("user data is a secret in the state", async () => {
  const state = JSON.parse(await must("exec", "pulumi", "stack", "export"));
  const { inputs, outputs } = state.deployment.resources.find(({ type }: { type: string }) =>
    type.endsWith(":Instance"),
  );
  for (const { userData } of [inputs, outputs]) assert.ok(userData.ciphertext);
});

const MOUNT = `set -e
device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$1
blkid -p "$device" >/dev/null || mkfs.ext4 -q "$device"
printf '[Mount]\\nWhat=%s\\nWhere=/data\\nType=ext4\\n[Install]\\nWantedBy=local-fs.target\\n' "$device" >/etc/systemd/system/data.mount
systemctl daemon-reload
systemctl enable --quiet --now data.mount`;

async function mount(): Promise<void> {
  await must("enter", HOST, "sh", "-c", MOUNT, "mount", (await output("volumeId")).replace("-", ""));
}

async function data(): Promise<string> {
  return (await must("enter", HOST, "cat", "/data/file")).trim();
}

test("a volume is a disk: it is formatted, mounted, and there again after a reboot and a loss of power", async () => {
  await mount();
  await must("enter", HOST, "sh", "-c", "echo kept >/data/file; sync");
  await must("powercut", HOST);
  await must("start", HOST);
  assert.equal(await data(), "kept");
  await must("cloud", "stop", "node1");
  await must("cloud", "start", "node1");
  await must("start", HOST); // waits until it is up
  assert.equal(await data(), "kept");
});

test("another image replaces the instance, one after the other, and the volume moves to the new one", async () => {
  await must("exec", "pulumi", "config", "set", "ami", "ami-0000000000000a002");
  const plan = JSON.parse(await must("exec", "pulumi", "preview", "--json"));
  const replaced = plan.steps.filter(({ op }: { op: string }) => op === "replace");
  assert.deepEqual(replaced.map(({ urn }: { urn: string }) => urn.split("::").at(-1)).sort(), [
    "attachment",
    "instance",
  ]);
  await up();
  assert.match(await ssh("cat /etc/ami-id; id -un ami-agent"), /^ami-0000000000000a002\nami-agent$/);
  await mount();
  assert.equal(await data(), "kept");
  const events = (await must("cloud", "events")).trim().split("\n").slice(-5);
  assert.deepEqual(
    events.map((line) => JSON.parse(line).event),
    ["shutting-down", "terminated", "launching", "running", "attached"],
    "the attachment goes with its instance, whose shutdown ends what writes to the volume",
  );
});

test("an instance that somebody terminated is gone after a refresh, and made again", async () => {
  await must("cloud", "terminate", "node1");
  assert.match((await pulumi("refresh", "--yes")).all, /2 deleted/);
  assert.match(await up(), /2 created/);
  const { instances } = JSON.parse(await must("cloud", "list"));
  assert.deepEqual(
    instances.map(({ name, state, host }: Record<string, unknown>) => ({ name, state, host })),
    [{ name: "node1", state: "running", host: 17 }],
  );
});

test("destroy leaves nothing", async () => {
  const { code, all } = await pulumi("destroy", "--yes");
  assert.equal(code, 0, all);
  assert.deepEqual(JSON.parse(await must("cloud", "list")), { instances: [], volumes: [] });
  assert.equal(await readFile(path.join(env.LAB_DIR, "nodes", HOST, "disk.img")).catch(() => "gone"), "gone");
});
