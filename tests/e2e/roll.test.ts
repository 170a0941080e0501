import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { Project } from "./project.ts";
import { whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  await bareHosts(3);
  project = await Project.create("roll");
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("a changed flag restarts each member once, in order, and loses no acknowledged write", async (context) => {
  const starts = await Promise.all(NODES.map(startedAt));
  const leaders = await leaderChanges();
  await project.configure({ snapshotCount: 20000 });
  const written = await whileWriting(project, () => must(project.up()));
  context.diagnostic(JSON.stringify(written));
  assert.ok(written.acknowledged > 100, "the writer hardly wrote");
  assert.equal(written.missing, 0);

  const again = await Promise.all(NODES.map(startedAt));
  for (const [index, start] of again.entries()) assert.ok(start > (starts[index] ?? 0), `node${index + 1}`);
  assert.deepEqual(
    [...again].sort((a, b) => a - b),
    again,
    "the members were not restarted in order",
  );
  for (const n of NODES) {
    assert.equal(await onHost(n, "systemctl show etcd -p NRestarts --value"), "0");
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
  assert.ok((await leaderChanges()) - leaders <= 2, "the leader changed more than twice");
  await must(project.up("--expect-no-changes"));
});

test("a setting that etcd rejects comes back on the first member, and touches no other", async () => {
  const [, second, third] = await Promise.all(NODES.map(startedAt));
  await project.configure({ extraFlags: { "peer-cert-allowed-cn": "a", "peer-cert-allowed-hostname": "b" } });
  const { code, all } = await project.up();
  await project.configure({ extraFlags: undefined, checkId: 1 });
  assert.notEqual(code, 0, all);
  assert.match(all, /etcd does not start with the new settings on node1, which runs with the old ones again/);
  assert.deepEqual([await startedAt(2), await startedAt(3)], [second, third]);
  await must(lab("enter", "1", "etcd-host", "health"));
  await must(project.up());
  assert.equal(await onHost(1, "etcd-host verify"), "node1 is as declared");
});

test("with one member down no other is restarted, and the message says which", async () => {
  await onHost(3, "systemctl stop etcd");
  const [first, second] = await Promise.all([startedAt(1), startedAt(2)]);
  const proven = await project.output("deployed");
  await project.configure({ snapshotCount: 30000 });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /node1 may not restart: of the other 2 voters 1 healthy, 2 needed; not healthy: node3/);
  assert.deepEqual(await Promise.all([startedAt(1), startedAt(2)]), [first, second]);
  // a run that fails must not forget that the cluster was founded, whatever its output lists as gone
  assert.deepEqual(await project.output("deployed"), proven);

  await project.configure({ rolloutOrder: ["node3"] });
  await must(project.up());
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
});

test("a new patch version is rolled through, the links follow, and no acknowledged write is lost", async (context) => {
  await prepareEtcd("3.6.16", () => {});
  await project.refresh();
  await project.configure({ version: "3.6.16" });
  const written = await whileWriting(project, () => must(project.up()));
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.equal(await project.output("version"), "3.6.16");
  for (const n of NODES) {
    assert.equal(await onHost(n, "readlink /usr/local/bin/etcdctl"), "/opt/etcd/3.6.16/etcdctl");
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
});

test("another minor version and a change of members are refused in preview", async () => {
  await project.configure({ version: "3.7.1" });
  await project.configureNode("node2", { incarnation: 2 });
  const { code, all } = await project.pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(all, /changes patch versions only yet: stay within 3\.6/);
  assert.match(all, /node2 would be replaced; this version of the program does not change the members/);
});

/** When the running process started, in microseconds of the machine that all hosts are on. */
async function startedAt(n: number): Promise<number> {
  return Number(await onHost(n, "systemctl show etcd -p ExecMainStartTimestampMonotonic --value"));
}

/** Elections seen so far, as the member says that has seen the most. */
async function leaderChanges(): Promise<number> {
  const terms = await onHost(
    1,
    'etcd-host ctl endpoint status -w fields | awk \'$1 == "\\"RaftTerm\\"" { print $3 }\' | sort -n | tail -n 1',
  );
  return Number(terms);
}
