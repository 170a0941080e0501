// The job's own ssh-agent, around the commands that reach hosts.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { repository } from "./files.ts";

const exec = promisify(execFile);
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
