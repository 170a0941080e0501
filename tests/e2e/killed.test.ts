/** The CLI is killed in the middle of a change of a running cluster: cancel and up end what was begun, and no write is lost. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labDown, must, onHost } from "./lab.ts";
import { listedMembers, startedAt } from "./members.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { swept } from "./sweep.ts";
import { whileWriting } from "./writing.ts";

/** When the CLI is killed: a line of its output, and so many milliseconds later. */
type Moment = readonly [line: string, laterMs: number];

const inRoll: readonly Moment[] = [
  ["node2-host updating", 0],
  ["before updating", 0],
  ["node1-member updating", 0],
  ["node1-member updating", 300],
  ["node1-member updating", 700],
  ["node1-member updated", 0],
  ["node2-member updating", 500],
  ["node3-member updating", 200],
  ["membership updating", 0],
  ["health updating", 0],
];

/** Of the node that joins. */
const inJoin: readonly Moment[] = [
  ["host creating", 0],
  ["binaries creating", 0],
  ["certificates created", 0],
  ["member creating", 0],
  ["member creating", 200],
  ["member creating", 500],
  ["member creating", 900],
  ["member creating", 1300],
  ["member creating", 1800],
  ["member created", 0],
];

/** Of the cluster step that takes the other node's member out, and of that node's own steps. */
const inRemoval: readonly Moment[] = [
  ["membership updating", 0],
  ["membership updating", 150],
  ["membership updating", 300],
  ["membership updated", 0],
  ["health updating", 0],
  ["health updating", 200],
  ["member deleting", 0],
  ["member deleted", 0],
  ["certificates deleting", 0],
  ["host deleting", 0],
];

let project: Project;
let nodes: readonly unknown[];

before(async () => {
  project = await savedCluster(3, {}, 4);
  nodes = Object(await project.configured("nodes"));
  await project.configure({ nodes: nodes.slice(0, 3) });
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("killed in a roll, at one moment or another", async (context) => {
  const written = await whileWriting(project, async () => {
    for (const [index, moment] of swept("a roll", inRoll).entries()) {
      await project.configure({ snapshotCount: 20000 + index });
      await killed(moment);
      await must(project.up());
      await asDeclared([1, 2, 3]);
    }
  });
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await must(project.up("--expect-no-changes"));
});

test("killed in a join, and then in the removal that follows, at one moment or another", async (context) => {
  const written = await whileWriting(project, async () => {
    const removals = swept("a removal", inRemoval);
    for (const [index, moment] of swept("a join", inJoin).entries()) {
      const [joins, leaves] = index % 2 === 0 ? [4, 3] : [3, 4];
      await project.configure({ nodes: [nodes[0], nodes[1], nodes[joins - 1]] });
      await killed(ofNode(joins, moment));
      await killed(ofNode(leaves, removals[index] ?? never()));
      await must(project.up());
      await asDeclared([1, 2, joins]);
      assert.equal(
        await onHost(
          leaves,
          "ls /etc/systemd/system/etcd.service /usr/local/sbin/etcd-host 2>/dev/null || true",
        ),
        "",
      );
    }
  });
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await must(project.up("--expect-no-changes"));
});

test("killed in a roll, and the configuration put back: a raised checkId brings every host back to it", async () => {
  const before = await project.configured("snapshotCount");
  await project.configure({ snapshotCount: 30000 });
  await killed(["node2-member updating", 300]);
  await project.configure({ snapshotCount: before, checkId: 1 });
  await must(project.up());
  await asDeclared([1, 2, 3]);
  for (const n of [1, 2, 3])
    assert.ok((await onHost(n, "ps -o args= -C etcd")).includes(`--snapshot-count=${before} `));
});

test("killed in a join, and the configuration put back: the half-made member is taken out again", async () => {
  const before = await project.configured("nodes");
  for (const [index, laterMs] of swept("a join taken back", [0, 600, 1200], 1).entries()) {
    await project.configure({ nodes: [nodes[0], nodes[1], nodes[3]] });
    await killed(["node4-member creating", laterMs]);
    await project.configure({ nodes: before, checkId: 2 + index });
    await must(project.up());
    await asDeclared([1, 2, 3]);
    await must(project.up("--expect-no-changes"));
  }
});

test("a script orphaned in the middle of a restart, and a new up that begins elsewhere: never two members down", async () => {
  // beside the unit, not in a drop-in: that would be set aside
  const slow = "[Unit]\\nBefore=etcd.service\\n[Service]\\nType=oneshot\\nExecStart=/bin/sleep 6\\n";
  await onHost(
    1,
    `cd /run/systemd/system && printf '${slow}' >slow.service && mkdir etcd.service.wants && ln -s ../slow.service etcd.service.wants/`,
  );
  await project.configure({ snapshotCount: 40000 });
  const written = await whileWriting(project, async () => {
    await killed(["node1-member updating", 1500]);
    await project.configure({ rolloutOrder: ["node2"] });
    await must(project.up());
  });
  assert.equal(written.missing, 0);
  await asDeclared([1, 2, 3]);
  const ready = Number(await onHost(1, "systemctl show etcd -p ActiveEnterTimestampMonotonic --value"));
  assert.ok((await startedAt(2)) > ready, "node2 was restarted while node1 was not back");
});

function ofNode(host: number, [line, laterMs]: Moment): Moment {
  return [/^(health|membership)/.test(line) ? line : `node${host}-${line}`, laterMs];
}

function never(): never {
  throw new Error("there are as many moments of a removal as of a join");
}

async function killed([line, laterMs]: Moment): Promise<void> {
  await project.interrupt("SIGKILL", new RegExp(` ${line}`), laterMs);
  await must(project.pulumi("cancel", "--yes"));
}

async function asDeclared(hosts: readonly number[]): Promise<void> {
  for (const n of hosts) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  assert.deepEqual(
    await listedMembers(1),
    hosts.map((n) => `node${n}`),
  );
}
