// What of a pull request the protected branch's program plans, and what needs an approval first.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { lookAt } from "../../cli/pipeline/pull-request.ts";
import { needsSecondApproval } from "../../cli/pipeline/second-approval.ts";
import { asData } from "../../cli/pipeline/stack-files.ts";
import { SCHEMA } from "../../cli/plan/model.ts";
import { readPlan } from "../../cli/plan/saved.ts";
import { printable } from "../../lib/printable.ts";
import { repository as project } from "./files.ts";
import { type Files, Repository } from "./git.ts";

const SECRET = "v1:aaaa:bbbb";
const STACK = `encryptionsalt: v1:salt
secretsprovider: awskms://alias/etcd
# a comment
config:
  aws:region: eu-central-1
  etcd:snapshotCount: 10000
  etcd:ssh:
    user: root
  etcd:sshPrivateKey:
    secure: ${SECRET}
`;
let repository: Repository;

before(async () => {
  repository = await Repository.create({
    "Pulumi.prod.yaml": STACK,
    "Pulumi.staging.yaml": STACK,
    "index.ts": "program",
    "README.md": "text",
  });
  process.chdir(repository.folder); // where a job's own commands run
});
after(() => {
  process.chdir(project);
  return repository.dispose();
});

async function pipeline(...args: readonly string[]) {
  const program = [join(project, "cli/pipeline/pipeline.ts"), ...args];
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, program, { cwd: repository.folder }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    ),
  );
}

const changed = (from: string, to: string) => STACK.replace(from, to);

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

test("of code nothing is taken, whatever the job before has decided", async () => {
  const head = await repository.branch({
    "Pulumi.prod.yaml": { link: "/etc/passwd" },
    "index.ts": "another",
  });
  const { code, stderr } = await pipeline("take", head, "prod");
  assert.equal(code, 3);
  assert.equal(
    stderr,
    "Refused, and nothing was taken: Pulumi.prod.yaml is not a regular file; index.ts is not a stack file.\n",
  );
  assert.equal(await repository.read("Pulumi.prod.yaml"), STACK);
  assert.equal(await repository.read("index.ts"), "program");
});

test("YAML that another parser could read in another way is read once, or not at all", async () => {
  const alias = STACK.replace("10000", "&one 10000").concat("  etcd:checkId: *one\n");
  const twice = `${STACK}config:\n  etcd:checkId: 2\n`;
  for (const text of [alias, twice, `${STACK}---\n${STACK}`, "- a list", "config: text"]) {
    const { code } = await lookAt(await repository.branch({ "Pulumi.prod.yaml": text }));
    assert.equal(code.length, 1, text);
  }
});

/** For Pulumi's parser the comment ends at `end`, and what follows is read; for Node's it does not. */
const smuggling = (end: string) =>
  STACK.replace("# a comment", `# a comment${end}environment: [theirs]${end}secretsprovider: theirs`);
const ENDS = {
  "next line": "\u0085",
  "line separator": "\u2028",
  "paragraph separator": "\u2029",
  return: "\r",
};

for (const [what, end] of Object.entries(ENDS))
  test(`a comment that another parser ends earlier is no data, and Pulumi never reads it: ${what}`, async () => {
    const hidden =
      'Pulumi.prod.yaml has characters that are not shown: write them as escapes, like "\\u0085"';
    const head = await repository.branch({ "Pulumi.prod.yaml": smuggling(end) });
    assert.deepEqual((await lookAt(head)).code, [hidden]);
    assert.equal((await pipeline("take", head, "prod")).code, 3);
    const merged = join(repository.folder, "Pulumi.merged.yaml"); // as code, or by hand
    await writeFile(merged, smuggling(end));
    const { code, stderr } = await pipeline("own", "merged");
    assert.deepEqual([code, stderr], [1, `${hidden.replace("prod", "merged")}\n`]);
    assert.equal(await repository.read("Pulumi.merged.yaml"), smuggling(end));
    await rm(merged);
  });

