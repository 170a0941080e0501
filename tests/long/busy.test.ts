/** A roll while clients write as much as the machine bears: the proofs of each step see members that are thousands of entries apart. */

import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { labDown, must, onHost } from "../e2e/lab.ts";
import { startsOf } from "../e2e/members.ts";
import { planned } from "../e2e/planned.ts";
import type { Project } from "../e2e/project.ts";
import { savedCluster } from "../e2e/saved.ts";
import { rates, underLoad } from "./load.ts";

const NODES = [1, 2, 3];

const LOADS = [
  { clients: 6, pipelined: 8 },
  { clients: 6, pipelined: 32 },
  { clients: 12, pipelined: 64 },
];
const TRIED_MS = 10_000;

let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("members that take all the writes that the machine bears are rolled, and lose none of them", async (context) => {
  const { clients, pipelined } = await bestLoad(context);
  const starts = await startsOf(NODES);
  await project.configure({ snapshotCount: 20000 });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  let seconds = 0;
  const load = await underLoad(project, { clients, pipelined }, async () => {
    const began = performance.now();
    await up();
    seconds = (performance.now() - began) / 1000;
    await must(project.up("--expect-no-changes")); // and nothing is left over, as long as they write
  });
  context.diagnostic(
    `roll under ${clients} clients × ${pipelined}: ${rates(load)}; ${JSON.stringify({ ...load, perSecond: undefined })}; up ${seconds.toFixed(1)} s`,
  );
  context.diagnostic(`a second: ${load.perSecond.join(" ")}`);
  assert.equal(load.missing, 0);

  const again = await startsOf(NODES);
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
});

/** With how many clients, and writes that each has under way, this machine acknowledges the most. */
async function bestLoad(context: TestContext): Promise<(typeof LOADS)[number]> {
  const rate: number[] = [];
  for (const load of LOADS) {
    const prefix = `tried/${load.pipelined}/`;
    const written = await underLoad(project, { ...load, prefix }, () => delay(TRIED_MS));
    context.diagnostic(`${load.clients} clients × ${load.pipelined}: ${rates(written)}`);
    assert.equal(written.missing, 0);
    rate.push(written.acknowledged / written.seconds);
  }
  const best = LOADS[rate.indexOf(Math.max(...rate))];
  assert.ok(best);
  return best;
}
