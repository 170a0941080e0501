/** On the simulated EC2: both CAs get another key, and between the steps every instance another image. */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Action } from "../../cli/plan/model.ts";
import { labHostOf } from "../../lab/ec2/stack.ts";
import { configureAws, ec2Project, memberIds, mostDownAtOnce } from "../e2e/ec2.ts";
import { whileShakingHands } from "../e2e/handshakes.ts";
import { labDown, must } from "../e2e/lab.ts";
import { cli, planned } from "../e2e/planned.ts";
import type { Project } from "../e2e/project.ts";
import { assertNoOutage, whileWriting } from "../e2e/writing.ts";

const NODES = [1, 2, 3];
const IMAGES = ["ami-0000000000000a002", "ami-0000000000000a001"];
let project: Project;

before(async () => {
  project = await ec2Project("rotated");
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

async function changed(action: Action): Promise<object> {
  const up = await planned(project, { node1: action, node2: action, node3: action });
  const written = await whileWriting(project, () => up());
  assert.equal(written.missing, 0);
  await assertNoOutage(
    written,
    NODES.map((n) => labHostOf(n)),
  );
  await must(project.up("--expect-no-changes"));
  assert.equal((await cli(project, "verify")).code, 0);
  return written;
}

/** With a client that fetched its bundle before the step. */
async function stepped(list: readonly number[], action: Action): Promise<object> {
  const name = `before-${list.join("-")}`;
  await mkdir(join(project.dir, name));
  await must(cli(project, "client", "--write-bundle", name));
  await project.configure({ clientCa: list, peerCa: list });
  const endpoints = await project.output("endpoints");
  if (!Array.isArray(endpoints)) throw new Error("the stack has no endpoints");
  let written = {};
  const { failed, done } = await whileShakingHands(join(project.dir, name), endpoints, async () => {
    written = await changed(action);
  });
  assert.deepEqual(failed, []);
  return { list, ...written, handshakes: done };
}

test("three steps, and a new image after the first and after the second", async (context) => {
  const members = await memberIds(1);
  const images = [...IMAGES];
  for (const [list, action] of [
    [[1, 2], "restart"],
    [[2, 1], "reissue"],
    [[2], "restart"],
  ] as const) {
    context.diagnostic(JSON.stringify(await stepped(list, action)));
    const ami = images.shift();
    if (ami === undefined) continue;
    const since = Date.now();
    await configureAws(project, { ami });
    context.diagnostic(JSON.stringify({ ami, ...(await changed("rebuild")) }));
    assert.equal(await mostDownAtOnce(since), 1);
  }
  assert.deepEqual(await memberIds(1), members);
});
