// npm run state-drill, with the real CLI: an export, the passphrase and the stack file, together or not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readdir, readFile, rename, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Project } from "../engine/project.ts";
import { changePassphrase, makeStack } from "./stack.ts";

const DRILL = fileURLToPath(new URL("../../cli/state-drill/state-drill.ts", import.meta.url));
let project: Project;
/** The TMPDIR of the drills. */
let temporary: string;

before(async () => {
  project = await Project.create();
  await makeStack(project);
  await project.succeed("stack", "export", "--file", "export.json");
  temporary = await mkdtemp(join(tmpdir(), "drill-test-"));
});
after(async () => {
  await rm(temporary, { recursive: true });
  await project.remove();
});

function start(inShell: Project, file = "export.json") {
  const env = { ...inShell.environment, TMPDIR: temporary };
  return spawn(execPath, [DRILL, "--export", file], { cwd: project.folder, env });
}
/** What stays of it is seen as well: a folder in TMPDIR would be. */
async function ended(drill: ReturnType<typeof start>) {
  const all = [text(drill.stdout), text(drill.stderr), once(drill, "close")] as const;
  const [stdout, stderr, [code]] = await Promise.all(all);
  assert.deepEqual(await readdir(temporary), [], "the scratch backend is gone");
  return { code, stdout, stderr };
}
const drilled = (inShell: Project, file?: string) => ended(start(inShell, file));

test("together they open the stack, and nothing here has changed", async () => {
  const files = ["Pulumi.test.yaml", "export.json", "state/.pulumi/stacks/conformance/test.json"];
  const contents = () => Promise.all(files.map((file) => readFile(join(project.folder, file), "utf8")));
  const before = await contents();
  const { code, stdout, stderr } = await drilled(project);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(
    stdout,
    /^The export of test \(5 resources, of 20\S+\), the secrets' key and the stack file open the stack together, and nothing would change\.\n$/,
  );
  assert.deepEqual(await contents(), before);
});

test("a wrong passphrase is one sentence, and so is none", async () => {
  const sentence =
    "The passphrase (PULUMI_CONFIG_PASSPHRASE, or the file in PULUMI_CONFIG_PASSPHRASE_FILE) does not open Pulumi.test.yaml.\n";
  for (const PULUMI_CONFIG_PASSPHRASE of ["wrong", undefined]) {
    const { code, stdout, stderr } = await drilled(project.under({ PULUMI_CONFIG_PASSPHRASE }));
    assert.deepEqual([code, stdout, stderr], [1, "", sentence]);
  }
});

test("an export from before the passphrase was changed is told from the stack file", async () => {
  const stackFile = join(project.folder, "Pulumi.test.yaml");
  await copyFile(stackFile, join(project.folder, "kept.yaml"));
  await changePassphrase(project, "next");
  const next = project.under({ PULUMI_CONFIG_PASSPHRASE: "next" });
  const { code, stderr } = await drilled(next);
  assert.equal(code, 1);
  assert.match(stderr, /^The passphrase \(.*\) does not open the export\.\n$/);
  await next.succeed("stack", "export", "--file", "export.json");
  assert.equal((await drilled(next)).code, 0);
  await changePassphrase(next, "conformance");
  await project.succeed("stack", "export", "--file", "export.json");
});

test("without the stack file nothing opens", async () => {
  const file = join(project.folder, "Pulumi.test.yaml");
  await rename(file, `${file}.away`);
  const { code, stderr } = await drilled(project);
  await rename(`${file}.away`, file);
  assert.deepEqual(
    [code, stderr],
    [1, "There is no Pulumi.test.yaml here: without it nobody can decrypt the export.\n"],
  );
});

test("a stack file that declares something else is told", async () => {
  const program = await readFile(join(project.folder, "index.ts"), "utf8");
  await writeFile(
    join(project.folder, "index.ts"),
    program.replace("validityPeriodHours: 24", "validityPeriodHours: 48"),
  );
  const { code, stderr } = await drilled(project);
  await writeFile(join(project.folder, "index.ts"), program);
  assert.equal(code, 5);
  assert.match(
    stderr,
    /\nThe export opens, but Pulumi\.test\.yaml declares something else: .*\(npm run plan\)\.\n$/,
  );
});

test("what is no export is told", async () => {
  await writeFile(
    join(project.folder, "cut.json"),
    (await readFile(join(project.folder, "export.json"))).subarray(0, 500),
  );
  await writeFile(join(project.folder, "empty.json"), '{"version": 3, "deployment": {}}');
  for (const [file, sentence] of [
    ["cut.json", /cut\.json is not JSON, or not all of it/],
    ["empty.json", /^empty\.json holds no resources, so it is no backup/],
    ["missing.json", /no such file or directory/],
  ] as const) {
    const { code, stderr } = await drilled(project, file);
    assert.equal(code, 1);
    assert.match(stderr, sentence);
  }
});

test("a pipeline that is cancelled leaves nothing", async () => {
  const began = join(project.folder, "began");
  await project.write(`
    await (await import("node:fs/promises")).writeFile("${began}", "");
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  `);
  const changes = watch(project.folder);
  const drill = start(project);
  for await (const { filename } of changes) if (filename === "began") break;
  assert.equal((await readdir(temporary)).length, 1);
  drill.kill("SIGTERM");
  assert.equal((await ended(drill)).code, 1);
});
