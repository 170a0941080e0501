import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const launcher = join(repository, "launch.mjs");

/** Makes process say something else than it does here. */
function pretending(what: string): string {
  const code = `import process from "node:process"; import { syncBuiltinESMExports } from "node:module"; ${what}; syncBuiltinESMExports();`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

for (const args of [
  ["start"],
  ["bench"],
  ["test"],
  ["test", "e2e"],
  ["test", "selftest"],
  ["test", "sweep"],
  ["test", "faults"],
]) {
  test(`${args.join(" ")} says that the lab needs root`, () => {
    const preload = pretending("process.getuid = () => 1000");
    const result = spawnSync(execPath, ["--import", preload, launcher, ...args], { encoding: "utf8" });
    assert.match(result.stderr, /^The lab needs root: .*\n$/);
    assert.equal(result.status, 1);
  });

  test(`${args.join(" ")} says that the lab needs Linux`, () => {
    const preload = pretending(`Object.defineProperty(process, "platform", { value: "darwin" })`);
    const result = spawnSync(execPath, ["--import", preload, launcher, ...args], { encoding: "utf8" });
    assert.match(result.stderr, /^The lab needs Linux\. .*\n$/);
    assert.equal(result.status, 1);
  });
}

/** What launch.mjs reads before any package is there. */
const PARTS = ["backup-commands", "command-line", "commands", "options", "sub-commands"].map(
  (part) => `cli/shared/${part}.mjs`,
);

/** A project with one package, and an npm that installs what the lock file says and tells that it ran. */
async function projectWithFakeNpm() {
  const folder = await mkdtemp(join(tmpdir(), "launch-"));
  const script = async (path: string, ...lines: string[]) => {
    await writeFile(join(folder, path), ["#!/bin/sh", "set -e", ...lines, ""].join("\n"));
    await chmod(join(folder, path), 0o755);
  };
  await mkdir(join(folder, "bin"));
  await mkdir(join(folder, "cli/shared"), { recursive: true });
  await mkdir(join(folder, "lab"));
  for (const file of ["launch.mjs", ...PARTS]) await copyFile(join(repository, file), join(folder, file));
  await script("node", `echo "ran $*"`, "exit 3");
  await script("lab/down", `echo "down"`);
  await script(
    "bin/npm",
    `echo "npm $*"`,
    "mkdir -p node_modules/.bin",
    "cp node node_modules/.bin/node",
    "cp package-lock.json node_modules/.package-lock.json",
  );
  return {
    folder,
    script,
    lock: (version: string) => {
      const packages = {
        "": {},
        "node_modules/one": { version },
        "node_modules/mac": { version, optional: true },
      };
      return writeFile(join(folder, "package-lock.json"), JSON.stringify({ packages }));
    },
    run: (...args: string[]) => {
      const env = { PATH: `${folder}/bin:/usr/bin:/bin` };
      return spawnSync(execPath, [join(folder, "launch.mjs"), ...args], { encoding: "utf8", env });
    },
  };
}

test("packages are installed when they are missing or not those of the lock file, and only then", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  const installs = (...args: string[]) =>
    (project.run(...args).stdout.match(/^npm ci --ignore-scripts /gm) ?? []).length;

  await project.lock("1.0.0");
  assert.equal(installs("check"), 1);
  assert.equal(installs("check"), 0);
  await project.lock("1.0.1");
  assert.equal(installs("test", "unit"), 1);
  assert.equal(installs("test", "unit"), 0);

  const hidden = join(project.folder, "node_modules/.package-lock.json");
  const { packages } = JSON.parse(await readFile(hidden, "utf8"));
  delete packages["node_modules/mac"]; // of another platform
  await writeFile(hidden, JSON.stringify({ packages }));
  assert.equal(installs("check"), 0);

  packages["node_modules/mac"] = { version: "0.9.0" }; // of this platform, but of an older lock file
  await writeFile(hidden, JSON.stringify({ packages }));
  assert.equal(installs("check"), 1);
});

test("without a Node.js from npm it runs on the machine's, or says in one sentence that this is too old", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  await project.script(
    "bin/npm",
    "mkdir node_modules",
    "cp package-lock.json node_modules/.package-lock.json",
  );
  await mkdir(join(project.folder, "cli/status"));
  await writeFile(
    join(project.folder, "cli/status/status.ts"),
    "console.log(process.execPath satisfies string);",
  );
  project.run("check"); // installs
  assert.equal(project.run("status").stdout, `${execPath}\n`);
  const old = pretending("Object.defineProperty(process.features, 'typescript', { value: false })");
  const { stderr, status } = spawnSync(
    execPath,
    ["--import", old, join(project.folder, "launch.mjs"), "status"],
    { encoding: "utf8" },
  );
  assert.match(stderr, /^npm brought no Node\.js for this machine, and its own is [\d.]+: put 22\.18 .*\n$/);
  assert.equal(status, 1);
});

test("what an operator types installs nothing, and says what to run", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  const calls = [
    ["status"],
    ["plan"],
    ["up", "--renewals-only"],
    ["verify"],
    ["client", "get"],
    ["monitoring"],
  ];
  const missing = "The packages are missing or do not match package-lock.json: run npm ci, then try again.\n";
  const isRefused = (args: readonly string[]) => {
    const { stdout, stderr, status } = project.run(...args);
    assert.deepEqual([stdout, stderr, status], ["", missing, 1], args.join(" "));
  };
  for (const args of [...calls, ["gitlab", "note", "plan"]]) isRefused(args);
  project.run("check"); // installs
  assert.match(project.run("status").stdout, /^ran /);
  await project.lock("1.0.1");
  isRefused(["status"]);
});

test("help, a wrong call and taking the lab down need no package", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  const help = project.run("start", "--help");
  assert.match(help.stdout, /^usage: npm start\n/);
  assert.deepEqual([help.stderr, help.status], ["", 0]);
  const wrong = project.run("start", "--hosts=5");
  assert.equal(wrong.stderr, "There is no option --hosts: see npm start -- --help.\n");
  assert.deepEqual([wrong.stdout, wrong.status], ["", 2]);
  assert.equal(project.run("lab:down").stdout, "down\n");
});

test("the command runs on the project's Node.js, with its arguments and exit code", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  project.run("check"); // installs
  const { stdout, status } = project.run("client", "get", "a b");
  assert.equal(stdout, `ran ${project.folder}/cli/client/client.ts get a b\n`);
  assert.equal(status, 3);
});

test("a failed installation says so and ends", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  await project.script("bin/npm", "exit 9");
  const { stdout, stderr, status } = project.run("check");
  assert.match(stderr, /^npm ci failed: .*\n$/);
  assert.doesNotMatch(stdout, /^ran/m);
  assert.equal(status, 1);
});
