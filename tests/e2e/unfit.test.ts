/**
 * A roll is due, and one member is not fit for it: nothing is touched, whichever it is, and the message names it. A round
 * takes each kind on one of the members.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cutOffFromPeers, during, frozen, fullDisk, portTaken } from "./faults.ts";
import { labDown, must, onHost } from "./lab.ts";
import { startsOf } from "./members.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { swept } from "./sweep.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

for (const n of swept("a frozen member", NODES, 1))
  test(`node${n} is frozen`, async (t) => {
    await during(t, frozen(n));
    await refused(
      new RegExp(
        `refused: node${n} \\(https://192\\.168\\.1\\.10${n}:2379\\) does not answer node1: frozen, cut off or off`,
      ),
    );
  });

for (const n of swept("a member that is cut off", NODES, 1))
  test(`node${n} is cut off from the others`, async (t) => {
    await during(t, cutOffFromPeers(n));
    const words =
      n === 1
        ? "these answer: node1; node2 node3 cannot be reached"
        : `node${n} \\(.*\\) does not answer node1`;
    await refused(new RegExp(`refused: .*${words}.*Nothing was changed`));
  });

for (const n of swept("a full disk", NODES, 1))
  test(`the disk of node${n} is full`, async (t) => {
    await during(t, fullDisk(n, 100));
    await refused(new RegExp(`node${n} cannot run here\\. disk: \\d+ MiB free for /var/lib/etcd; free some`));
  });

test("a member that the change itself repairs: refused without rolloutOrder, which the message names, and done with it", async (t) => {
  // Its metrics port is somebody else's since the host was rebooted; the change is another port.
  await onHost(2, "systemctl stop etcd");
  await during(t, portTaken(2, 2381));
  await onHost(2, "systemctl start --no-block etcd");
  await project.configure({ metricsUrl: "http://127.0.0.1:2391" });
  const starts = await startsOf([1, 3]);
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /node1 may not restart: .* not healthy: node2\..*put it first in etcd:rolloutOrder/);
  assert.deepEqual(await startsOf([1, 3]), starts);

  await project.configure({ rolloutOrder: ["node2"] });
  await must(project.up());
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
});

let changes = 0;

async function refused(words: RegExp): Promise<void> {
  changes += 1;
  await project.configure({ snapshotCount: 20000 + changes });
  const starts = await startsOf(NODES);
  const { code, all } = await project.up();
  assert.notEqual(code, 0, all);
  assert.match(all, words);
  assert.deepEqual(await startsOf(NODES), starts);
}
