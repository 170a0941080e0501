/**
 * What a restore is for besides lost disks: machines that are all new, a cluster of which one member is left, no stack at hand,
 * and a second thought.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { bareHosts, labDown, must, onHost } from "../e2e/lab.ts";
import { listedMembers, startsOf } from "../e2e/members.ts";
import { cli } from "../e2e/planned.ts";
import { Project } from "../e2e/project.ts";
import { copied, keysOn, type Saved, saveSnapshot, write } from "../e2e/restoring.ts";
import { savedCluster } from "../e2e/saved.ts";
import { whileWriting } from "../e2e/writing.ts";

const ALL = [1, 2, 3];
const projects: Project[] = [];

afterEach(async () => {
  for (const project of projects.splice(0)) await project.dispose();
  await labDown();
});

async function cluster(): Promise<Project> {
  const project = await savedCluster(3);
  projects.push(project);
  await write(1, "before", 20);
  return project;
}
const linesOf = ({ name: snapshot, sha256 }: Saved) => ({ snapshot, sha256 });

async function loseData(...hosts: readonly number[]): Promise<void> {
  for (const n of hosts)
    await onHost(n, "systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf /var/lib/etcd/member");
}
async function hasAll(prefix: string, count: number): Promise<void> {
  for (const n of ALL) assert.equal((await keysOn(n, prefix)).length, count, `${prefix} on node${n}`);
}

test("one member is left: restarted alone it serves nobody, and its data is restored, to the last write", async () => {
  const project = await cluster();
  await write(2, "after", 10);
  await loseData(2, 3);
  await onHost(1, "systemctl kill -s KILL etcd; sleep 3");
  await project.configure({ checkId: 1 });
  const lost = await project.up();
  assert.match(
    lost.all,
    /refused: the data of node[23] is gone from \/var\/lib\/etcd: an empty start could lose acknowledged writes/,
  );
  const saved = await saveSnapshot(1, "--from-data");
  const copying = await must(cli(project, "copy-snapshot", saved.name));
  assert.match(copying.stdout, /^node2 has \S+ of node1\nnode3 has \S+ of node1$/m);
  assert.ok(copying.stdout.includes(`{ snapshot: ${saved.name}, sha256: ${saved.sha256} }`));
  await project.configure({ restore: linesOf(saved) });
  await must(project.up());
  await hasAll("before", 20);
  await hasAll("after", 10);
  await must(project.up("--expect-no-changes"));
});

test("all machines are new, and so is the stack: the first up founds the cluster from the snapshot", async () => {
  await cluster();
  const saved = await saveSnapshot(3);
  const content = await onHost(3, `base64 -w 0 /var/lib/etcd-host/snapshots/${saved.name}`);
  await bareHosts(3);
  const fresh = await Project.create("again");
  projects.push(fresh);
  const file = join(fresh.dir, saved.name);
  await writeFile(file, Buffer.from(content, "base64"));
  await must(cli(fresh, "copy-snapshot", `./${saved.name}`));
  await fresh.configure({ restore: linesOf(saved) });
  await must(fresh.up());
  await hasAll("before", 20);
  assert.deepEqual(await listedMembers(1), ["node1", "node2", "node3"]);
  await must(fresh.up("--expect-no-changes"));
  await fresh.configure({ restore: undefined });
  await must(fresh.up());
  await must(fresh.up("--expect-no-changes"));
});

test("by hand, without the stack, which takes over afterwards and restarts nobody", async () => {
  const project = await cluster();
  const saved = await saveSnapshot(2);
  await write(1, "after", 5);
  await copied(saved, [1, 3]);
  await loseData(1, 3);
  for (const n of ALL) await onHost(n, `etcd-host stage ${saved.name} </dev/null`);
  for (const n of ALL) await onHost(n, "etcd-host halt --yes");
  for (const n of ALL) await onHost(n, "etcd-host switch --yes");
  await onHost(
    1,
    "for i in $(seq 60); do etcd-host health >/dev/null 2>&1 && exit 0; sleep 0.5; done; etcd-host health",
  );
  await hasAll("before", 20);
  await hasAll("after", 0);
  const starts = await startsOf(ALL);
  await project.configure({ restore: linesOf(saved) });
  await must(project.up());
  assert.deepEqual(await startsOf(ALL), starts);
  await must(project.up("--expect-no-changes"));
});

test("a second thought after halt: put-back on every host, and not one write is missing", async () => {
  const project = await cluster();
  const saved = await saveSnapshot(1);
  await write(1, "after", 5);
  await copied(saved, [2, 3]);
  await project.configure({ restore: linesOf(saved), allow: ["restore-healthy-cluster"] });
  await project.interrupt("SIGKILL", / node[123]-halt created/);
  await must(project.pulumi("cancel", "--yes"));
  for (const n of ALL) await onHost(n, "flock /run/etcd-host/lock true; systemctl stop etcd");
  const states = await Promise.all(
    ALL.map((n) => onHost(n, "cat /var/lib/etcd-host/halted/token 2>/dev/null || echo none")),
  );
  for (const n of ALL) {
    if (states[n - 1] === "none") await onHost(n, "systemctl start --no-block etcd");
    else await onHost(n, "etcd-host put-back --yes");
  }
  await onHost(
    1,
    "for i in $(seq 60); do etcd-host health >/dev/null 2>&1 && exit 0; sleep 0.5; done; etcd-host health",
  );
  await hasAll("before", 20);
  await hasAll("after", 5);
  await project.configure({ restore: undefined, allow: undefined });
  await must(project.up());
  await hasAll("after", 5);
  await must(project.up("--expect-no-changes"));
});

test("a healthy cluster, allowed: it begins again with the snapshot, and its old members cannot come back", async (context) => {
  const project = await cluster();
  const saved = await saveSnapshot(1);
  await write(1, "after", 5);
  await copied(saved, [2, 3]);
  await project.configure({ restore: linesOf(saved), allow: ["restore-healthy-cluster"] });
  const began = Date.now();
  const { longestGapMs } = await whileWriting(project, () => must(project.up()));
  context.diagnostic(`up took ${Date.now() - began} ms, and no client wrote for ${longestGapMs} ms of it`);
  await hasAll("before", 20);
  await hasAll("after", 0);
  for (const n of ALL)
    assert.match(
      await onHost(n, "ls /var/lib/etcd-host/snapshots"),
      new RegExp(`^etcd-3\\.6-\\d{8}T\\d{6}Z-node${n}-before-restore\\.db$`, "m"),
    );
  await must(project.up("--expect-no-changes"));
});
