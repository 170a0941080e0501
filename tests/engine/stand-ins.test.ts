// What holds for the stand-ins only, whichever engine the other tests use.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { findEngine } from "../../lab/engine/find.ts";
import { Project } from "./project.ts";

const run = promisify(execFile);
let project: Project;

before(async () => {
  process.env.ETCD_ENGINE = "built";
  project = await Project.create();
});

after(async () => {
  await project.remove();
});

test("finding the engine tells that they are used", async () => {
  const lines: string[] = [];
  const { kind } = await findEngine((line) => lines.push(line));
  assert.equal(kind, "built");
  assert.match(lines.join("\n"), /stand-ins/);
});

test("what they do not do, they refuse by name", async () => {
  const refusals = {
    'new remote.CopyToRemote("x", { connection: { host: "x" }, remotePath: "/x", source: new pulumi.asset.StringAsset("x") });':
      /command:remote:CopyToRemote is not part of this stand-in; it needs the official plugin/,
    'new local.Command("x", { create: "true", assetPaths: ["*"] });': /assetPaths.*needs the official plugin/,
    'new tls.CertRequest("x", { privateKeyPemWo: "x", privateKeyPemWoVersion: 1 });':
      /privateKeyPemWo.*needs the official plugin/,
  };
  for (const [program, pattern] of Object.entries(refusals)) {
    await project.write(program);
    const { code, text } = await project.pulumi("preview");
    assert.notEqual(code, 0, program);
    assert.match(text, pattern);
  }
});

test("a killed engine leaves none of them behind", async () => {
  const started = path.join(project.folder, "started");
  await run("mkfifo", [started]);
  // Two plugins are up, and the program waits outside of any step.
  await project.write(`
    import { writeFile } from "node:fs/promises";
    const { stdout } = new local.Command("x", { create: "true" });
    const { id } = new tls.PrivateKey("x", { algorithm: "ED25519" });
    await new Promise((resolve) => pulumi.all([stdout, id]).apply(resolve));
    await writeFile("started", "");
    await new Promise((resolve) => setTimeout(resolve, 1e9));
  `);
  const up = project.start("up", "--yes", "--skip-preview");
  await run("cat", [started], { timeout: 60_000 });
  const children = await childrenOf(up.pid);
  assert.ok(children.length >= 3, "the language host and two plugins run");
  const programs = (await Promise.all(children.map(childrenOf))).flat();
  assert.equal(programs.length, 1, "the program runs");
  const gone = once(up, "exit");
  up.kill("SIGKILL");
  await gone;
  // The program still waits, for what will never come.
  await ended([...children, ...programs]);
});

test("an engine that is killed while they start leaves none of them behind", async () => {
  const { bin } = await findEngine(() => {});
  for (const name of ["pulumi-language-nodejs", "pulumi-resource-command", "pulumi-resource-tls"]) {
    const { stdout } = await run("sh", [
      "-c",
      '"$0" 127.0.0.1:9 >/dev/null 2>&1 & echo $!',
      path.join(bin, name),
    ]);
    await ended([stdout.trim()]);
  }
});

async function ended(pids: readonly string[]): Promise<void> {
  await run("tail", [...pids.map((pid) => `--pid=${pid}`), "-f", "/dev/null"], { timeout: 60_000 });
}

async function childrenOf(pid: number | string | undefined): Promise<string[]> {
  const { stdout } = await run("sh", ["-c", 'ps -o pid= --ppid "$0" || true', String(pid)]); // 1 where there are none
  return stdout
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
