import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labHostOf } from "../../lab/ec2/stack.ts";
import { prepareEtcd } from "../../lab/prepare.ts";
import { cloud, configureAws, ec2Project, instanceIds, memberIds, mostDownAtOnce, onNode } from "./ec2.ts";
import { lab, labDown, must } from "./lab.ts";
import { cli, planned, planOf, upAsPlanned } from "./planned.ts";
import { counts, type Project } from "./project.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const SECOND_IMAGE = "ami-0000000000000a002";
const NODES = [1, 2, 3];
const rebuilt = { node1: "rebuild", node2: "rebuild", node3: "rebuild" } as const;
let project: Project;

before(async () => {
  await prepareEtcd("3.6.16", () => {});
  project = await ec2Project("ec2");
});
after(async () => {
  await project.dispose();
  await labDown();
});

async function isWhole(): Promise<void> {
  const verified = await cli(project, "verify");
  assert.equal(verified.code, 0, verified.all);
  const status = await cli(project, "status");
  assert.equal(status.code, 0, status.all);
}

test("one up makes the instances and the cluster on them, and a second one nothing", async (context) => {
  const started = Date.now();
  await upAsPlanned(project, { node1: "bootstrap", node2: "bootstrap", node3: "bootstrap" });
  context.diagnostic(`first up: ${Date.now() - started} ms`);
  await must(project.up("--expect-no-changes"));
  assert.equal((await planOf(project)).verdict, "nothing");

  const { instances } = await cloud();
  assert.deepEqual(instances.map(({ name, state }) => `${name} ${state}`).sort(), [
    "node1 running",
    "node2 running",
    "node3 running",
  ]);
  await isWhole();
  for (const n of NODES) {
    assert.equal(await onNode(n, "hostname"), `node${n}`);
    // the data and the record of whose it is are on the volume, mounted again at every boot
    const mounts = await onNode(n, "findmnt -n -o TARGET -S /dev/nvme1n1 | sort");
    assert.deepEqual(mounts.split("\n"), ["/var/lib/etcd", "/var/lib/etcd-host", "/var/lib/etcd-volume"]);
    assert.match(await onNode(n, "findmnt -n -o OPTIONS /var/lib/etcd"), /nosuid,nodev/);
    assert.match(await onNode(n, "systemctl show -P IPAddressDeny etcd"), /169\.254\.169\.254\/32/);
  }
});

test("the host key in user data was good for the first connection: sshd serves another one, after a reboot too", async () => {
  const hosts = Object(await project.output("sshHosts"));
  await must(lab("cloud", "stop", "node3"));
  await must(lab("cloud", "start", "node3"));
  for (const n of NODES) {
    const { address, hostKey } = hosts[`node${n}`];
    const answered = `until ssh-keyscan ${address} 2>&- | grep .; do sleep 0.1; done`; // once it has booted
    const { stdout } = await must(lab("exec", "timeout", "60", "sh", "-c", answered));
    assert.equal(stdout, `${address} ${hostKey}\n`);
    const told = await onNode(n, "cat /var/lib/cloud/instance/user-data.txt");
    assert.match(told, /"ecdsa_public": "ecdsa-sha2-nistp256 /);
    assert.ok(!told.includes(hostKey.split(" ")[1]));
  }
  await must(project.up("--expect-no-changes"));
});

test("a changed flag restarts each member once, in order, and loses no acknowledged write", async (context) => {
  await project.configure({ snapshotCount: 20000 });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const ids = await instanceIds();
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await assertNoOutage(
    written,
    NODES.map((n) => labHostOf(n)),
  );
  assert.deepEqual(await instanceIds(), ids);
  await must(project.up("--expect-no-changes"));
});

test("for a colleague, whose stack file lists no keys or comments them otherwise, there is nothing to do", async () => {
  const { authorizedKeys, ...aws } = Object(await project.configured("aws"));
  await project.configure({ aws });
  await must(project.up("--expect-no-changes"));
  assert.equal((await planOf(project)).verdict, "nothing");
  await configureAws(project, { authorizedKeys: authorizedKeys.map((key: string) => `${key} of the team`) });
  await must(project.up("--expect-no-changes"));
  await project.configure({ aws: { ...aws, authorizedKeys } });
});

test("an image of another architecture is refused before anything is touched", async () => {
  const ids = await instanceIds();
  await configureAws(project, { ami: "ami-0000000000000b001" });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /ami-0000000000000b001 is for arm64, but m7i\.large runs x86_64; choose an image/);
  assert.deepEqual(await instanceIds(), ids);
});

