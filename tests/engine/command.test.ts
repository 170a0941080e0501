// What the `command` plugin does in a resource's life: create, update, replace, delete, refresh. Official or stand-in.
import assert from "node:assert/strict";
import { appendFile, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { endHost, startHost } from "./host.ts";
import { named, type Project } from "./project.ts";
import type { Sshd } from "./sshd.ts";

let sshd: Sshd;
let project: Project;

before(async () => {
  ({ sshd, project } = await startHost());
});

after(async () => {
  await endHost({ sshd, project });
});

/** What commands of the form `echo … >>$FOLDER/record` left since it was last asked. */
let seen = 0;
async function recorded(): Promise<string[]> {
  const file = path.join(sshd.folder, "record");
  await appendFile(file, "");
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  const fresh = lines.slice(seen);
  seen = lines.length;
  return fresh;
}

const record = `const record = (line: string) => "echo " + line + " >>" + process.env.FOLDER + "/record";\n`;
const quiet = "addPreviousOutputInEnv: false";

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
