import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { bareHosts, labDown, must, onHost } from "./lab.ts";
import { leaderChanges, startsOf } from "./members.ts";
import { planned, upAsPlanned } from "./planned.ts";
import { Project } from "./project.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];

/**
 * Low, so that 3.6 takes a raft snapshot before 3.7 comes: etcd 3.7 ends at its start while the log that it replays has
 * entries from 3.5 (docs/operations.md).
 */
const SNAPSHOT_COUNT = 500;
let project: Project;

before(async () => {
  for (const version of ["3.5.35", "3.6.16", "3.7.3"]) await prepareEtcd(version, () => {});
  await bareHosts(3);
  project = await Project.create("upgrade", { version: "3.5.35", snapshotCount: SNAPSHOT_COUNT });
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("a minor is never skipped: refused in preview, with the way that works", async () => {
  const starts = await startsOf(NODES);
  await project.configure({ version: "3.7.3" });
  const { code, all } = await project.pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(
    all,
    /version: the cluster runs 3\.5\.35; etcd goes up one minor at a time; go to 3\.6 first\./,
  );
  assert.deepEqual(await startsOf(NODES), starts);
});

for (const [from, to] of [
  ["3.5", "3.6.16"],
  ["3.6", "3.7.3"],
] as const) {
  test(`${from} → ${to} in one up: no acknowledged write is lost, and a verified snapshot is on every host`, async (context) => {
    const leaders = await leaderChanges();
    await project.configure({ version: to });
    const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
    const written = await whileWriting(project, () => up());
    context.diagnostic(JSON.stringify(written));
    assert.equal(written.missing, 0);
    await assertNoOutage(written, NODES);
    assert.ok((await leaderChanges()) - leaders <= 2, "the leader changed more than twice");
    assert.equal(await project.output("version"), to);
    for (const n of NODES) {
      assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
      assert.match(await onHost(n, `ls /var/lib/etcd-host/snapshots/etcd-${from}-*.db`), /\.db/);
    }
    assert.match(await onHost(1, "etcd-host ctl version"), new RegExp(`etcdctl version: ${to}`));
    await must(project.up("--expect-no-changes"));
  });
}

test("one minor back is refused in preview, and goes by etcd's downgrade when it is allowed", async (context) => {
  await project.configure({ version: "3.6.16" });
  const { code, all } = await project.pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(
    all,
    /going back from 3\.7 to 3\.6 is etcd's downgrade procedure; add downgrade to etcd:allow/,
  );

  await project.configure({ allow: ["downgrade"] });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.equal(await project.output("version"), "3.6.16");
  await project.configure({ allow: undefined });
  await upAsPlanned(project, { node1: "compare", node2: "compare", node3: "compare" });
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
});

test("from 3.6 to 3.5 likewise", async () => {
  await project.configure({ version: "3.5.35", allow: ["downgrade"] });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  assert.equal(written.missing, 0);
  assert.equal(await project.output("version"), "3.5.35");
  await must(project.up("--expect-no-changes"));
});

test("another minor that the preview let through, because it planned from an old record, is refused on the host", async () => {
  const starts = await startsOf(NODES);
  const text = JSON.stringify(JSON.parse((await must(project.pulumi("stack", "export"))).stdout));
  await must(
    project.importState(
      text
        .replaceAll('\\"version\\":\\"3.5.35\\"', '\\"version\\":\\"3.6.16\\"')
        .replaceAll('"version":"3.5.35"', '"version":"3.6.16"'),
    ),
  );
  await project.configure({ version: "3.7.3", allow: undefined });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(
    all,
    /the cluster is at version 3\.5, so etcd 3\.7\.3 cannot start in it: one minor at a time/,
  );
  assert.deepEqual(await startsOf(NODES), starts);
});
