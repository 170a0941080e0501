// State in a folder, secrets under a passphrase: what docs/state.md says of it, done with the real CLI.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Project } from "../engine/project.ts";
import { assertEncrypted, assertUnchanged, changePassphrase, keysOf, makeStack, SETTING } from "./stack.ts";

const PASSPHRASE = "correct horse battery staple";
const NEXT = "another one entirely";
let project: Project;
let keys: readonly string[];

before(async () => {
  const elsewhere = await Project.create({ PULUMI_CONFIG_PASSPHRASE: PASSPHRASE });
  project = elsewhere.under({ PULUMI_BACKEND_URL: `file://${elsewhere.folder}/kept?metadata=skip` });
  await mkdir(join(project.folder, "kept"));
  await project.succeed("stack", "init", "test");
  keys = await makeStack(project);
});

after(async () => {
  await project.remove();
});

test("the state and the stack file hold no secret in the clear", async () => {
  assertEncrypted(await stored(), [...keys, SETTING, PASSPHRASE]);
  const stackFile = await readFile(join(project.folder, "Pulumi.test.yaml"), "utf8");
  assert.match(stackFile, /secure: v1:/);
  for (const secret of [SETTING, PASSPHRASE]) assert.ok(!stackFile.includes(secret));
});

test("a wrong passphrase and none are refused", async () => {
  const wrong = await project.under({ PULUMI_CONFIG_PASSPHRASE: NEXT }).pulumi("preview");
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.text, /incorrect passphrase/);
  const none = await project.under({ PULUMI_CONFIG_PASSPHRASE: undefined }).pulumi("preview");
  assert.notEqual(none.code, 0);
  assert.match(none.text, /PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE/);
});

test("the passphrase may lie in a file", async () => {
  const file = join(project.folder, "passphrase");
  await writeFile(file, `${PASSPHRASE}\n`, { mode: 0o600 });
  const settings = { PULUMI_CONFIG_PASSPHRASE: undefined, PULUMI_CONFIG_PASSPHRASE_FILE: file };
  await assertUnchanged(project.under(settings));
});

test("an export is a backup: encrypted, and the state again after an import", async () => {
  const file = join(project.folder, "backup.json");
  await project.succeed("stack", "export", "--file", file);
  assertEncrypted(await readFile(file, "utf8"), [...keys, SETTING, PASSPHRASE]);
  await project.succeed("state", "delete", "--all", "--yes", "--force");
  assert.equal((await project.resources()).length, 0);
  await project.succeed("stack", "import", "--file", file);
  await assertUnchanged(project);
  assert.deepEqual(await keysOf(project), keys);
});

test("a refresh finds nothing to compare keys and certificates with", async () => {
  assert.match(await project.succeed("refresh", "--yes", "--expect-no-changes"), /4 unchanged/);
});

test("an empty input makes the passphrase empty", async () => {
  await changePassphrase(project, "");
  const open = project.under({ PULUMI_CONFIG_PASSPHRASE: "" });
  await assertUnchanged(open);
  await changePassphrase(open, PASSPHRASE);
  await assertUnchanged(project);
});

test("after a change of the passphrase only the new one opens the stack", async () => {
  await changePassphrase(project, NEXT);
  const old = await project.pulumi("preview");
  assert.notEqual(old.code, 0);
  assert.match(old.text, /incorrect passphrase/);
  const now = project.under({ PULUMI_CONFIG_PASSPHRASE: NEXT });
  await assertUnchanged(now);
  assert.deepEqual(await keysOf(now), keys);
  assert.equal((await now.succeed("config", "get", "login")).trim(), SETTING);
  assertEncrypted(await stored(), [...keys, SETTING, PASSPHRASE, NEXT]);
});

/** All files of the backend, its backups and history too. */
async function stored(): Promise<string> {
  const folder = join(project.folder, "kept");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), "utf8")),
  );
  return texts.join("\n");
}
