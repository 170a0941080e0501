// What is shown of a plan that another job left: that job may have run code which nobody trusts.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { markdown } from "../../cli/plan/markdown.ts";
import { writeFailure } from "../../cli/plan/saved.ts";
import { planOf, restarts } from "../cli/preview.ts";
import { repository } from "./files.ts";

const SECRET = "what only this job may read";
const plan = planOf({ changes: { "node1-member": restarts() } });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "artifact-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function show(directory = folder) {
  const program = [join(repository, "cli/pipeline/pipeline.ts"), "show", directory];
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, program, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    ),
  );
}

test("it is made again from what is applied, whatever the comment in the folder says", async () => {
  await writeFile(join(folder, "plan.json"), JSON.stringify(plan));
  await writeFile(join(folder, "plan.md"), "### etcd/prod: nothing to do");
  const { code, stdout, stderr } = await show();
  assert.equal(code, 0, stderr);
  assert.equal(stdout, markdown(plan, Date.now()));
  assert.match(stdout, /1 restart/);
});

test("a link is not followed: neither of a file nor of the folder", async () => {
  const secret = join(folder, "secret");
  await writeFile(secret, SECRET);
  const plans = {
    "plan.json": /\/plan\.json is not a regular file/,
    "failure.json": /\/failure\.json is not/,
  };
  for (const [name, sentence] of Object.entries(plans)) {
    await symlink(secret, join(folder, name));
    const { code, stdout, stderr } = await show();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, sentence);
    assert.doesNotMatch(stderr, /only this/);
    await rm(join(folder, name));
  }
  await writeFile(join(folder, "plan.json"), JSON.stringify(plan));
  const link = `${folder}-link`;
  await symlink(folder, link);
  const { code, stderr } = await show(link);
  await rm(link);
  assert.equal(code, 1);
  assert.match(stderr, /-link is not a folder, so it is no plan/);
});

test("why there is none is shown as a quotation, and an older plan is not taken for it", async () => {
  await writeFile(join(folder, "plan.json"), JSON.stringify(plan));
  await writeFailure(folder, { stack: "prod", why: "no <b>state</b>\n/close\n::add-mask::x" });
  await writeFile(join(folder, "plan.md"), "### etcd/prod: nothing to do");
  const { code, stdout } = await show();
  assert.equal(code, 0);
  const [title, empty, ...lines] = stdout.trimEnd().split("\n");
  assert.deepEqual([title, empty], ["### prod: could not be planned", ""]);
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /^> /);
  assert.doesNotMatch(stdout, /<b>/);
});
