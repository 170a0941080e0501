/**
 * The worst day: the quorum is lost, and a snapshot is what is left. A restore is a change of the stack: planned, refused where
 * it would harm, killed in the middle and run again, and nothing of what was written before the snapshot is missing.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labDown, must, onHost } from "./lab.ts";
import { listedMembers, startsOf } from "./members.ts";
import { planOf } from "./planned.ts";
import type { Project } from "./project.ts";
import { refusedUp } from "./refused.ts";
import { copied, keysOn, type Saved, saveSnapshot, watchFrom, write } from "./restoring.ts";
import { savedCluster } from "./saved.ts";
import { swept } from "./sweep.ts";

const ALL = [1, 2, 3];
/** Where the CLI is killed: a line of its output, and so many milliseconds later. */
const moments = [
  ["node2-restore creat", 200],
  ["before updat", 100],
  ["node1-halt creat", 150],
  ["node3-halt creat", 400],
  ["node1-member updat", 300],
  ["node2-member updat", 100],
  ["node3-member updat", 300],
  ["membership updat", 100],
  ["health updat", 0],
] as const;

let project: Project;
let saved: Saved;
const restore = (changes: object = {}) => ({ snapshot: saved.name, sha256: saved.sha256, ...changes });

before(async () => {
  project = await savedCluster(3);
  await write(1, "before", 40);
  saved = await saveSnapshot(2);
  await write(1, "after", 10);
  await copied(saved, [1, 3]);
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("a healthy cluster is not restored, nor is another file than the one that was approved: nothing stops", async () => {
  const starts = await startsOf(ALL);
  const wrong = { ...restore(), sha256: "0".repeat(64) };
  const other = await refusedUp(project, [], { restore: wrong });
  for (const n of ALL)
    assert.match(
      other.sentence(`node${n}-restore`),
      /could not verify the snapshot .* approved was 0{64}; nothing was stopped/,
    );
  const healthy = await refusedUp(project, [], { restore: restore() });
  assert.match(
    healthy.sentence("before"),
    /the cluster is healthy, as seen from .*; a restore would lose what was written since r\d+, \d+ revisions: allow it by etcd:allow: \[restore-healthy-cluster\]; nothing was stopped/,
  );
  assert.deepEqual(await startsOf(ALL), starts);
  assert.equal((await keysOn(1, "after")).length, 10);
  await project.configure({ restore: undefined });
  await must(project.up()); // given up before anything stopped
  assert.deepEqual(await startsOf(ALL), starts);
  await must(project.up("--expect-no-changes"));
});

test("two of three members lose their disks: the plan says what is lost, and up restores, killed and run again", async (context) => {
  const cluster = await onHost(1, "etcd-host ctl member list -w fields | sed -n 's/^\"ClusterID\" : //p'");
  for (const n of [2, 3])
    await onHost(n, "systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf /var/lib/etcd/member");
  await project.configure({ restore: restore() });
  const plan = await planOf(project);
  assert.equal(plan.verdict, "outage");
  assert.match(plan.headline, /^3 members are restored from .*; what was written since is lost · an outage$/);
  assert.deepEqual(
    plan.hosts.map(({ action }) => action),
    ["restore", "restore", "restore"],
  );
  for (const moment of swept("a restore", moments)) {
    // what was done before the last kill is not done again: then the next one counts
    const lines = moments.slice(moments.indexOf(moment)).map(([line]) => line);
    await project.interrupt("SIGKILL", new RegExp(` (${lines.join("|")})`), moment[1]);
    await must(project.pulumi("cancel", "--yes"));
  }
  const began = Date.now();
  await must(project.up());
  context.diagnostic(`the last up took ${Date.now() - began} ms`);

  assert.deepEqual(await listedMembers(1), ["node1", "node2", "node3"]);
  assert.notEqual(
    await onHost(1, "etcd-host ctl member list -w fields | sed -n 's/^\"ClusterID\" : //p'"),
    cluster,
  );
  for (const n of ALL) {
    assert.equal((await keysOn(n, "before")).length, 40, `node${n}`);
    assert.deepEqual(await keysOn(n, "after"), [], `node${n}`);
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
  assert.match(await watchFrom(1, 2), /required revision has been compacted/);
  assert.match(await onHost(1, "ls -d /var/lib/etcd.aside-*"), /^\/var\/lib\/etcd\.aside-\d{8}T\d{6}Z$/);
  await must(project.up("--expect-no-changes"));
});

test("it is done once: another check runs nothing of it again, and without it nothing of the members changes", async () => {
  const starts = await startsOf(ALL);
  await write(1, "since", 5);
  await project.configure({ checkId: 1 });
  await must(project.up());
  await project.configure({ restore: undefined });
  await must(project.up());
  assert.deepEqual(await startsOf(ALL), starts);
  assert.equal((await keysOn(3, "since")).length, 5);
  await must(project.up("--expect-no-changes"));
});
