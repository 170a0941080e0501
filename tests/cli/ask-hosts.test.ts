// A question to every host, through an ssh that answers as hosts of all kinds do.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { type Answer, askHosts } from "../../cli/shared/ask-hosts.ts";
import { ANSWER_MARK } from "../../host/commands.ts";
import { config, threeNodes } from "../unit/configuration.ts";

const MARK = `\\n${ANSWER_MARK}\\n`;

/** Asks one host whose ssh does this; `ssh` is how often it was called. */
async function ask(t: TestContext, body: string): Promise<{ answer: Answer; calls: number }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-ask-test-"));
  const { PATH } = process.env;
  t.after(() => {
    process.env.PATH = PATH;
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const calls = path.join(folder, "calls");
  const script = `#!/bin/sh\ncat >/dev/null\necho call >>${calls}\nn=$(wc -l <${calls})\n${body}\n`;
  fs.writeFileSync(path.join(folder, "ssh"), script, { mode: 0o755 });
  process.env.PATH = `${folder}:${PATH}`;
  const question = () => ({ subcommand: "facts", options: {}, input: "" });
  const [answer] = await askHosts({ config: config({ nodes: threeNodes.slice(0, 1) }) }, question, {
    pausesMs: [0, 0],
  });
  assert.ok(answer);
  return { answer, calls: fs.readFileSync(calls, "utf8").trim().split("\n").length };
}

test("what a login prints is no part of the answer, not even where it looks like one", async (t) => {
  const { answer } = await ask(
    t,
    `printf 'service of the year\\ndiffers: none\\nno end of line'; printf '${MARK}service active\\n'; exit 5`,
  );
  assert.deepEqual([answer.code, answer.stdout], [5, "service active\n"]);
});

test("a login that runs something else has answered nothing, whatever it ends with", async (t) => {
  const forced = await ask(t, "echo 'Welcome to the jump host'; exit 0");
  assert.deepEqual([forced.answer.code, forced.answer.stdout], [1, ""]);
  assert.match(forced.answer.stderr, /ForceCommand, or no shell\?\); it said: Welcome to the jump host$/);
  const nologin = await ask(t, "echo 'This account is currently not available.'; exit 1");
  assert.match(nologin.answer.stderr, /it said: This account is currently not available\.$/);
});

const turnedAway = [
  "kex_exchange_identification: Connection closed by remote host",
  "ssh: connect to host 192.0.2.11 port 22: Connection refused",
];
for (const said of turnedAway) {
  test(`a connection that is turned away (${said}) is made again`, async (t) => {
    const { answer, calls } = await ask(
      t,
      `[ "$n" = 3 ] || { echo '${said}' >&2; exit 255; }; printf '${MARK}service active\\n'`,
    );
    assert.deepEqual([answer.code, answer.stdout, calls], [0, "service active\n", 3]);
  });

  test(`a host that always turns it away (${said}) is given up, with what may be the cause`, async (t) => {
    const { answer, calls } = await ask(t, `echo '${said}' >&2; exit 255`);
    assert.deepEqual([answer.code, calls], [255, 3]);
    assert.ok(answer.stderr.startsWith(said), answer.stderr);
    assert.match(answer.stderr, /ufw limit, fail2ban, sshd's MaxStartups/);
  });
}

test("a host that is not there, or has another key, is asked once", async (t) => {
  for (const said of ["No route to host", "Host key verification failed."]) {
    const { answer, calls } = await ask(t, `echo '${said}' >&2; exit 255`);
    assert.deepEqual([answer.code, answer.stderr, calls], [255, said, 1]);
  }
});
