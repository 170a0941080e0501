// What the `command` plugin shows and keeps: outputs, secrets, previews, printed lines. Official or stand-in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { endHost, startHost } from "./host.ts";
import { isSecret, named, type Project, UNKNOWN } from "./project.ts";
import type { Sshd } from "./sshd.ts";

let sshd: Sshd;
let project: Project;

before(async () => {
  ({ sshd, project } = await startHost());
});

after(async () => {
  await endHost({ sshd, project });
});

test("outputs are the inputs with stdout and stderr, one trailing newline cut", async () => {
  await project.up(`
    new remote.Command("printing", { connection, create: "printf 'out\\\\n\\\\n'; printf 'err\\\\n' >&2" });
    new remote.Command("idle", { connection: { host: "192.0.2.1" } });
  `);
  const { id, inputs, outputs } = await project.resource("printing");
  assert.match(id ?? "", /^printing[0-9a-f]{8}$/);
  const { connection: _secret, ...plain } = outputs;
  assert.deepEqual(plain, { create: inputs.create, stdout: "out\n", stderr: "err" });
  // Without a command nothing runs, not even a dial.
  const idle = await project.resource("idle");
  assert.deepEqual([idle.outputs.stdout, idle.outputs.stderr], ["", ""]);
});

test("defaults of the connection are filled in, and those of a bastion", async () => {
  await project.up(`new remote.Command("defaults", { connection: { host: "a", proxy: { host: "b" } } });`);
  const { inputs } = named(await project.resources("--show-secrets"), "defaults");
  const { plaintext } = inputs.connection as { plaintext: string };
  const defaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
  assert.deepEqual(JSON.parse(plaintext), { host: "a", ...defaults, proxy: { host: "b", ...defaults } });
});

test("the connection is always encrypted in the state, other inputs when the program says so", async () => {
  const program = `
    const stdin = pulumi.secret("very secret");
    new remote.Command("hidden", { connection, create: "cat >/dev/null; echo shown", stdin });
    new remote.Command("open", { connection, create: "true", stdin: "open" });
  `;
  await project.up(program);
  const hidden = await project.resource("hidden");
  const open = await project.resource("open");
  for (const { inputs, outputs } of [hidden, open]) {
    assert.ok(isSecret(inputs.connection) && isSecret(outputs.connection));
  }
  assert.ok(isSecret(hidden.inputs.stdin) && isSecret(hidden.outputs.stdin));
  assert.equal(hidden.outputs.stdout, "shown");
  assert.equal(open.outputs.stdin, "open");
  const state = JSON.stringify(await project.resources());
  assert.ok(!state.includes("very secret") && !state.includes("OPENSSH PRIVATE KEY"));
});

test("a preview contacts no host, and knows which outputs may change", async () => {
  const program = (changes: string) => `
    const args = { connection, create: "echo c", update: "echo u", delete: "true", stdin: "x", ...(${changes}) };
    const { stdout, stderr } = new remote.Command("looked-at", args);
    new local.Command("dependent", { create: "true", environment: { stdout, stderr } });
  `;
  await project.up("");
  const logins = sshd.logins();
  const creation = named(await project.preview(program("{}")), "dependent");
  assert.deepEqual(creation.newState?.inputs.environment, { stdout: UNKNOWN, stderr: UNKNOWN });
  assert.equal(sshd.logins(), logins);

  await project.up(program("{}"));
  const unknown = { stdout: UNKNOWN, stderr: UNKNOWN };
  const changes = {
    '{ create: "echo d" }': unknown,
    '{ update: "echo v" }': unknown,
    '{ delete: "false" }': unknown,
    '{ stdin: "y" }': unknown,
    '{ connection: { ...connection, host: "192.0.2.1" } }': unknown,
    '{ logging: "none" as const }': { stdout: "c", stderr: "" },
  };
  for (const [change, environment] of Object.entries(changes)) {
    const steps = await project.preview(program(change));
    assert.equal(named(steps, "looked-at").op, "update", change);
    assert.deepEqual(named(steps, "dependent").newState?.inputs.environment, environment, change);
  }
  assert.equal(sshd.logins(), logins + 1);
});

