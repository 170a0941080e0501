/**
 * A database of 6 GiB (LARGE_GIB=… for another size): a roll, a minor step with its snapshots and the replacement of a
 * member take their time, and are given it. Each host's disk holds the database twice and a snapshot of it. Where three
 * databases do not fit into the machine's memory, each start takes minutes, and no write passes for most of them: etcd
 * has the others hash all that they have.
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { after, before, type TestContext, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { bareHosts, labDown, labEnv, must, onHost } from "../e2e/lab.ts";
import { listedMembers } from "../e2e/members.ts";
import { planned } from "../e2e/planned.ts";
import { Project } from "../e2e/project.ts";
import { whileWriting } from "../e2e/writing.ts";
import { rates, underLoad } from "./load.ts";

const NODES = [1, 2, 3];
const GIB = 1024 ** 3;
const SIZE = Number(env.LARGE_GIB ?? 6) * GIB;
const VALUE = 128 * 1024;
const RESTARTS = { node1: "restart", node2: "restart", node3: "restart" } as const;

let project: Project;

before(async () => {
  for (const version of ["3.6.16", "3.7.3"]) await prepareEtcd(version, () => {});
  labEnv.LAB_DISK_MB = String(Math.ceil((3 * SIZE) / 1024 ** 2) + 6000); // of it only what is written takes room
  await bareHosts(3);
  // a low snapshotCount: a member keeps what it has written since the last raft snapshot in memory
  const settings = { version: "3.6.16", quotaBackendBytes: 8 * GIB, snapshotCount: 1000 };
  project = await Project.create("large", settings);
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("it is filled", async (context) => {
  const options = { clients: 3, pipelined: 8, bytes: VALUE, count: Math.ceil(SIZE / VALUE), limit: "60s" };
  const load = await underLoad(project, { ...options, prefix: "large/" });
  context.diagnostic(`${rates(load)} of ${VALUE / 1024} KiB, in ${load.seconds.toFixed(0)} s`);
  assert.equal(load.missing, 0);
  for (const bytes of await sizes()) assert.ok(bytes >= SIZE, `a database of ${bytes} bytes`);
});

test("a changed flag is rolled, and nothing is lost", async (context) => {
  await project.configure({ snapshotCount: 2000 });
  const up = await planned(project, RESTARTS);
  await timed(context, up);
  await must(project.up("--expect-no-changes"));
});

test("a minor step: each host has a verified snapshot of all of it first", async (context) => {
  await project.configure({ version: "3.7.3" });
  const up = await planned(project, RESTARTS);
  await timed(context, up);
  const saved = "stat -c %s /var/lib/etcd-host/snapshots/etcd-3.6-*.db";
  for (const n of NODES) {
    assert.ok(Number(await onHost(n, saved)) >= SIZE);
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
    await onHost(n, "rm /var/lib/etcd-host/snapshots/etcd-3.6-*.db");
  }
});

test("a member that is replaced gets all of it, and votes", async (context) => {
  await project.configureNode("node3", { incarnation: 2 });
  const up = await planned(project, { node3: "replace", node1: "nothing", node2: "nothing" });
  await timed(context, up);
  assert.deepEqual(await listedMembers(1), ["node1", "node2", "node3"]);
  for (const bytes of await sizes()) assert.ok(bytes >= SIZE, `a database of ${bytes} bytes`);
});

/** Does it while clients write; says how long it took, and each member. */
async function timed(context: TestContext, up: () => Promise<{ readonly all: string }>): Promise<void> {
  const began = performance.now();
  let said = "";
  const written = await whileWriting(project, async () => {
    said = (await up()).all;
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const steps = said.match(/etcd-host: (restarted|saved and verified|node3 has caught up).*/g) ?? [];
  context.diagnostic(`${seconds} s: ${JSON.stringify(written)}; ${[...new Set(steps)].join("; ")}`);
  assert.equal(written.missing, 0);
}

/** Bytes of each member's database, as it says itself. */
async function sizes(): Promise<readonly number[]> {
  const status = await onHost(1, "etcd-host ctl endpoint status -w fields | sed -n 's/^\"DBSize\" : //p'");
  return status.split("\n").map(Number);
}
