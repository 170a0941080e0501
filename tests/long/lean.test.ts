/**
 * A store of 2 GiB (LEAN_GIB=… for another size) of which most is deleted: timers on all hosts at once bring each file
 * down while clients write, and one that is killed in the middle leaves nothing behind. Who sends each request to another
 * member waits as long as one of them is at it; who stays with one waits only for that one.
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { after, before, test } from "node:test";
import {
  assertLed,
  assertOneAtATime,
  byRule,
  hostOf,
  killInTheMiddle,
  membersOf,
  turnsSince,
} from "../e2e/defragmenting.ts";
import { bareHosts, labDown, labEnv, must, onHost } from "../e2e/lab.ts";
import { Project } from "../e2e/project.ts";
import { whileWriting } from "../e2e/writing.ts";
import { type Load, rates, underLoad } from "./load.ts";

const NODES = [1, 2, 3];
const GIB = 1024 ** 3;
const SIZE = Number(env.LEAN_GIB ?? 2) * GIB;
const VALUE = 128 * 1024;
let project: Project;

before(async () => {
  labEnv.LAB_DISK_MB = String(Math.ceil((3 * SIZE) / 1024 ** 2) + 6000); // of it only what is written takes room
  await bareHosts(3);
  project = await Project.create("lean", { quotaBackendBytes: 8 * GIB, snapshotCount: 1000 });
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** Fills it, a quarter to stay, and deletes and compacts the rest. */
async function fragment(): Promise<string> {
  const write = (prefix: string, share: number) => {
    const count = Math.ceil((SIZE * share) / VALUE);
    return underLoad(project, { clients: 3, pipelined: 8, bytes: VALUE, count, limit: "60s", prefix });
  };
  const stays = await write("stays/", 0.25);
  const goes = await write("goes/", 0.75);
  await onHost(
    1,
    `etcd-host ctl --command-timeout=60s del --prefix goes/
    revision=$(etcd-host ctl endpoint status -w fields | sed -n 's/^"Revision" : //p' | head -n 1)
    etcd-host ctl --command-timeout=600s compaction --physical "$revision"`,
  );
  return `${rates(stays)}, ${rates(goes)} of ${VALUE / 1024} KiB`;
}
test("timers bring it down, one after the other, and no write is lost", async (context) => {
  context.diagnostic(await fragment());
  for (const { name, dbBytes } of await membersOf(project))
    assert.ok(dbBytes > 0.7 * SIZE, `${name}: ${dbBytes}`);
  const began = Date.now();
  const follower = await hostOf("follower", project);
  let [said, killed]: [readonly string[], string] = [[], ""];
  let apart: Load | undefined;
  const written = await whileWriting(project, async () => {
    apart = await underLoad(project, { clients: 3, pipelined: 1, apart: "true" }, async () => {
      killed = await killInTheMiddle(follower);
      said = await Promise.all(NODES.map((n) => onHost(n, byRule)));
    });
  });
  const turns = await turnsSince(began, NODES);
  context.diagnostic(said.join("\n"));
  context.diagnostic(
    `${JSON.stringify(written)}; at it: ${turns.map(([from, to]) => to - from).join(", ")} ms`,
  );
  context.diagnostic(
    `clients that stay with a member: ${apart?.acknowledged} writes, longest gap ${apart?.longestGapMs} ms since ${apart?.gapBegan}; each second ${apart?.perSecond.join(" ")}`,
  );
  assert.equal(killed, "killed");
  assert.deepEqual([written.missing, apart?.missing], [0, 0]);
  await assertLed(began, NODES);
  assertOneAtATime(turns);
  assert.equal(turns.length, 3);
  for (const { name, dbBytes } of await membersOf(project))
    assert.ok(dbBytes < 0.4 * SIZE, `${name}: ${dbBytes}`);
});
