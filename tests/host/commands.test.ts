import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { deleteCommand, hostCommand, identityOptions, prepareCommand } from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import { quoteShell } from "../../host/quote.ts";

const root = { user: "root" };
const admin = { user: "admin" };

/** Runs a step's text as sshd does: by the login's shell, with the step's stdin. */
function runText(t: TestContext, text: string, { input = "", sudo }: { input?: string; sudo?: string } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-commands-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  if (sudo !== undefined)
    fs.writeFileSync(path.join(folder, "sudo"), `#!/bin/sh\n${sudo}\n`, { mode: 0o755 });
  fs.mkdirSync(path.join(folder, "tmp"));
  const env = { PATH: `${folder}:/usr/bin:/bin`, TMPDIR: path.join(folder, "tmp"), BY: "itself" };
  const stdin = input.replace(/^PATH=/m, `PATH=${folder}:`); // the program looks for sudo in its own PATH
  const { status, stdout, stderr } = spawnSync("sh", ["-c", text], { input: stdin, env, encoding: "utf8" });
  return { status, stdout, stderr, left: fs.readdirSync(path.join(folder, "tmp")) };
}

test("a step is a short call of the program, its options quoted where they need it", () => {
  const options = {
    ...identityOptions(
      { name: "node1", incarnation: 2 },
      "urn:pulumi:dev::etcd::etcd:cluster:Member::node1",
      3,
    ),
    proxy: "",
    mirror: "https://mirror.example/a b",
    "election-timeout": 1000,
    founding: true,
    missing: undefined,
  } as const;
  const call =
    "/usr/local/sbin/etcd-host start --name=node1 --incarnation=2 " +
    "--owner=urn:pulumi:dev::etcd::etcd:cluster:Member::node1 --check-id=3 " +
    "--mirror='https://mirror.example/a b' --election-timeout=1000 --founding";
  assert.equal(hostCommand(root, "start", options), call);
  assert.equal(hostCommand(admin, "start", options), `sudo -n ${call}`);
});

test("a zero is an option's value, not its absence", () => {
  assert.equal(
    hostCommand(root, "start", { incarnation: 0 }),
    "/usr/local/sbin/etcd-host start --incarnation=0",
  );
});

test("any word goes through a real sh as it is", () => {
  const word = fc
    .string({ unit: "binary", maxLength: 40 })
    .filter((text) => text !== "" && !text.includes("\0"));
  const nasty = fc.array(
    fc.constantFrom("'", '"', "\\", "$", "`", "\n", " ", "*", "~", "!", "#", "-", "=", "a"),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          word,
          nasty.map((parts) => parts.join("")),
        ),
        { minLength: 1, maxLength: 20 },
      ),
      (words) => {
        const valid = words.filter((text) => text.isWellFormed());
        const { status, stdout } = runWords(valid);
        assert.equal(status, 0);
        assert.deepEqual(stdout.split("\0").slice(0, -1), valid);
      },
    ),
    { numRuns: 40 },
  );
  assert.deepEqual(runWords([""]).stdout, "\0");
});
function runWords(words: readonly string[]) {
  return spawnSync("sh", ["-c", `printf '%s\\0' ${words.map(quoteShell).join(" ")}`], { encoding: "utf8" });
}

test("a word that needs no quotes has none, so that a preview can be read", () => {
  assert.equal(quoteShell("https://192.0.2.11:2380"), "https://192.0.2.11:2380");
  assert.equal(quoteShell("a b"), "'a b'");
});

const stub = 'echo "ran $(basename "$0" | cut -c1-3) as $BY: $*"\n';

test("the first step runs the program from its stdin with the options, and leaves no file", (t) => {
  const text = prepareCommand(root, { name: "node1", "data-dir": "/srv/my data" });
  const { status, stdout, left } = runText(t, text, { input: stub });
  assert.deepEqual(
    [status, stdout],
    [0, "ran tmp as itself: prepare --name=node1 --data-dir=/srv/my data\n"],
  );
  assert.deepEqual(left, []);
});

test("a first step that fails fails with the program's code, and leaves no file", (t) => {
  const { status, left } = runText(t, prepareCommand(root, {}), { input: "exit 3\n" });
  assert.equal(status, 3);
  assert.deepEqual(left, []);
});

test("another login than root becomes root by sudo, which must not ask", (t) => {
  const text = prepareCommand(admin, { name: "node1" });
  const sudo = '[ "$1" = -n ] && shift && BY=sudo exec "$@"';
  const { status, stdout } = runText(t, text, { input: stub, sudo });
  assert.equal(status, 0);
  assert.equal(stdout, "ran tmp as itself: sudo\nran tmp as sudo: prepare --name=node1\n");
});

test("where sudo asks for a password, the first step says so and ends before it touches anything", (t) => {
  const text = prepareCommand(admin, { name: "node1" });
  const sudo = "echo 'sudo: a password is required' >&2; exit 1";
  const { status, stdout, stderr, left } = runText(t, text, { input: hostProgram(), sudo });
  assert.deepEqual([status, stdout], [3, ""]);
  assert.match(
    stderr,
    /^etcd-host: refused: \S+ may not run sudo without a password here; add a NOPASSWD rule for it, or log in as root \(etcd:ssh\)\n$/,
  );
  assert.deepEqual(left, []);
});

test("a delete on a host that has no program any more has nothing to do", (t) => {
  // the machine of the tests has none at that path; `help` changes nothing, should it ever have one
  for (const caller of [root, admin]) {
    const { status, stderr } = runText(t, deleteCommand(caller, "help", { name: "node1" }), {
      sudo: '[ "$1" = -n ] && shift && exec "$@"',
    });
    assert.deepEqual([status, stderr], [0, ""]);
  }
});

test("a delete on a host that has the program is its call, and fails as it fails", (t) => {
  const text = deleteCommand(admin, "stop", { name: "node1" });
  assert.equal(
    text,
    "! test -x /usr/local/sbin/etcd-host || sudo -n /usr/local/sbin/etcd-host stop --name=node1",
  );
  const elsewhere = text.replaceAll("/usr/local/sbin/etcd-host", "/bin/false").replace("sudo -n ", "");
  assert.equal(runText(t, elsewhere).status, 1);
});

test("no option of a step can carry a secret: those come on stdin", () => {
  const text =
    prepareCommand(root, {}) + hostCommand(root, "certificates", {}) + deleteCommand(root, "stop", {});
  assert.doesNotMatch(text, /PRIVATE KEY/);
  // @ts-expect-error an output, secret or not, is no value of an option
  const call = () => hostCommand(root, "start", { key: Promise.resolve("secret") });
  assert.doesNotMatch(call(), /=secret/);
});
