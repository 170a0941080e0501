/**
 * Each way out of contributors' values, with hostile ones: what the other side reads is what went in, or the configuration
 * refuses it. Workflows: tests/unit/printable.test.ts; OpenSSH: tests/cli/ssh.test.ts.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { publicKeyProblem } from "../../config/public-key.ts";
import {
  deleteCommand,
  deleteHostCommand,
  hostCommand,
  hostCommandFromStdin,
  type Options,
  optionWords,
  prepareCommand,
} from "../../host/commands.ts";
import { PROGRAM } from "../../host/paths.ts";
import { quoteAnyShell } from "../../host/quote.ts";
import { renderUnit } from "../../host/unit.ts";
import { renderUserData } from "../../host/user-data.ts";
import { config, hostKey, problems } from "../unit/configuration.ts";

const signs = [
  ...[
    "'",
    '"',
    "\\",
    "`",
    "$",
    "$(",
    "{",
    "}",
    "%",
    "%%",
    "%n",
    "%i",
    ";",
    "&",
    "|",
    "<",
    ">",
    "(",
    ")",
    "[",
  ],
  ...["]", "*", "?", "~", "!", "#", "=", "-", "--", "@", ":", ",", "/", ".", "a", "é", "😀"],
];
const spaces = [" ", "\t", "\n", "\r", "\\\n", "\v", "\u0085", "\u00a0", "\u2028", "\ufeff"];
const controls = ["\u0001", "\u001b[2J", "\u007f", "\u009b", "\u202e", "\ud800", "\uffff"];
const part = fc.oneof(
  fc.constantFrom(...signs, ...spaces, ...controls),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const hostile = fc.array(part, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(""));
/** What a process can be given as a word. */
const word = hostile.filter((text) => text.isWellFormed() && !text.includes("\0"));

// ---- the shell

const options: fc.Arbitrary<Options> = fc.record({
  name: word,
  owner: word,
  mirror: word,
  allow: fc.constantFrom("", undefined),
  founding: fc.constant(true as const),
  incarnation: fc.nat(9),
});
const root = { user: "root" };

/** Prints its words, each with a NUL behind it. */
const PRINTING = "#!/bin/sh\nprintf '%s\\0' \"$@\"\n";

/** The words that a text gives to the program, by a real shell. */
function wordsOf(text: string, shell = "sh", input = ""): readonly string[] {
  const { status, stdout, stderr } = spawnSync(shell, ["-c", text], {
    input,
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", HOME: "/nowhere", LC_ALL: "C.UTF-8" },
  });
  assert.equal(status, 0, stderr);
  return stdout.split("\0").slice(0, -1);
}

test("every text of a step gives the shell its options as they are", () => {
  const texts = { hostCommand, deleteCommand, deleteHostCommand };
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(texts)), options, (render, given) => {
      // the program is a function of the shell: no text is run as anything else
      const text = render(root, "start", given)
        .replace(`! test -x ${PROGRAM} || `, "")
        .replace(`test ! -x ${PROGRAM} || `, "")
        .replace(PROGRAM, "printf '%s\\0'");
      assert.deepEqual(wordsOf(text), ["start", ...optionWords(given)]);
    }),
    { numRuns: 60 },
  );
});

test("so do the texts that bring the program with them", () => {
  fc.assert(
    fc.property(options, (given) => {
      const expected = ["prepare", ...optionWords(given)];
      assert.deepEqual(wordsOf(prepareCommand(root, given), "sh", PRINTING), expected);
      const asked = hostCommandFromStdin(root, PRINTING.length, "prepare", given);
      const [first = "", ...others] = wordsOf(asked, "sh", PRINTING);
      assert.deepEqual([first.split("\n").at(-1), ...others], expected);
    }),
    { numRuns: 30 },
  );
});

for (const shell of ["dash", "bash", "zsh", "fish", "tcsh"])
  test(`a word of etcdctl reaches it through the ${shell} of a login`, () => {
    // tcsh has no line ends in a word, and reads no bytes that are no text
    const line = word.filter((text) => !/\p{C}|\u2028/u.test(text));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (words) => {
        const text = `sh -c 'printf "%s\\0" "$@"' x ${words.map(quoteAnyShell).join(" ")}`;
        assert.deepEqual(wordsOf(text, shell), words);
      }),
      { numRuns: 25 },
    );
  });

// ---- systemd

