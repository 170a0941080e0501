import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import {
  ANSWER_MARK,
  deleteCommand,
  deleteHostCommand,
  exchangeKeyCommand,
  hostCommand,
  hostCommandFromStdin,
  identityOptions,
  prepareCommand,
} from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import { quoteShell } from "../../host/quote.ts";

const root = { user: "root" };
const admin = { user: "admin" };

interface Login {
  readonly input?: string;
  /** What `sudo` does. @default it is not there */
  readonly sudo?: string;
  /** What `cat` does. @default the system's own */
  readonly cat?: string;
  /** The login's shell and its options. */
  readonly shell?: readonly [string, ...string[]];
  /** What this shell reads when it starts. */
  readonly startFile?: string;
}

/** Runs a step's text as sshd does: by the login's shell, with the step's stdin. */
function runText(
  t: TestContext,
  text: string,
  { input = "", sudo, cat, shell = ["sh"], startFile = "" }: Login = {},
) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-commands-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const at = (name: string) => path.join(folder, name);
  const command = (name: string, body: string) =>
    fs.writeFileSync(at(name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  if (sudo !== undefined) command("sudo", sudo);
  if (cat !== undefined) command("cat", cat);
  fs.mkdirSync(at("tmp"));
  command("mktemp", `exec /usr/bin/mktemp "${at("tmp")}/\${1##*/}"`);
  for (const name of [".bashrc", ".tcshrc", ".zshenv", ".config/fish/config.fish"]) {
    fs.mkdirSync(path.dirname(at(name)), { recursive: true });
    fs.writeFileSync(at(name), `${startFile}\n`);
  }
  const env = {
    PATH: `${folder}:/usr/bin:/bin`,
    HOME: folder,
    SSH_CLIENT: "192.0.2.1 50000 22", // so that bash reads .bashrc
    TMPDIR: "/nowhere",
    BY: "itself",
  };
  const stdin = input.replace(/^PATH=/m, `PATH=${folder}:`); // the program looks for sudo in its own PATH
  const [program, ...options] = shell;
  const { status, stdout, stderr } = spawnSync(program, [...options, "-c", text], {
    input: stdin,
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr, left: fs.readdirSync(at("tmp")) };
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

const stub = '#!/bin/sh\necho "ran $(basename "$0" | cut -c1-10) as $BY: $*"\n';
/** A sudo that does not ask. */
const SUDO = '[ "$1" = -n ] && shift && BY=sudo exec "$@"';

test("the first step runs the program from its stdin with the options, and leaves no file", (t) => {
  const text = prepareCommand(root, { name: "node1", "data-dir": "/srv/my data" });
  const { status, stdout, left } = runText(t, text, { input: stub });
  assert.deepEqual(
    [status, stdout],
    [0, "ran etcd-host. as itself: prepare --name=node1 --data-dir=/srv/my data\n"],
  );
  assert.deepEqual(left, []);
});

test("a first step that fails fails with the program's code, and leaves no file", (t) => {
  const { status, left } = runText(t, prepareCommand(root, {}), { input: "#!/bin/sh\nexit 3\n" });
  assert.equal(status, 3);
  assert.deepEqual(left, []);
});

test("another login than root becomes root by sudo, which must not ask", (t) => {
  const text = prepareCommand(admin, { name: "node1" });
  const { status, stdout } = runText(t, text, { input: stub, sudo: SUDO });
  assert.equal(status, 0);
  assert.equal(stdout, "ran etcd-host. as itself: sudo\nran etcd-host. as sudo: prepare --name=node1\n");
});

const asks = {
  "sudo: a password is required": "add a NOPASSWD rule for it",
  "sudo: sorry, you must have a tty to run sudo": "exempt it (Defaults:root !requiretty)",
};
for (const [why, way] of Object.entries(asks))
  test(`where sudo does not do it ("${why}"), the first step says so and ends before it touches anything`, (t) => {
    const text = prepareCommand(admin, { name: "node1" });
    const { status, stdout, stderr, left } = runText(t, text, {
      input: hostProgram(),
      sudo: `echo '${why}' >&2; exit 1`,
    });
    assert.deepEqual([status, stdout], [3, ""]);
    assert.equal(
      stderr,
      `etcd-host: refused: root may not run sudo here without being asked (${why}); ${way}, or log in as root (etcd:ssh)\n`,
    );
    assert.deepEqual(left, []);
  });

const hostKey =
  "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\naC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n";

test("the text that brings a host key is the same for ever: where it changed, it would run again, and not get there", () => {
  assert.equal(
    exchangeKeyCommand(admin),
    `sh -c 'f=$(mktemp /tmp/etcd-host.XXXXXX || mktemp /var/tmp/etcd-host.XXXXXX) && trap "rm -f $f" EXIT && ` +
      `{ k=$(while IFS= read -r l; do echo "$l"; case $l in (-----END*) break ;; esac; done); ` +
      `cat >|"$f" || { echo "etcd-host: cannot write $f" >&2; exit 1; }; } && ` +
      `{ head -n 1 "$f" | grep -q "^#./bin/sh" || { echo "etcd-host: nothing on stdin (.bashrc?)" >&2; exit 3; }; } && ` +
      `echo "$k" | sudo -n sh "$f" "$@"' etcd-host host-key`,
  );
});

const noclobber = "set -o noclobber";
const logins: Readonly<Record<string, Pick<Login, "shell" | "startFile">>> = {
  dash: { shell: ["dash"] },
  bash: { shell: ["bash"], startFile: noclobber },
  zsh: { shell: ["zsh"], startFile: noclobber },
  fish: { shell: ["fish"] },
  tcsh: { shell: ["tcsh"], startFile: "set noclobber" },
  busybox: { shell: ["busybox", "sh"] },
};
for (const [name, login] of Object.entries(logins)) {
  const options = { name: "node1", "data-dir": "/srv/my data", owner: "urn:a$b::c" };
  const words = "--name=node1 --data-dir=/srv/my data --owner=urn:a$b::c\n";

  test(`a login with ${name} runs the first step, as root and by sudo`, (t) => {
    const direct = runText(t, prepareCommand(root, options), { ...login, input: stub });
    assert.deepEqual([direct.status, direct.stdout], [0, `ran etcd-host. as itself: prepare ${words}`]);
    const bySudo = runText(t, prepareCommand(admin, options), { ...login, input: stub, sudo: SUDO });
    assert.deepEqual(
      bySudo.stdout,
      `ran etcd-host. as itself: sudo\nran etcd-host. as sudo: prepare ${words}`,
    );
    const failing = runText(t, prepareCommand(root, options), { ...login, input: "#!/bin/sh\nexit 3\n" });
    assert.deepEqual([failing.status, failing.left], [3, []]);
  });

  test(`a login with ${name} runs a question: the answer follows its mark, and what comes after the program is left to it`, (t) => {
    const program = `${stub}cat\n`;
    const text = hostCommandFromStdin(root, Buffer.byteLength(program), "verify", options);
    const { status, stdout, left } = runText(t, text, { ...login, input: `${program}member node1\n` });
    assert.deepEqual(
      [status, stdout, left],
      [0, `\n${ANSWER_MARK}\nran etcd-host. as itself: verify ${words}member node1\n`, []],
    );
  });

  test(`a login with ${name} takes a host key and then the program, and hands it to that by sudo`, (t) => {
    const input = `${hostKey}${stub}cat\n`;
    const { status, stdout, left } = runText(t, exchangeKeyCommand(admin), { ...login, input, sudo: SUDO });
    assert.deepEqual([status, stdout, left], [0, `ran etcd-host. as sudo: host-key\n${hostKey}`, []]);
  });

  test(`a login with ${name} runs the delete of the first step, and only where the program is`, (t) => {
    const text = deleteHostCommand(root, "help", options);
    assert.equal(runText(t, text, login).status, 0);
    const elsewhere = text.replaceAll("/usr/local/sbin/etcd-host", "/bin/echo");
    assert.deepEqual(runText(t, elsewhere, login).stdout, `help ${words}`);
  });
}

const thirsty = { "one line": "read -r line", all: "cat >/dev/null" };
for (const [what, startFile] of Object.entries(thirsty))
  test(`a login that reads ${what} of what a step is sent is refused, and nothing of it is run`, (t) => {
    const login: Login = { shell: ["bash"], startFile, input: stub };
    for (const text of [prepareCommand(root, {}), hostCommandFromStdin(root, stub.length, "facts", {})]) {
      const { status, stdout, stderr, left } = runText(t, text, login);
      assert.deepEqual([status, stdout, left], [3, "", []]);
      assert.equal(stderr, "etcd-host: nothing on stdin (.bashrc?)\n");
    }
  });

test("a full /tmp is named, and nothing of a program that came in part is run", (t) => {
  const cat = "echo echo ran; echo 'cat: write error: No space left on device' >&2; exit 1";
  const { status, stdout, stderr, left } = runText(t, prepareCommand(root, {}), { input: stub, cat });
  assert.deepEqual([status, stdout, left], [1, "", []]);
  assert.match(stderr, /^cat: write error: No space left on device\netcd-host: cannot write \/\S+\n$/);
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
