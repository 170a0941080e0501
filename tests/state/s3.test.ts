// State in an S3-compatible bucket, secrets under a passphrase or a KMS key, and the way there from a folder.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Project } from "../engine/project.ts";
import { Cloud } from "./cloud.ts";
import { assertEncrypted, assertUnchanged, keysOf, makeStack, SETTING } from "./stack.ts";

const PASSPHRASE = "correct horse battery staple";
const STATE = ".pulumi/stacks/conformance/test.json";
let cloud: Cloud;
let local: Project;
let project: Project;
let keys: readonly string[];

before(async () => {
  cloud = await Cloud.start();
  local = await Project.create({ PULUMI_CONFIG_PASSPHRASE: PASSPHRASE });
  project = local.under(cloud.settings);
  keys = await makeStack(local);
});

after(async () => {
  await local.remove();
  cloud.stop();
});

test("a stack moves from a folder to the bucket by export and import", async () => {
  const file = join(local.folder, "state.json");
  await local.succeed("stack", "export", "--file", file);
  assertEncrypted(await readFile(file, "utf8"), [...keys, SETTING, PASSPHRASE]);
  await project.succeed("stack", "init", "test");
  await project.succeed("stack", "import", "--file", file);
  await assertUnchanged(project);
  assert.deepEqual(await keysOf(project), keys);
});

test("an up stores in the bucket, and no secret in the clear", async () => {
  await project.succeed("config", "set", "--secret", "login", `${SETTING}-2`);
  await project.up();
  assert.ok((await cloud.names()).includes(STATE));
  assertEncrypted(await cloud.everything(), [...keys, SETTING, PASSPHRASE]);
});

test("a preview and an export write nothing: a login that may only read is enough", async () => {
  const versions = await cloud.versions();
  assert.ok(versions.length > 5);
  await project.succeed("preview", "--save-plan", join(project.folder, "plan.json"));
  await project.succeed("stack", "export");
  assert.deepEqual(await cloud.versions(), versions);
});

test("a wrong passphrase is refused", async () => {
  const { code, text } = await project.under({ PULUMI_CONFIG_PASSPHRASE: "wrong" }).pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(text, /incorrect passphrase/);
});

test("a deleted state comes back from the versions that the bucket keeps", async () => {
  await cloud.delete(STATE);
  const { code, text } = await project.pulumi("preview", "--stack", "test");
  assert.notEqual(code, 0, "the stack is gone");
  assert.match(text, /no stack named 'test' found/);
  await cloud.undelete(STATE);
  await assertUnchanged(project);
  assert.deepEqual(await keysOf(project), keys);
});

test("the KMS key takes the passphrase's place", async () => {
  await project.succeed("stack", "change-secrets-provider", cloud.secretsProvider);
  const stackFile = await readFile(join(project.folder, "Pulumi.test.yaml"), "utf8");
  assert.match(stackFile, /secretsprovider: awskms:/);
  assert.doesNotMatch(stackFile, /encryptionsalt/);
  const keyOnly = project.under({ PULUMI_CONFIG_PASSPHRASE: undefined });
  await assertUnchanged(keyOnly);
  assert.deepEqual(await keysOf(keyOnly), keys);
  assertEncrypted(await cloud.everything(), [...keys, SETTING, PASSPHRASE]);
});

test("without the key nothing is read", async () => {
  const nowhere = "http://127.0.0.1:1";
  const { code, text } = await project.under({ AWS_ENDPOINT_URL_KMS: nowhere }).pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(text, /get stack secrets manager: .*KMS: Decrypt/);
});

test("a new stack starts with the KMS key, and stores no secret in the clear", async () => {
  const fresh = project.under({ PULUMI_CONFIG_PASSPHRASE: undefined });
  await fresh.succeed("stack", "init", "fresh", "--secrets-provider", cloud.secretsProvider);
  const own = await makeStack(fresh);
  assert.notDeepEqual(own, keys);
  await assertUnchanged(fresh);
  assert.ok((await cloud.names()).includes(".pulumi/stacks/conformance/fresh.json"));
  assertEncrypted(await cloud.everything(), [...own, ...keys, SETTING]);
});
