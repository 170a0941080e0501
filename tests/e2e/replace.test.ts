import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lab, labDown, must, onHost } from "./lab.ts";
import { listedMembers, startsOf } from "./members.ts";
import { planned, upAsPlanned } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { whileWriting } from "./writing.ts";

/** Three hosts have members at first; the fourth and the fifth are spare machines. */
const HOSTS = 5;
const members = ["node1", "node2", "node3"];
let project: Project;
let spare: readonly unknown[];

before(async () => {
  project = await savedCluster(3, {}, HOSTS);
  const nodes: readonly unknown[] = Object(await project.configured("nodes"));
  spare = nodes.slice(3);
  await project.configure({ nodes: nodes.slice(0, 3) });
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("a dead founder on a new machine at its address, and a changed flag, in one up", async (context) => {
  await must(lab("reset", "2"));
  await project.configureNode("node2", { incarnation: 2 });
  await project.configure({ snapshotCount: 20000 });
  const up = await planned(project, { node2: "replace", node1: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.deepEqual(await listedMembers(1), members);
  for (const n of [1, 2, 3]) {
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
    assert.match(await onHost(n, "ps -o args= -C etcd"), /--snapshot-count=20000/);
  }
  await must(project.up("--expect-no-changes"));
});

test("an unreplaced machine: with its data gone it is refused, whatever checkId says", async () => {
  await must(lab("reset", "2"));
  const starts = await startsOf([1, 3]);
  await project.configure({ checkId: 1 });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /the data of node2 is gone from \/var\/lib\/etcd: .*raise the node's incarnation/);
  assert.equal(await onHost(2, "systemctl is-active etcd; ls /var/lib/etcd || true"), "inactive");
  assert.deepEqual(await startsOf([1, 3]), starts);
  await project.configureNode("node2", { incarnation: 3 });
  await must(project.up());
  assert.deepEqual(await listedMembers(1), members);

  await project.configureNode("node2", { incarnation: 2 });
  const lowered = await project.pulumi("preview");
  assert.notEqual(lowered.code, 0);
  assert.match(lowered.all, /node2 is already at 3; it can only be raised, never lowered to 2/);
  await project.configureNode("node2", { incarnation: 3 });
});

test("the first of the order, which is the admin host, on another machine at another address", async (context) => {
  await must(lab("kill", "1"));
  await project.configureNode("node1", { incarnation: 2, address: "192.168.1.104" });
  const { all } = await upAsPlanned(project, { node1: "replace", node2: "nothing", node3: "nothing" });
  context.diagnostic(all.match(/node1 has caught up.*/)?.[0] ?? "");
  assert.deepEqual(await listedMembers(4), members);
  assert.equal(await onHost(4, "etcd-host verify"), "node1 is as declared");
  await must(project.up("--expect-no-changes"));

  // what is left of it is no member, and its data is as it was
  await must(lab("start", "1"));
  assert.match(await onHost(1, "ls -d /var/lib/etcd*/member/wal"), /^\/var\/lib\/etcd\/member\/wal$/m);
  assert.deepEqual(await listedMembers(4), members);
});

test("a live member is replaced on its own machine: its old data is kept aside", async () => {
  await project.configureNode("node3", { incarnation: 2 });
  const up = await planned(project, { node3: "replace", node1: "nothing", node2: "nothing" });
  const written = await whileWriting(project, () => up());
  assert.equal(written.missing, 0);
  assert.deepEqual(await listedMembers(2), members);
  assert.match(await onHost(3, "ls -d /var/lib/etcd.aside-*/member/wal"), /aside-/);
  await must(project.up("--expect-no-changes"));
});

test("a live member at another address: told to the others first, with certificates for both", async (context) => {
  await onHost(3, "ip addr add 192.168.1.143/24 dev eth0");
  const data = await onHost(3, "stat -c %i /var/lib/etcd/member/snap/db");
  const hostKey = await onHost(3, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  await project.configureNode("node3", { address: "192.168.1.143", hostKey });
  const others = await startsOf([2, 4]);
  const up = await planned(project, { node1: "nothing", node2: "nothing", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.deepEqual(await startsOf([2, 4]), others);
  assert.deepEqual(await listedMembers(2), members);
  assert.match(
    await onHost(2, "etcd-host ctl member list"),
    /node3, https:\/\/192\.168\.1\.143:2380, https:\/\/192\.168\.1\.143:2379/,
  );
  assert.equal(await onHost(3, "stat -c %i /var/lib/etcd/member/snap/db"), data);
  const names = await onHost(3, "openssl x509 -in /etc/etcd/pki/peer.crt -noout -ext subjectAltName");
  for (const address of ["192.168.1.103", "192.168.1.143"])
    assert.ok(names.includes(`IP Address:${address}`), names);
  await must(project.up("--expect-no-changes"));
});

test("another address without the data is refused: that is a replacement", async () => {
  const before = await project.configured("nodes");
  await project.configureNode("node3", { address: "192.168.1.105", hostKey: undefined });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /the data of node3 is gone from \/var\/lib\/etcd: .*raise the node's incarnation/);
  assert.deepEqual(await listedMembers(2), members);
  await project.configure({ nodes: before, checkId: 2 });
  await must(project.up());
  assert.deepEqual(await listedMembers(2), members);
  await must(lab("reset", "5"));
});

test("a machine that is gone for good: lost takes its member out, and later its entry, without a call to it", async () => {
  await must(lab("kill", "3"));
  await project.configureNode("node3", { lost: true });
  const lost = await upAsPlanned(project, { node1: "nothing", node2: "nothing", node3: "inert" });
  assert.match(lost.all, /2 nodes tolerate 0 failures/);
  assert.deepEqual(await listedMembers(2), ["node1", "node2"]);
  await must(project.up("--expect-no-changes"));

  const nodes: readonly unknown[] = Object(await project.configured("nodes"));
  await project.configure({ nodes: [...nodes.slice(0, 2), spare[1]] });
  await upAsPlanned(project, { node1: "nothing", node2: "nothing", node5: "join", node3: "inert" });
  assert.deepEqual(await listedMembers(2), ["node1", "node2", "node5"]);
  await must(project.up("--expect-no-changes"));
});

test("removed while it is dead, and not declared lost: its delete fails, and the documented way out works", async () => {
  await must(lab("kill", "5"));
  const nodes: readonly unknown[] = Object(await project.configured("nodes"));
  const third = { name: "node6", address: "192.168.1.103" };
  await must(lab("reset", "3"));
  await project.configure({ nodes: [...nodes.slice(0, 2), third] });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /dial tcp 192\.168\.1\.105:22/);
  assert.deepEqual(await listedMembers(2), ["node1", "node2", "node6"]);

  await project.configure({ nodes: [...nodes.slice(0, 2), third, { ...Object(spare[1]), lost: true }] });
  await must(project.up());
  await project.configure({ nodes: [...nodes.slice(0, 2), third] });
  await must(project.up());
  await must(project.up("--expect-no-changes"));
});

test("two of three dead: refused, with what is left and the way that remains", async () => {
  const before = await project.configured("nodes");
  for (const n of ["3", "2"]) await must(lab("kill", n));
  await project.configureNode("node2", { incarnation: 4 });
  await project.configureNode("node6", { incarnation: 2 });
  const preview = await project.pulumi("preview");
  assert.notEqual(preview.code, 0);
  assert.match(
    preview.all,
    /node2, node6 of 3 members would be without data at the same time, .*recover from a snapshot/,
  );

  // one of them has a new machine; the other is still off
  await must(lab("reset", "2"));
  await project.configure({ nodes: before });
  await project.configureNode("node2", { incarnation: 4 });
  const start = await startsOf([4]);
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(
    all,
    /no quorum answers node4: of 3 declared members these answer: node1; node6 cannot be reached/,
  );
  assert.match(all, /restore a snapshot/);
  assert.deepEqual(await startsOf([4]), start);

  // the other one comes back with its data: then the replacement goes through
  await must(lab("start", "3"));
  await must(project.up());
  assert.deepEqual(await listedMembers(4), ["node1", "node2", "node6"]);
});