test("lines that end as on Windows, and a byte order mark, are no reason to refuse", async () => {
  const text = `\ufeff${changed("10000", "20000").replaceAll("\n", "\r\n")}`;
  const head = await repository.branch({ "Pulumi.prod.yaml": text });
  assert.deepEqual((await lookAt(head)).code, []);
  await writeFile(join(repository.folder, "Pulumi.prod.yaml"), text);
  assert.equal((await pipeline("own", "prod")).code, 0);
  assert.equal(JSON.parse(await repository.read("Pulumi.prod.yaml")).config["etcd:snapshotCount"], 20000);
  await repository.git("checkout", "-q", ".");
});

test("what is handed to Pulumi has no character that ends a line for one parser only", () => {
  const content = { config: { "etcd:x": "a\u0085b\u2028c\u2029d\ufeffe\u007ff\rg\u009fh" } };
  const written = asData(content);
  assert.match(written, /^[\n -~]+$/);
  assert.deepEqual(JSON.parse(written), content);
  assert.deepEqual(parse(written), content);
});

test("the protected branch's own stack file is handed to Pulumi as data too", async () => {
  const { code, stderr } = await pipeline("own", "organisation/staging");
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(await repository.read("Pulumi.staging.yaml")), parse(STACK));
  await repository.git("checkout", "-q", ".");
  const none = await pipeline("own", "none");
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^Pulumi\.none\.yaml cannot be read: every stack/);
});

test("the stack file is taken as data, and nothing else", async () => {
  const text = changed("10000", "0x10").concat('  etcd:version: "3.6"\n  etcd:dataDir: yes\n');
  const head = await repository.branch({ "Pulumi.prod.yaml": text, "README.md": "another" });
  assert.equal((await pipeline("take", head, "prod")).code, 0);
  const taken = await repository.read("Pulumi.prod.yaml");
  assert.deepEqual(parse(taken), parse(text));
  assert.deepEqual(JSON.parse(taken), parse(text), "no parser of YAML reads it in another way");
  assert.equal(await repository.git("status", "--short"), "M Pulumi.prod.yaml");
  await repository.git("checkout", "-q", ".");
});

test("of a stack that the pull request leaves alone, the protected branch's file counts, a newer one too", async () => {
  const head = await repository.branch({ "Pulumi.prod.yaml": changed("10000", "20000") });
  const newer = changed("10000", "30000");
  await repository.commit({ "Pulumi.staging.yaml": newer });
  assert.equal((await pipeline("take", head, "staging")).code, 0);
  assert.deepEqual(JSON.parse(await repository.read("Pulumi.staging.yaml")), parse(newer));
  await repository.git("checkout", "-q", ".");
});

test("what cannot be looked at is not taken for harmless", async () => {
  for (const head of ["main", "--help", "0".repeat(40)]) {
    const { code, stdout } = await pipeline("kind", "--", head);
    assert.deepEqual([code, stdout], [1, ""], head);
  }
});

test("a second approval is asked for what changes trust, and an older plan that does not say is none", async () => {
  const folder = join(repository.folder, "plans/prod");
  await mkdir(folder, { recursive: true });
  const cases = [
    [{ security: [] }, false],
    [{ security: [{ what: "a host key" }] }, true],
  ] as const;
  const write = (plan: object) =>
    writeFile(join(folder, "plan.json"), JSON.stringify({ schema: SCHEMA, ...plan }));
  await write({});
  await assert.rejects(readPlan(folder), /plan again/);
  assert.equal((await pipeline("approvals", "plans", "prod")).code, 1);
  for (const [plan, needed] of cases) {
    await write(plan);
    assert.equal(needsSecondApproval(await readPlan(folder)), needed);
  }
  const approvals = () => pipeline("approvals", "plans", "prod");
  assert.equal((await approvals()).stdout, "security=true\n");
  for (const [result, code] of [
    ["success", 0],
    ["skipped", 3],
    ["", 3],
  ] as const) {
    const said = await pipeline("approved", folder, result);
    assert.equal(said.code, code, result);
    if (code !== 0)
      assert.match(said.stderr, /^Refused, .* has not been approved in the environment etcd-security\. /);
  }
  await write({ security: [] });
  assert.equal((await approvals()).stdout, "security=false\n");
  assert.equal((await pipeline("approved", folder, "skipped")).code, 0);
});
