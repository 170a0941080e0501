/** What a proof has to see at the moment of the act: a cut between followers, a log that runs away, a member that is gone. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lab, labDown, must, onHost } from "./lab.ts";
import { leaderChanges, startsOf } from "./members.ts";
import { planned } from "./planned.ts";
import type { Project } from "./project.ts";
import { refusedUp } from "./refused.ts";
import { savedCluster } from "./saved.ts";
import { whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("two followers that are cut from each other: their leader is not stopped, and leads on", async (context) => {
  await makeLeader(1);
  const [starts, term] = [await startsOf(NODES), await leaderChanges()];
  await must(lab("partition", "2", "3"));
  context.after(() => lab("heal"));
  const written = await whileWriting(project, async () => {
    const { sentence } = await refusedUp(project, [], { snapshotCount: 20000 });
    assert.match(
      sentence("node1-member"),
      /refused: node1 led, and the others are no quorum without it: once node[23] led, not healthy: node[23]\. node1 leads now, and nothing was changed: make sure that the other members reach each other on their peer ports \(2380\), then run again$/,
    );
  });
  context.diagnostic(JSON.stringify(written));
  assert.ok(written.acknowledged > 100, "the writer hardly wrote");
  assert.equal(written.missing, 0);
  assert.deepEqual(await startsOf(NODES), starts);
  assert.match(await leader(), /node1/);
  assert.equal(
    await leaderChanges(),
    term + 2,
    "leadership was moved and moved back, and nobody was elected",
  );
});

test("members whose log runs away are rolled all the same, and lose no acknowledged write", async (context) => {
  await must(lab("heal"));
  await onHost(1, "until etcd-host health >/dev/null 2>&1; do sleep 0.2; done");
  await project.configure({ snapshotCount: 30000 }); // node1 has changed nothing yet
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const [from, began] = [await revision(), performance.now()];
  await onHost(2, "systemd-run --quiet --unit=load /usr/local/sbin/etcd-host ctl check perf --load=l");
  context.after(() => onHost(2, "systemctl stop load || true"));
  const written = await whileWriting(project, () => up());
  const rate = ((await revision()) - from) / ((performance.now() - began) / 1000);
  context.diagnostic(`${JSON.stringify(written)}, ${Math.round(rate)} writes/s in all`);
  assert.equal(written.missing, 0);
});

test("a member that was removed by hand is named at once, and comes back with a raised incarnation", async () => {
  const [, id] = /^([0-9a-f]+), started, node3,/m.exec(await onHost(1, "etcd-host ctl member list")) ?? [];
  await onHost(1, `etcd-host ctl member remove ${id}`);
  const starts = await startsOf(NODES);
  const { sentence } = await refusedUp(project, [], { checkId: 1 });
  assert.match(
    sentence("before"),
    /refused: node3 \(incarnation 1\) is declared, and was removed from the cluster by hand\. Nothing was changed: raise its incarnation/,
  );
  assert.deepEqual(await startsOf(NODES), starts);
  await project.configureNode("node3", { incarnation: 2 });
  await must(project.up());
});

/** Leadership goes to this host's member. */
async function makeLeader(n: number): Promise<void> {
  const id = `etcd-host ctl member list | sed -n 's/,.*node${n},.*//p'`;
  await onHost(1, `etcd-host ctl move-leader $(${id}) || true`); // it may lead already
  assert.match(await leader(), new RegExp(`node${n}`));
}

async function revision(): Promise<number> {
  return Number(
    await onHost(
      1,
      `etcd-host ctl endpoint status -w fields | awk '$1 == "\\"Revision\\"" { print $3 }' | sort -n | tail -n 1`,
    ),
  );
}

/** The name of the member that leads. */
function leader(): Promise<string> {
  return onHost(
    1,
    `id=$(etcd-host ctl endpoint status -w fields | awk '$1 == "\\"Leader\\"" { print $3 }' | sort -u)
     etcd-host ctl member list | grep "^$(printf %x "$id"),"`,
  );
}
