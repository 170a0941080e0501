import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Registration, runProgram } from "./harness.ts";
import { steps } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const run = await runProgram({ config: clusterOf(3) });
const custom = run.resources.filter((one) => one.custom);

function thoseWith(resources: readonly Registration[], property: (one: Registration) => boolean) {
  assert.ok(resources.length > 0);
  return resources.filter(property).map((one) => one.name);
}

test("no step has triggers, which replace it and so stop what it has just started", () => {
  assert.deepEqual(
    thoseWith(steps(run), ({ inputs }) => inputs.triggers !== undefined),
    [],
  );
});

test("no step has an environment, which a default sshd refuses", () => {
  assert.deepEqual(
    thoseWith(steps(run), ({ inputs }) => inputs.environment !== undefined),
    [],
  );
});

test("no step sends the output of its last run back, which would warn on every update", () => {
  assert.deepEqual(
    thoseWith(steps(run), ({ inputs }) => inputs.addPreviousOutputInEnv !== false),
    [],
  );
});

test("every step has an update of its own, and none shows stdout in the log", () => {
  assert.deepEqual(
    thoseWith(steps(run), ({ inputs }) => typeof inputs.update !== "string"),
    [],
  );
  assert.deepEqual(
    thoseWith(steps(run), ({ inputs }) => inputs.logging !== "stderr"),
    [],
  );
});

test("a member's own steps, and nothing else, are deleted before they are replaced: never their host's", () => {
  const names = custom.filter(({ request }) => request.getDeletebeforereplace()).map(({ name }) => name);
  const parts = ["binaries", "certificates", "member"];
  assert.deepEqual(
    names.sort(),
    ["node1", "node2", "node3"].flatMap((node) => parts.map((part) => `${node}-${part}`)),
  );
});

test("no change is ignored and nothing is left behind by itself", () => {
  assert.deepEqual(
    thoseWith(custom, ({ request }) => request.getIgnorechangesList().length > 0),
    [],
  );
  assert.deepEqual(
    thoseWith(custom, ({ request }) => request.getRetainondelete() === true),
    [],
  );
});

test("there are only remote commands and the tls provider's resources", () => {
  assert.deepEqual([...new Set(custom.map((one) => one.type))].sort(), [
    "command:remote:Command",
    "tls:index/certRequest:CertRequest",
    "tls:index/locallySignedCert:LocallySignedCert",
    "tls:index/privateKey:PrivateKey",
    "tls:index/selfSignedCert:SelfSignedCert",
  ]);
});

const project = fileURLToPath(new URL("../..", import.meta.url));

async function sources(pattern: string): Promise<readonly { file: string; source: string }[]> {
  const found: { file: string; source: string }[] = [];
  for await (const file of glob(pattern, { cwd: project })) {
    found.push({ file, source: await readFile(`${project}/${file}`, "utf8") });
  }
  assert.ok(found.length > 0, `there is no file ${pattern}`);
  return found;
}

test("the program never asks whether it is a preview, and has no hooks and no dynamic providers", async () => {
  const program = await sources("{*,components/**/*,config/**/*,cluster/**/*,etcd/**/*,host/**/*}.ts");
  assert.ok(program.some(({ file }) => file === "index.ts"));
  const forbidden = /\bisDryRun\b|\bResourceHook\b|\bhooks:|pulumi\.dynamic\b|\bCopyToRemote\b|\bCopyFile\b/;
  const wrong = program.filter(({ source }) => forbidden.test(source));
  assert.deepEqual(
    wrong.map(({ file }) => file),
    [],
  );
});

test("what is plain data has no Pulumi in it: the arithmetic, the host's program, the parsers of the configuration", async () => {
  const entries = ["config/load.ts", "config/refusal.ts"]; // what reads the stack, and how it refuses
  const all = await sources("{cluster,etcd,config,host}/**/*.ts");
  const plain = all.filter(({ file }) => !entries.includes(file));
  const wrong = plain.filter(({ source }) => source.includes('"@pulumi/'));
  assert.deepEqual(
    wrong.map(({ file }) => file),
    [],
  );
});