test("a new image replaces the instances one by one; the members keep their data and their IDs", async (context) => {
  await configureAws(project, { ami: SECOND_IMAGE });
  const before = await instanceIds();
  const members = await memberIds(1);
  const since = Date.now();
  const up = await planned(project, rebuilt);
  const written = await whileWriting(project, () => up());
  context.diagnostic(`${Date.now() - since} ms ${JSON.stringify(written)}`);
  assert.equal(written.missing, 0);
  await assertNoOutage(
    written,
    NODES.map((n) => labHostOf(n)),
  );
  assert.equal(await mostDownAtOnce(since), 1);

  const now = await instanceIds();
  for (const n of NODES) {
    assert.notEqual(now[`node${n}`], before[`node${n}`]);
    assert.equal(await onNode(n, "cat /etc/ami-id"), SECOND_IMAGE);
  }
  assert.deepEqual(await memberIds(1), members);
  await isWhole();
  await must(project.up("--expect-no-changes"));
});

test("another type replaces them in the same way, as it was approved", async () => {
  const before = await instanceIds();
  const since = Date.now();
  await configureAws(project, { instanceType: "m7i.xlarge" });
  const shown = await must(cli(project, "plan", "--save", "plan"));
  assert.match(shown.stdout, /: 3 instances are replaced, one at a time · safe$/m);
  assert.match(shown.stdout, /replace the instance +type m7i\.large → m7i\.xlarge; the data volume stays/);
  await must(cli(project, "up", "--plan", "plan"));
  assert.equal(await mostDownAtOnce(since), 1);
  const now = await instanceIds();
  for (const n of NODES) assert.notEqual(now[`node${n}`], before[`node${n}`]);
  assert.equal((await must(cli(project, "up", "--plan", "plan"))).stdout, "nothing to do\n");
});

test("with one member down no instance is replaced", async () => {
  await onNode(2, "systemctl stop etcd");
  const ids = await instanceIds();
  await configureAws(project, { instanceType: "m7i.large" });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /node1 may not have its machine replaced: of the other 2 voters 1 healthy, 2 needed/);
  assert.deepEqual(await instanceIds(), ids);
  await configureAws(project, { instanceType: "m7i.xlarge" });
  await project.configure({ checkId: 1 });
  await must(project.up());
  await isWhole();
});

test("an image that lets nobody in is found at the first member, and putting it back repairs that one", async () => {
  const ids = await instanceIds();
  await configureAws(project, { ami: "ami-0000000000000a009" });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /node1-key-exchange\)?:?[\s\S]*error: after 20 failed attempts/);
  const now = await instanceIds();
  assert.notEqual(now.node1, ids.node1);
  assert.deepEqual([now.node2, now.node3], [ids.node2, ids.node3]);

  await configureAws(project, { ami: SECOND_IMAGE });
  const { hosts } = await planOf(project);
  assert.deepEqual(
    hosts.map(({ name, action }) => `${name} ${action}`),
    ["node1 rebuild", "node2 nothing", "node3 nothing"],
  );
  await must(project.up());
  await isWhole();
  await must(project.up("--expect-no-changes"));
});

test("a new patch version is rolled through", async (context) => {
  await project.configure({ version: "3.6.16" });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.equal(await project.output("version"), "3.6.16");
});

test("destroy ends, also with an instance that does not answer, and keeps the volumes", async () => {
  const { volumes } = await cloud();
  await onNode(1, "systemctl stop ssh");
  const destroyed = await must(project.destroy());
  assert.ok(Number(counts(destroyed).deleted) > 50);
  assert.deepEqual(await cloud(), { instances: [], volumes });
  assert.deepEqual(volumes.map(({ name }) => name).sort(), ["node1-data", "node2-data", "node3-data"]);
});
