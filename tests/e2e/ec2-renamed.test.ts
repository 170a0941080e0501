import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { configureAws, ec2Project, instanceIds, memberIds, mostDownAtOnce, onNode } from "./ec2.ts";
import { labDown, must } from "./lab.ts";
import { cli, planOf } from "./planned.ts";
import type { Project } from "./project.ts";
import { whileWriting } from "./writing.ts";

const NODES = ["node1", "node2", "node3"];
let project: Project;

before(async () => {
  project = await ec2Project("ec2named");
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** Another image for a stack whose instances have its old name as their tag: all are replaced, each after its guard. */
async function replacesOneByOne(of: Project, ami: string): Promise<void> {
  const [before, members] = [await instanceIds(), await memberIds(1)];
  await configureAws(of, { ami });
  const { verdict, hosts } = await planOf(of);
  assert.equal(verdict, "safe");
  assert.deepEqual(
    hosts.map(({ name, action }) => `${name} ${action}`),
    NODES.map((name) => `${name} rebuild`),
  );
  const since = Date.now();
  const written = await whileWriting(of, () => must(of.up()));
  assert.equal(written.missing, 0);
  assert.equal(await mostDownAtOnce(since), 1);
  const now = await instanceIds();
  for (const [index, name] of NODES.entries()) {
    assert.notEqual(now[name], before[name]);
    assert.equal(await onNode(index + 1, "cat /etc/ami-id"), ami);
  }
  assert.deepEqual(await memberIds(1), members);
  await must(of.up("--expect-no-changes"));
}

test("a stack that was renamed gets a new image: one instance after the other", async () => {
  await must(project.pulumi("stack", "rename", "ec2other"));
  project = project.renamed("ec2other");
  await replacesOneByOne(project, "ami-0000000000000a002");
});

test("a stack that was moved, under another name, gets a new image: one instance after the other", async () => {
  const state = join(project.dir, "state.json");
  await must(project.pulumi("stack", "export", "--file", state));
  await must(project.pulumi("stack", "rm", "--force", "--yes", "--preserve-config"));
  await must(project.pulumi("stack", "init", project.stack));
  await must(project.pulumi("stack", "import", "--file", state));
  await must(project.pulumi("stack", "rename", "ec2moved"));
  project = project.renamed("ec2moved");
  await replacesOneByOne(project, "ami-0000000000000a001");
  assert.equal((await cli(project, "verify")).code, 0);
});
