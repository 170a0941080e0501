// What becomes of a command on a host when the engine is killed or interrupted. Official or stand-in.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { command, endHost, startHost } from "./host.ts";
import type { Project } from "./project.ts";
import type { Sshd } from "./sshd.ts";

let sshd: Sshd;
let project: Project;

before(async () => {
  ({ sshd, project } = await startHost());
});

after(async () => {
  await endHost({ sshd, project });
});

/** A command that says when it runs, and ends when it is told to. */
function controlled(name: string) {
  const pipe = (part: string) => path.join(sshd.folder, `${name}-${part}`);
  const [started, release, ended] = [pipe("started"), pipe("release"), pipe("ended")];
  execFileSync("mkfifo", [started, release, ended]);
  return {
    script: `echo >${started}; read line <${release}; echo this goes nowhere; echo $line >${ended}`,
    started: () => run("cat", started),
    release: () => run("sh", "-c", `echo finished >${release}`),
    ended: () => run("cat", ended),
  };
}

const run = async (program: string, ...args: string[]) => (await promisify(execFile)(program, args)).stdout;

test("when the engine is killed, the command on the host runs on to its end", async () => {
  const { script, started, release, ended } = controlled("killed");
  await project.write(command("orphan", "connection", `create: ${JSON.stringify(script)}`));
  const up = project.start("up", "--yes", "--skip-preview");
  await started();
  const gone = once(up, "exit");
  up.kill("SIGKILL");
  await gone;
  const [, line] = await Promise.all([release(), ended()]);
  assert.equal(line, "finished\n");
  await project.succeed("cancel", "--yes");
  const text = await project.up(command("orphan", "connection", 'create: "true"'));
  assert.match(text, /1 pending operation/);
  await project.succeed("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
  assert.doesNotMatch(await project.up(), /pending operation/);
});

test("an interrupted engine lets the running step finish, starts no other, and leaves neither lock nor pending operation", async () => {
  const { script, started, release, ended } = controlled("interrupted");
  const dependent = 'new remote.Command("next", { connection, create: "true" }, { dependsOn: running });';
  await project.write(
    `const running = ${command("running", "connection", `create: ${JSON.stringify(script)}`)}${dependent}`,
  );
  const up = project.start("up", "--yes", "--skip-preview");
  let text = "";
  const interrupted = new Promise<void>((resolve) => {
    for (const stream of [up.stdout, up.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk;
        if (/cancell?ing/i.test(text)) resolve();
      });
    }
  });
  await started();
  const gone = once(up, "exit");
  up.kill("SIGINT");
  await interrupted;
  const [, line] = await Promise.all([release(), ended()]);
  assert.equal(line, "finished\n");
  const [code] = await gone;
  assert.notEqual(code, 0, text);
  assert.equal((await project.resource("running")).outputs.stdout, "this goes nowhere");
  assert.ok(!(await project.resources()).some(({ urn }) => urn.endsWith("::next")));
  assert.doesNotMatch(await project.up(), /pending operation/);
});