/** The words of ExecStart= as systemd reads them: quotes and escapes, then % and $, of which only the doubled ones are text. */
function execWords(unit: string): readonly string[] {
  const lines = unit.split("\n");
  const start = lines.findIndex((line) => line.startsWith("ExecStart="));
  const end = lines.findIndex((line, index) => index >= start && !line.endsWith("\\"));
  const value = lines
    .slice(start, end + 1)
    .join("\n")
    .replaceAll("\\\n", " ")
    .slice("ExecStart=".length);
  const words: string[] = [];
  let current: string | undefined;
  let quote = "";
  for (let at = 0; at < value.length; at += 1) {
    const sign = value[at] ?? "";
    if (sign === "\\") {
      at += 1;
      const escaped = value[at] ?? "";
      assert.ok(`\\"'`.includes(escaped), `\\${escaped} means something else to systemd`);
      current = (current ?? "") + escaped;
    } else if (quote !== "") {
      if (sign === quote) quote = "";
      else current += sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      current ??= "";
    } else if (" \t\n\r".includes(sign)) {
      if (current !== undefined) words.push(current);
      current = undefined;
    } else current = (current ?? "") + sign;
  }
  assert.equal(quote, "");
  if (current !== undefined) words.push(current);
  return words.map((one) => {
    assert.notEqual(one, ";");
    const text = one.replaceAll("%%", "");
    assert.ok(!text.includes("%") && !text.replaceAll("$$", "").includes("$"), `systemd expands ${one}`);
    return one.replaceAll("%%", "%").replaceAll("$$", "$");
  });
}

test("a flag reaches etcd through the unit as it is, or is refused", () => {
  const flags = ["distributed-tracing-service-name", "log-outputs", "host-whitelist", "peer-cert-allowed-cn"];
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...flags), hostile, (flag, value) => {
      const values = { extraFlags: { [flag]: value } };
      if (problems(values).length > 0) return;
      accepted += 1;
      const { settings } = config(values);
      const unit = renderUnit({
        ...{ name: "node1", version: "3.6.14", dataDir: "/var/lib/etcd" },
        ...{ peerUrl: "https://192.168.1.101:2380", clientUrl: "https://192.168.1.101:2379" },
        ...{ listenPeerUrl: "https://192.168.1.101:2380", listenClientUrls: ["https://192.168.1.101:2379"] },
        settings,
      });
      assert.ok(execWords(unit).includes(`--${flag}=${value}`), JSON.stringify(unit));
      const lines = unit.split("\n").filter((line) => !line.startsWith("  "));
      for (const line of lines) assert.match(line, /^$|^\[|^# |^[A-Z]\w+=/);
    }),
    { numRuns: 400 },
  );
  assert.ok(accepted > 40, String(accepted));
});

for (const [setting, valid, values] of [
  ["unit.environment", "4GiB", (value: string) => ({ unit: { environment: { GOMEMLIMIT: value } } })],
  ["unit.memoryMax", "6G", (value: string) => ({ unit: { memoryMax: value } })],
  ["unit.readWritePaths", "/var/log/etcd", (value: string) => ({ unit: { readWritePaths: [value] } })],
  ["dataDir", "/srv/etcd", (value: string) => ({ dataDir: value })],
  ["autoCompactionRetention", "1h", (value: string) => ({ autoCompactionRetention: value })],
  ["metricsUrl", "http://127.0.0.1:2381", (value: string) => ({ metricsUrl: value })],
  ["clusterName", "etcd", (value: string) => ({ clusterName: value })],
  ["mirror", "https://mirror.lan", (value: string) => ({ mirror: value })],
  ["proxy", "http://proxy.lan", (value: string) => ({ proxy: value })],
] as const)
  test(`${setting} has no sign that a unit or a line of a file reads as more than a letter, or is refused`, () => {
    assert.deepEqual(problems(values(valid)), []);
    fc.assert(
      fc.property(hostile, fc.boolean(), (value, behind) => {
        const given = behind ? valid + value : value + valid;
        if (problems(values(given)).length === 0) assert.doesNotMatch(given, /[\s"'\\$`]|\p{C}/u, given);
      }),
      { numRuns: 300 },
    );
  });

// ---- cloud-init

/** What the YAML reader of cloud-init (PyYAML) refuses in a text, and what it takes for the end of a line. */
const UNREADABLE = /[^\t\n\r -~\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const LINE_ENDS = /[\u0085\u2028\u2029]/;

test("cloud-init reads the keys as they are, or they are refused", () => {
  const [type = "", blob = ""] = hostKey().split(" ");
  let accepted = 0;
  fc.assert(
    fc.property(hostile, (comment) => {
      const key = `${type} ${blob} ${comment}`.trim(); // as config/aws/machine.ts keeps it
      if (publicKeyProblem(key) !== undefined) return;
      accepted += 1;
      const text = renderUserData({
        hostname: "node1",
        user: "admin",
        authorizedKeys: [key],
        hostKey: { type: "ecdsa", privateKey: "-----BEGIN\nA\n", publicKey: hostKey() },
      });
      assert.doesNotMatch(text, UNREADABLE);
      assert.doesNotMatch(text, LINE_ENDS);
      for (const version of ["1.1", "1.2"] as const) {
        const [user] = Object(parse(text, { version })).users;
        assert.deepEqual(user.ssh_authorized_keys, [key]);
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(accepted > 40, String(accepted));
});

test("a public key is text on one line", () => {
  for (const sign of ["\r", "\u007f", "\u0085", "\u009b", "\u2028", "\ud800", "\u0000"])
    assert.match(String(publicKeyProblem(`${hostKey()} a${sign}b`)), /^has a character that is no text/);
  assert.equal(publicKeyProblem(`${hostKey()}\tJosé 😀`), undefined);
});
