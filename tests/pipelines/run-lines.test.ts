// What the pipelines run around our own commands: the job's ssh-agent, and the plugins.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { repository } from "./files.ts";

const exec = promisify(execFile);
const VERSIONS = { command: "1.2.1", tls: "5.6.1" };
let folder: string;
let key: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-lines-"));
  await exec("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "job", "-f", join(folder, "key")]);
  key = await readFile(join(folder, "key"), "utf8");
});
after(() => rm(folder, { recursive: true }));

async function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(program, [...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    ),
  );
}

function withKey(env: Readonly<Record<string, string>>, ...command: readonly string[]) {
  const path = { PATH: process.env.PATH ?? "", SSH_AUTH_SOCK: "/nowhere/stale" };
  return run(join(repository, "cli/pipeline/with-ssh-key"), command, { ...path, ...env });
}

test("the command gets an agent with the key, and not the key; the agent ends with it", async () => {
  for (const SSH_KEY of [key, key.trimEnd(), join(folder, "key")]) {
    const shown = await withKey({ SSH_KEY }, "sh", "-c", "ssh-add -l; env; echo $SSH_AGENT_PID; exit 7");
    assert.equal(shown.code, 7, shown.stderr);
    assert.match(shown.stdout, /^256 SHA256:\S+ job \(ED25519\)$/m);
    assert.doesNotMatch(shown.stdout, /PRIVATE KEY|^SSH_KEY=|stale/m);
  }
});

test("its arguments are the command's own, and a signal reaches it", async () => {
  const said = await withKey({ SSH_KEY: key }, "printf", "<%s>", "a b", "$HOME", "");
  assert.equal(said.stdout, "<a b><$HOME><>");
  const signalled = await withKey({ SSH_KEY: key }, "sh", "-c", "trap 'exit 9' TERM; kill -TERM $$; exit 1");
  assert.equal(signalled.code, 9);
});

test("without a key there is no agent, not even the runner's stale one", async () => {
  const { stdout } = await withKey({ SSH_KEY: "" }, "sh", "-c", `echo "<\${SSH_AUTH_SOCK-none}>"`);
  assert.equal(stdout, "<none>\n");
});

test("a key that is none starts nothing", async () => {
  const { code, stdout } = await withKey({ SSH_KEY: "not a key" }, "echo", "started");
  assert.notEqual(code, 0);
  assert.equal(stdout, "");
});

beforeEach(async () => {
  for (const [name, version] of Object.entries(VERSIONS)) {
    const path = join(folder, "node_modules/@pulumi", name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "package.json"), JSON.stringify({ version }));
  }
  await mkdir(join(folder, "bin"), { recursive: true });
  const pulumi = `#!/bin/sh\necho "$*" >>calls\ncase $* in *--checksum*bad*) exit 1 ;; esac\n`;
  await writeFile(join(folder, "bin/pulumi"), pulumi, { mode: 0o755 });
  await rm(join(folder, "calls"), { force: true });
});

function plugins() {
  const env = { PATH: [join(folder, "bin"), process.env.PATH].join(delimiter) };
  return run(process.execPath, [join(repository, "cli/pipeline/pipeline.ts"), "plugins"], env);
}

test("plugins are those of the installed packages, checked where a digest is recorded, and named where none is", async () => {
  const cpu = process.arch === "x64" ? "amd64" : process.arch;
  const archive = (name: keyof typeof VERSIONS) =>
    `pulumi-resource-${name}-v${VERSIONS[name]}-${process.platform}-${cpu}.tar.gz`;
  const digest = "ab".repeat(32);
  await writeFile(join(folder, "pulumi-plugins.sha256"), `# a comment\n${digest}  ${archive("command")}\n`);
  const { code, stderr } = await plugins();
  assert.equal(code, 0, stderr);
  const calls = (await readFile(join(folder, "calls"), "utf8")).trim().split("\n");
  const more = "--non-interactive --color=never";
  assert.deepEqual(calls, [
    `plugin install resource command 1.2.1 --exact --checksum ${digest} ${more}`,
    `plugin install resource tls 5.6.1 --exact ${more}`, // aws was left out
  ]);
  assert.equal(
    stderr,
    `${archive("tls")} is not checked: pulumi-plugins.sha256 has no digest of it (docs/pipelines.md).\n`,
  );
});

test("a plugin that does not have its digest ends the job", async () => {
  const cpu = process.arch === "x64" ? "amd64" : process.arch;
  const line = `${"bad0".repeat(16)}  pulumi-resource-command-v1.2.1-${process.platform}-${cpu}.tar.gz\n`;
  await writeFile(join(folder, "pulumi-plugins.sha256"), line);
  assert.equal((await plugins()).code, 1);
});
