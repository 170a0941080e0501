import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("../../launch.mjs", import.meta.url));

/** Makes process say something else than it does here. */
function pretending(what: string): string {
  const code = `import process from "node:process"; import { syncBuiltinESMExports } from "node:module"; ${what}; syncBuiltinESMExports();`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

for (const args of [["start"], ["test"], ["test", "e2e"], ["test", "selftest"]]) {
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

/** A project with one package, and an npm that installs what the lock file says and tells that it ran. */
async function projectWithFakeNpm() {
  const folder = await mkdtemp(join(tmpdir(), "launch-"));
  const script = async (path: string, ...lines: string[]) => {
    await writeFile(join(folder, path), ["#!/bin/sh", "set -e", ...lines, ""].join("\n"));
    await chmod(join(folder, path), 0o755);
  };
  await mkdir(join(folder, "bin"));
  await copyFile(launcher, join(folder, "launch.mjs"));
  await script("node", `echo "ran $*"`, "exit 3");
  await script(
    "bin/npm",
    `echo "npm $1"`,
    "mkdir -p node_modules/node/bin",
    "cp node node_modules/node/bin/node",
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
    run: () => {
      const env = { PATH: `${folder}/bin:/usr/bin:/bin` };
      return spawnSync(execPath, [join(folder, "launch.mjs"), "client", "get", "a b"], {
        encoding: "utf8",
        env,
      });
    },
  };
}

test("packages are installed when they are missing or not those of the lock file, and only then", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  const installs = () => (project.run().stdout.match(/^npm ci$/gm) ?? []).length;

  await project.lock("1.0.0");
  assert.equal(installs(), 1);
  assert.equal(installs(), 0);
  await project.lock("1.0.1");
  assert.equal(installs(), 1);
  assert.equal(installs(), 0);

  const hidden = join(project.folder, "node_modules/.package-lock.json");
  const { packages } = JSON.parse(await readFile(hidden, "utf8"));
  delete packages["node_modules/mac"]; // of another platform
  await writeFile(hidden, JSON.stringify({ packages }));
  assert.equal(installs(), 0);
});

test("the command runs on the project's Node.js, with its arguments and exit code", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  const { stdout, status } = project.run();
  assert.match(stdout, new RegExp(`^ran ${project.folder}/cli/client/client\\.ts get a b$`, "m"));
  assert.equal(status, 3);
});

test("a failed installation says so and ends", async (t) => {
  const project = await projectWithFakeNpm();
  t.after(() => rm(project.folder, { recursive: true }));
  await project.lock("1.0.0");
  await project.script("bin/npm", "exit 9");
  const { stdout, stderr, status } = project.run();
  assert.match(stderr, /^npm ci failed: .*\n$/);
  assert.doesNotMatch(stdout, /^ran/m);
  assert.equal(status, 1);
});