test("the diff names the changed paths; a changed secret is shown as a change of something hidden", async () => {
  const program = (timeout: number, secret: string, changes: string) => `
    new remote.Command("compared", { connection: { ...connection, perDialTimeout: ${timeout} }, create: "cat >/dev/null",
      stdin: pulumi.secret("${secret}"), ${changes} });
  `;
  await project.up(program(5, "one", "triggers: [1, 2]"));
  const changed = program(6, "two", "triggers: [1, 3], environment: { a: '1' }");
  const step = named(await project.preview(changed), "compared");
  assert.deepEqual(step.detailedDiff, {
    // A secret is compared as a whole, so nothing says what inside it changed.
    connection: { kind: "update", inputDiff: false },
    "triggers[1]": { kind: "update-replace", inputDiff: false },
    environment: { kind: "add", inputDiff: false },
    stdin: { kind: "update", inputDiff: false },
  });
  const shown = await project.succeed("preview", "--diff");
  assert.match(shown, /~ stdin\s*: \[secret\] => \[secret\]/);
  assert.ok(!shown.includes("two"));
});

test("a one-line change of a long plain input is shown as one line", async () => {
  const program = (line: string) => `
    new remote.Command("long", { connection, create: "cat >/dev/null", stdin: ["first", "${line}", "third"].join("\\n") });
  `;
  await project.up(program("second"));
  await project.write(program("changed"));
  const lines = (await project.succeed("preview", "--diff")).split("\n").map((line) => line.trim());
  assert.ok(lines.includes("- second") && lines.includes("+ changed"), lines.join("\n"));
  assert.ok(!lines.some((line) => /^[-+] (first|third)/.test(line)));
});

test("a command killed by a signal says so", async () => {
  const text = await project.failToUp(
    `new remote.Command("killed", { connection, create: "kill -TERM $$" });`,
  );
  assert.match(text, /Process exited with status 143 from signal TERM/);
});

test("printed lines are shown as they come, as far as `logging` allows", async () => {
  const text = await project.up(`
    for (const logging of ["none", "stdout", "stderr", "stdoutAndStderr"] as const) {
      new remote.Command("log-" + logging, { connection, create: "echo to-out-" + logging + "; echo to-err-" + logging + " >&2", logging });
    }
  `);
  const shown = (line: string) => text.split("\n").some((row) => row.trimEnd().endsWith(` ${line}`));
  const table = ["none", "stdout", "stderr", "stdoutAndStderr"].map((it) => [
    shown(`to-out-${it}`),
    shown(`to-err-${it}`),
  ]);
  assert.deepEqual(table, [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ]);
  const { outputs } = await project.resource("log-none");
  assert.deepEqual([outputs.stdout, outputs.stderr], ["to-out-none", "to-err-none"]);
});

test("stdin arrives whole, and a command may end without reading it", async () => {
  await project.up(`
    const stdin = "x".repeat(3_000_000);
    new remote.Command("reading", { connection, create: "wc -c", stdin });
    new remote.Command("deaf", { connection, create: "exec <&-; echo done", stdin: "little" });
    new remote.Command("empty", { connection, create: "wc -c" });
  `);
  assert.equal((await project.resource("reading")).outputs.stdout, "3000000");
  assert.equal((await project.resource("deaf")).outputs.stdout, "done");
  assert.equal((await project.resource("empty")).outputs.stdout, "0");
  const program =
    'new remote.Command("deaf-to-much", { connection, create: "exec <&-; echo done", stdin: "x".repeat(3_000_000) });';
  assert.match(await project.failToUp(program), /EOF: running "exec <&-; echo done"/);
});
