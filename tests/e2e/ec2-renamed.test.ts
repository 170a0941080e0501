import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { configureAws, ec2Project, instanceIds, memberIds, mostDownAtOnce, onNode } from "./ec2.ts";
import { labDown, must } from "./lab.ts";
import { cli, planOf } from "./planned.ts";
import type { Project } from "./project.ts";
import { whileWriting } from "./writing.ts";

const SECOND_IMAGE = "ami-0000000000000a002";
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

test("a stack that was renamed and moved gets a new image: one instance after the other", async (context) => {
  await must(project.pulumi("stack", "rename", "ec2other"));
  project = project.renamed("ec2other");
  const state = join(project.dir, "state.json");
  await must(project.pulumi("stack", "export", "--file", state));
  await must(project.pulumi("stack", "rm", "--force", "--yes", "--preserve-config"));
  await must(project.pulumi("stack", "init", project.stack));
  await must(project.pulumi("stack", "import", "--file", state));

  const [before, members] = [await instanceIds(), await memberIds(1)];
  await configureAws(project, { ami: SECOND_IMAGE });
  const { verdict, hosts } = await planOf(project);
  assert.equal(verdict, "safe");
  assert.deepEqual(
    hosts.map(({ name, action }) => `${name} ${action}`),
    NODES.map((name) => `${name} rebuild`),
  );
  const since = Date.now();
  const written = await whileWriting(project, () => must(project.up()));
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.equal(await mostDownAtOnce(since), 1);
  const now = await instanceIds();
  for (const [index, name] of NODES.entries()) {
    assert.notEqual(now[name], before[name]);
    assert.equal(await onNode(index + 1, "cat /etc/ami-id"), SECOND_IMAGE);
  }
  assert.deepEqual(await memberIds(1), members);
  await must(project.up("--expect-no-changes"));
  assert.equal((await cli(project, "verify")).code, 0);
});
