// How the Pulumi CLI is called, with one that tells its arguments.
import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { pulumiCapture, pulumiJson, pulumiRun } from "../../lib/pulumi.ts";

const FLAGS = ["--non-interactive", "--color=never"];
const path = process.env.PATH ?? "";
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulumi-"));
  process.env.PATH = `${folder}${delimiter}${path}`;
});
after(() => rm(folder, { recursive: true }));

async function fakePulumi(...lines: string[]): Promise<void> {
  await writeFile(join(folder, "pulumi"), ["#!/bin/sh", ...lines, ""].join("\n"));
  await chmod(join(folder, "pulumi"), 0o755);
}

test("each call asks nothing, prints no colours, and is of the stack named or the one that is selected", async () => {
  await fakePulumi(`for word; do echo "$word"; done`);
  const words = (stdout: string) => stdout.trim().split("\n");
  assert.deepEqual(words((await pulumiCapture(undefined, "stack", "ls")).stdout), ["stack", "ls", ...FLAGS]);
  const all = ["up", "--yes", ...FLAGS, "--stack", "prod"];
  const lines: string[] = [];
  assert.deepEqual(words(await pulumiRun("prod", ["up", "--yes"], (line) => lines.push(line))), all);
  assert.deepEqual(lines, all);
});

test("it may be run by another command", async () => {
  await fakePulumi(`echo "$LAB $1"`);
  assert.equal(await pulumiRun(undefined, ["up"], undefined, ["env", "LAB=yes"]), "yes up");
});

test("JSON is read, and a failure is what it printed on stderr", async () => {
  await fakePulumi(`echo '{"a": 1}'`);
  assert.deepEqual(await pulumiJson(undefined, "stack", "output", "--json"), { a: 1 });
  await fakePulumi("echo 'error: no stack selected' >&2", "exit 255");
  await assert.rejects(pulumiJson(undefined, "stack"), { message: "error: no stack selected" });
  await fakePulumi("exit 255");
  await assert.rejects(pulumiJson(undefined, "stack", "ls"), { message: "pulumi stack ls ended with 255" });
});

test("where there is none, every call says what to do", async () => {
  const missing = {
    message:
      "pulumi cannot be run (spawn pulumi ENOENT): install the Pulumi CLI; for the lab, type lab/lab exec before the command",
  };
  process.env.PATH = "/nowhere";
  try {
    await assert.rejects(pulumiCapture(undefined, "preview"), missing);
    await assert.rejects(pulumiJson(undefined, "config"), missing);
    await assert.rejects(pulumiRun(undefined, ["up"]), missing);
  } finally {
    process.env.PATH = path;
  }
});
