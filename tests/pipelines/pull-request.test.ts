// What of a pull request the protected branch's program plans, and what needs an approval first.
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lookAt } from "../../cli/pipeline/pull-request.ts";
import { printable } from "../../lib/printable.ts";
import type { Files, Repository } from "./git.ts";
import { changed, checkout, leave, pipeline, SECRET, STACK } from "./proposed.ts";

let repository: Repository;

before(async () => {
  repository = await checkout();
});
after(() => leave(repository));

const data: Readonly<Record<string, Files>> = {
  "a value": { "Pulumi.prod.yaml": changed("10000", "20000") },
  "a comment, and values of two stacks": {
    "Pulumi.prod.yaml": changed("a comment", "another"),
    "Pulumi.staging.yaml": changed("10000", "20000"),
  },
  "a new setting": { "Pulumi.prod.yaml": `${STACK}  etcd:checkId: 2\n` },
  "a text": { "README.md": "another", "docs/new.md": "text" },
  nothing: {},
};
for (const [what, files] of Object.entries(data))
  test(`planned by the protected branch's program: ${what}`, async () => {
    assert.deepEqual((await lookAt(await repository.branch(files))).code, []);
  });

const code: Readonly<Record<string, readonly [Files, string]>> = {
  "the program": [{ "index.ts": "another" }, "index.ts is not a stack file"],
  "Pulumi's own settings": [{ "Pulumi.yaml": "main: other.mjs" }, "Pulumi.yaml is not a stack file"],
  "npm's settings": [{ ".npmrc": "ignore-scripts=false" }, ".npmrc is not a stack file"],
  "a folder's": [{ "x/Pulumi.prod.yaml": STACK }, "x/Pulumi.prod.yaml is not a stack file"],
  "a value, and the program": [
    { "Pulumi.prod.yaml": changed("10000", "20000"), "index.ts": "another" },
    "index.ts is not a stack file",
  ],
  "a stack file that is a link": [
    { "Pulumi.prod.yaml": { link: "/etc/passwd" } },
    "Pulumi.prod.yaml is not a regular file",
  ],
  "a text that is a link": [{ "README.md": { link: "/etc/passwd" } }, "README.md is not a stack file"],
  "a stack file that may be run": [
    { "Pulumi.prod.yaml": { program: STACK } },
    "Pulumi.prod.yaml is not a regular file",
  ],
  "a stack file less": [{ "Pulumi.prod.yaml": undefined }, "Pulumi.prod.yaml is deleted"],
  "a new stack": [{ "Pulumi.new.yaml": STACK }, "Pulumi.new.yaml is the file of a new stack"],
  "a large file": [
    { "Pulumi.prod.yaml": `${STACK}#${"x".repeat(300_000)}` },
    "Pulumi.prod.yaml is larger than 256 KiB",
  ],
  "what decrypts": [
    { "Pulumi.prod.yaml": changed("alias/etcd", "arn:aws:kms:eu-central-1:666666666666:key/theirs") },
    "Pulumi.prod.yaml changes secretsprovider",
  ],
  "the salt": [
    { "Pulumi.prod.yaml": changed("v1:salt", "v1:other") },
    "Pulumi.prod.yaml changes encryptionsalt",
  ],
  "an environment of Pulumi's": [
    { "Pulumi.prod.yaml": `environment: [theirs]\n${STACK}` },
    "Pulumi.prod.yaml changes environment",
  ],
  "a provider's setting": [
    { "Pulumi.prod.yaml": `${STACK}  aws:endpoints: [{ sts: "https://example.com" }]\n` },
    "Pulumi.prod.yaml changes aws:endpoints",
  ],
  "a setting without a namespace": [
    { "Pulumi.prod.yaml": `${STACK}  version: 3.5.0\n` },
    "Pulumi.prod.yaml changes version",
  ],
  "a secret where the plan would show it": [
    { "Pulumi.prod.yaml": `${STACK}  etcd:extraFlags:\n    name:\n      secure: ${SECRET}\n` },
    "Pulumi.prod.yaml changes the secret etcd:extraFlags.name",
  ],
  "a secret's place in a list": [
    { "Pulumi.prod.yaml": `${STACK}  etcd:nodes:\n    - name: { secure: ${SECRET} }\n` },
    "Pulumi.prod.yaml changes the secret etcd:nodes.0.name",
  ],
  "another secret": [
    { "Pulumi.prod.yaml": changed(SECRET, "v1:cccc:dddd") },
    "Pulumi.prod.yaml changes the secret etcd:sshPrivateKey",
  ],
  "a secret less": [
    { "Pulumi.prod.yaml": changed(`secure: ${SECRET}`, "plain: x") },
    "Pulumi.prod.yaml changes the secret etcd:sshPrivateKey",
  ],
};
for (const [what, [files, reason]] of Object.entries(code))
  test(`not without an approval: ${what}`, async () => {
    assert.deepEqual((await lookAt(await repository.branch(files))).code, [reason]);
  });

test("the decision is a line for the job's outputs, and its reasons are in the log", async () => {
  const stack = await pipeline("kind", await repository.branch({ "README.md": "another" }));
  assert.deepEqual(stack, { code: 0, stdout: "kind=stack\n", stderr: "" });
  const head = await repository.branch({ "index.ts": "another" });
  const { code, stdout, stderr } = await pipeline("kind", head);
  assert.deepEqual([code, stdout], [0, "kind=code\n"]);
  assert.equal(
    stderr,
    "index.ts is not a stack file: the environment etcd-code-preview has to be approved.\n",
  );
});

for (const name of ["x\n::add-mask::a", "::add-mask::etcd", "x ##[add-mask]y", "x\u001b]52;c;eA==\u0007"])
  test(`the name of a file is nothing that a runner or a terminal obeys: ${JSON.stringify(name)}`, async () => {
    const head = await repository.branch({ [name]: "" });
    for (const words of [
      ["kind", head],
      ["take", head, "prod"],
    ]) {
      const { stderr } = await pipeline(...words);
      assert.match(stderr, /is not a stack file/);
      assert.equal(stderr, printable(stderr));
      assert.equal(stderr.trimEnd().split("\n").length, 1);
    }
    await repository.branch({ [name]: undefined });
  });

test("nor is what a plan's file has in it, in a sentence about its mistakes", async () => {
  const folder = join(repository.folder, "plans/odd");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "plan.json"), "##[add-mask]y");
  const { code, stderr } = await pipeline("approved", folder, "");
  assert.equal(code, 1);
  assert.match(stderr, /is not valid JSON/);
  assert.equal(stderr, printable(stderr));
  await rm(folder, { recursive: true });
});

test("what cannot be looked at is not taken for harmless", async () => {
  for (const head of ["main", "--help", "0".repeat(40)]) {
    const { code, stdout } = await pipeline("kind", "--", head);
    assert.deepEqual([code, stdout], [1, ""], head);
  }
});
