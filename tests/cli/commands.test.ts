// Every npm script: its help, a wrong call, and what the documents say of it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { helpOf } from "../../cli/shared/command-line.mjs";
import {
  type Command,
  commands,
  longRuns as longRunNames,
  suites as suiteNames,
} from "../../cli/shared/commands.mjs";
import { longRuns, suites } from "../run/suites.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(join(repository, file), "utf8");
const scripts: Readonly<Record<string, string>> = JSON.parse(read("package.json")).scripts;
const byName = new Map<string, Command>(Object.entries(commands));

/** As npm runs it, where nothing else is on the PATH. */
function npmRun(script: string, ...args: string[]) {
  const words = args.map((word) => `'${word}'`).join(" ");
  const env = { PATH: dirname(execPath), HOME: "/nowhere" };
  const options = { cwd: repository, env, encoding: "utf8" } as const;
  return spawnSync("/bin/sh", ["-c", `${scripts[script]} ${words}`], options);
}

/** The command that a script starts. */
function commandOf(script: string): Command {
  const [, name = ""] = /launch\.mjs ([\w:-]+)/.exec(scripts[script] ?? "") ?? [];
  const command = byName.get(name);
  assert.ok(command, `npm run ${script} starts a command of cli/shared/commands.mjs`);
  return command;
}

for (const script of Object.keys(scripts)) {
  test(`npm run ${script} shows its help, and nothing else happens`, () => {
    const { stdout, stderr, status } = npmRun(script, "--help");
    assert.equal(stdout, `${helpOf(commandOf(script))}\n`);
    assert.deepEqual([stderr, status], ["", 0]);
  });

  test(`npm run ${script} refuses a wrong call in one sentence that leads to the help`, () => {
    const { passesOn } = commandOf(script);
    const { stdout, stderr, status } = npmRun(script, passesOn ? "--stack" : "--no-such-option");
    assert.match(
      stderr,
      /^(There is no option --no-such-option|--stack needs a STACK): see npm .* -- --help\.\n$/,
    );
    assert.deepEqual([stdout, status], ["", 2]);
  });
}

test("the help says what a command does, its options, words and exit codes, and an example", () => {
  for (const command of byName.values()) {
    const help = helpOf(command);
    const [usage, summary] = help.split("\n\n");
    assert.equal(usage, `usage: ${command.call}`);
    assert.ok(command.summary.startsWith(summary?.split("\n")[0] ?? "none"));
    for (const line of help.split("\n")) assert.ok(line.length <= 100, line);
    const shown = [...help.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name]) => name);
    assert.deepEqual(shown, [...Object.keys(command.options), "help"]);
    const codes = [...help.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, code]) => Number(code));
    assert.deepEqual(codes, [...new Set([...Object.keys(command.exits).map(Number), 2])].sort());
    assert.ok(help.endsWith(`Example:\n  ${command.example}`));
  }
});

test("-h is --help, also after other words", () => {
  const { stdout, status } = npmRun("plan", "--json", "-h");
  assert.deepEqual([stdout, status], [`${helpOf(commands.plan)}\n`, 0]);
});

test("every option in the help is one that the parser knows", () => {
  for (const [name, { options }] of byName) {
    for (const [option, { type }] of Object.entries(options)) {
      const wrongly = type === "string" ? [`--${option}`] : [`--${option}=yes`];
      const { stderr } = npmRun(name, ...wrongly);
      assert.match(stderr, new RegExp(`^--${option} (needs a [A-Z]+|takes no value): see `), name);
    }
  }
});

test("each wrong call is told what is wrong with it", () => {
  const calls: readonly (readonly [script: string, args: readonly string[], says: string])[] = [
    ["test", ["x"], "There is no suite x"],
    ["check", ["x"], "Unexpected argument x"],
    ["plan", ["prod"], "Unexpected argument prod"],
    ["plan", ["--markdown", "--json"], "--markdown and --json cannot be combined"],
    ["plan", ["--save", "--json"], "--save needs a DIRECTORY"],
    ["up", [], "Give either --plan DIRECTORY or --renewals-only"],
    ["up", ["--plan", "p", "--renewals-only"], "Give either --plan DIRECTORY or --renewals-only"],
    ["status", ["--json", "--watch"], "--json and --watch cannot be combined"],
    ["client", [], "Give an etcdctl command, or --write-bundle DIRECTORY"],
    ["client", ["--stack", "prod"], "Give an etcdctl command, or --write-bundle DIRECTORY"],
    ["client", ["--write-bundle", "d", "get"], "Unexpected argument get"],
    [
      "client",
      ["--client", "app1", "get", "a"],
      "Add --write-bundle DIRECTORY: etcdctl runs as the administrator only",
    ],
    ["gitlab", [], "Give a command"],
    ["pin", [], "Give a version like 3.6.16, or newest"],
    ["pin", ["3.6.16", "3.7.3"], "Unexpected argument 3.7.3"],
    ["gitlab", ["note"], "note needs a DIRECTORY"],
    ["gitlab", ["note", "a", "b"], "Unexpected argument b"],
    ["pipeline", ["take", "a"], "take needs a STACK"],
    ["pipeline", ["approvals", "a"], "approvals needs a STACK"],
    ["pipeline", ["plugins", "a"], "Unexpected argument a"],
    ["pipeline", ["constructor"], "There is no command constructor"],
  ];
  for (const [script, args, says] of calls) {
    const { stderr, status } = npmRun(script, ...args);
    assert.match(stderr, new RegExp(`^${RegExp.escape(says)}: see npm .* --help\\.\n$`));
    assert.equal(status, 2);
  }
});

test("what follows client's own options is etcdctl's, its --help too", () => {
  // It gets as far as asking for the stack, which takes a Pulumi CLI.
  for (const args of [
    ["--", "--help"],
    ["help"],
    ["--stack", "x", "get", "--help"],
    ["--command-timeout=60s", "member", "list"],
  ]) {
    const { stdout, stderr, status } = npmRun("client", ...args);
    assert.match(stderr, /^pulumi cannot be run /, args.join(" "));
    assert.deepEqual([stdout, status], ["", 1]);
  }
});

test("client refuses defrag, and leads to the command that does it safely", () => {
  for (const args of [["defrag"], ["--command-timeout", "60s", "defrag"], ["--endpoints=x", "defrag"]]) {
    const { stdout, stderr, status } = npmRun("client", ...args);
    assert.match(stderr, /^refused: etcdctl defrag .*; run npm run defragment, or etcd-host defragment on/);
    assert.deepEqual([stdout, status], ["", 3]);
  }
});

test("the suites are those that there are", () => {
  assert.deepEqual(suiteNames, [...suites.map(({ name }) => name), "fast"]);
  assert.deepEqual(
    longRunNames,
    longRuns.map(({ name }) => name),
  );
});
