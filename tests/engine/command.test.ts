// What the `command` plugin does with a resource's life: create, update, replace, delete, preview, state. Official or stand-in.
import assert from "node:assert/strict";
import { appendFile, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { isSecret, named, Project, UNKNOWN } from "./project.ts";
import { type Sshd, startSshd } from "./sshd.ts";

let sshd: Sshd;
let project: Project;

before(async () => {
  sshd = await startSshd();
  const { port, user, hostKey, privateKey } = sshd;
  const connection = {
    host: "127.0.0.1",
    port,
    user,
    hostKey,
    privateKey,
    dialErrorLimit: 0,
    perDialTimeout: 5,
  };
  project = await Project.create({
    CONNECTION: JSON.stringify(connection),
    RECORD: path.join(sshd.folder, "record"),
  });
});

after(async () => {
  await project.remove();
  await sshd.stop();
});

/** What commands of the form `echo … >>$RECORD` left since it was last asked. */
let seen = 0;
async function recorded(): Promise<string[]> {
  const file = path.join(sshd.folder, "record");
  await appendFile(file, "");
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  const fresh = lines.slice(seen);
  seen = lines.length;
  return fresh;
}

const record = `const record = (line: string) => "echo " + line + " >>" + process.env.RECORD;\n`;
const quiet = "addPreviousOutputInEnv: false";

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

test("a change of an input updates in place: `update` runs, or `create` again without it", async () => {
  const program = (create: string, update: string, remove: string) => `${record}
    new remote.Command("both", { connection, ${quiet},
      create: record("created-${create}"), update: record("updated-${update}"), delete: record("deleted-${remove}") });
    new remote.Command("single", { connection, ${quiet}, create: record("again-${create}") });
  `;
  await project.up(program("1", "1", "1"));
  assert.deepEqual((await recorded()).sort(), ["again-1", "created-1"]);
  const { id } = await project.resource("both");

  await project.up(program("1", "1", "1"));
  assert.deepEqual(await recorded(), []);

  await project.up(program("2", "1", "1"));
  assert.deepEqual((await recorded()).sort(), ["again-2", "updated-1"]);
  await project.up(program("2", "1", "2"));
  assert.deepEqual(await recorded(), ["updated-1"]);
  await project.up(program("2", "2", "2"));
  assert.deepEqual(await recorded(), ["updated-2"]);
  assert.equal((await project.resource("both")).id, id);

  await project.up("");
  assert.deepEqual(await recorded(), ["deleted-2"]);
});

test("only a change of `triggers` replaces: the new one is created, then the old one deleted", async () => {
  const program = (trigger: string) => `${record}
    new remote.Command("triggered", { connection, triggers: ["${trigger}"], create: record("created-${trigger}"),
      update: record("updated"), delete: record("deleted-${trigger}") });
  `;
  await project.up(program("a"));
  const { id } = await project.resource("triggered");
  assert.deepEqual(await recorded(), ["created-a"]);
  await project.up(program("b"));
  assert.deepEqual(await recorded(), ["created-b", "deleted-a"]);
  assert.notEqual((await project.resource("triggered")).id, id);
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

test("`delete` runs with the old state's text and connection; without it nothing is dialled", async () => {
  const program = (host: string, line: string) => `${record}
    const elsewhere = { ...connection, host: "${host}" };
    new remote.Command("silent", { connection: elsewhere, create: "true" });
    new remote.Command("doomed", { connection: elsewhere, create: "true", delete: record("${line}"), triggers: ["${host}"] });
  `;
  await project.up(program("127.0.0.1", "old text"));
  await recorded();
  await project.up(program("localhost", "new text"));
  assert.deepEqual(await recorded(), ["old text"]);
  const logins = sshd.logins();
  await project.up("");
  assert.deepEqual(await recorded(), ["new text"]);
  assert.equal(sshd.logins(), logins + 1);
});

test("the previous output is offered to the next run, and a host that refuses it only causes a warning", async () => {
  const program = (version: number) =>
    `new remote.Command("again", { connection, create: "echo ${version}" });`;
  await project.up(program(1));
  assert.match(await project.up(program(2)), /warning: Unable to set 'PULUMI_COMMAND_STDOUT'/);
  assert.equal((await project.resource("again")).outputs.stdout, "2");
});

test("refresh sees nothing, even when the host is gone", async () => {
  await project.up(`new remote.Command("unseen", { connection, create: "echo x" });`);
  const logins = sshd.logins();
  const text = await project.succeed("refresh", "--yes", "--skip-preview");
  assert.match(text, /2 unchanged/);
  assert.equal(sshd.logins(), logins);
});

test("a failure tells the status, the command and what it printed; a failed create leaves nothing, a failed update the old inputs", async () => {
  const text = await project.failToUp(
    `new remote.Command("bad", { connection, create: "echo out; echo err >&2; exit 7" });`,
  );
  assert.match(text, /Process exited with status 7: running "echo out; echo err >&2; exit 7":\n/);
  assert.match(text, /^\s*out$/m);
  assert.match(text, /^\s*err$/m);
  assert.ok(!(await project.resources()).some(({ urn }) => urn.endsWith("::bad")));

  await project.up(
    `new remote.Command("bad", { connection, create: "true", update: "true", stdin: "old" });`,
  );
  await project.failToUp(
    `new remote.Command("bad", { connection, create: "true", update: "kill -9 $$", stdin: "new" });`,
  );
  const { inputs } = await project.resource("bad");
  assert.deepEqual([inputs.update, inputs.stdin], ["true", "old"]);
  // Putting it back is no change, so nothing runs.
  assert.match(
    await project.up(
      `new remote.Command("bad", { connection, create: "true", update: "true", stdin: "old" });`,
    ),
    /unchanged/,
  );
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

test("with everything ignored and retained a command is inert, and its removal deletes nothing", async () => {
  const program = (host: string, options: string) => `${record}
    new remote.Command("inert", { connection: { ...connection, host: "${host}" }, create: record("created on ${host}"),
      delete: record("deleted") }, ${options});
  `;
  const inert = '{ ignoreChanges: ["*"], retainOnDelete: true }';
  await project.up(program("127.0.0.1", "{}"));
  await recorded();
  const logins = sshd.logins();
  assert.equal(named(await project.preview(program("192.0.2.1", inert)), "inert").op, "same");
  await project.up(program("192.0.2.1", inert));
  await project.up("");
  assert.deepEqual(await recorded(), []);
  assert.equal(sshd.logins(), logins);
});

test("a local command runs here", async () => {
  const program = (version: number) => `${record}
    new local.Command("here", { create: "cat; echo $GREETING; pwd", stdin: "in\\n", dir: "/", environment: { GREETING: "hello" },
      update: "echo was $PULUMI_COMMAND_STDERR; echo ${version} >&2", delete: record("here-deleted") });
    new local.Command("interpreted", { create: "console.log(1 + 1)", interpreter: [process.execPath, "-e"] });
  `;
  await project.up(program(1));
  await recorded();
  assert.equal((await project.resource("here")).outputs.stdout, "in\nhello\n/");
  assert.equal((await project.resource("interpreted")).outputs.stdout, "2");
  await project.up(program(2));
  await project.up(program(3));
  assert.equal((await project.resource("here")).outputs.stdout, "was 2");
  const text = await project.failToUp(`new local.Command("wrong", { create: "echo no; exit 3" });`);
  assert.match(text, /exit status 3: running "echo no; exit 3":\n\s*no/);
  await project.up("");
  assert.deepEqual(await recorded(), ["here-deleted"]);
});
