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
  const [started, release] = ["started", "release"].map((name) => path.join(project.folder, name));
  await run("mkfifo", [`${started}`, `${release}`]);
  // Two plugins are up, and the program waits outside of any step.
  await project.write(`
    import { readFile, writeFile } from "node:fs/promises";
    const { stdout } = new local.Command("x", { create: "true" });
    const { id } = new tls.PrivateKey("x", { algorithm: "ED25519" });
    await new Promise((resolve) => pulumi.all([stdout, id]).apply(resolve));
    await writeFile("started", "");
    await readFile("release");
  `);
  const up = project.start("up", "--yes", "--skip-preview");
  await run("cat", [`${started}`], { timeout: 60_000 });
  const children = await childrenOf(up.pid);
  assert.ok(children.length >= 3, "the language host and two plugins run");
  const gone = once(up, "exit");
  up.kill("SIGKILL");
  await gone;
  // The program goes on until it needs the engine; the language host stays as long as the program.
  await run("sh", ["-c", `: >"${release}"`], { timeout: 60_000 });
  await run("tail", [...children.map((pid) => `--pid=${pid}`), "-f", "/dev/null"], { timeout: 60_000 });
});

async function childrenOf(pid: number | undefined): Promise<string[]> {
  const { stdout } = await run("ps", ["-o", "pid=", "--ppid", String(pid)]);
  return stdout
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
