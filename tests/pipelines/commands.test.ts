// The pipelines call npm scripts that exist, with options that these accept.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Call, gitlabJob, npmCalls, repository, workflows } from "./files.ts";

const WRONG_CALL = 2;
const GITLAB_JOBS = ["plan", "code-plan", "show", "find", "up", "verify", "renew", "state-drill", "pin"];
let calls: readonly Call[];
let scripts: Readonly<Record<string, string>>;

before(async () => {
  const github = [...(await workflows()).values()].flatMap(({ jobs }) => Object.values(jobs));
  const gitlab = await Promise.all(GITLAB_JOBS.map(gitlabJob));
  const shells = [
    ...github.flatMap(({ steps }) => steps.map(({ run = "" }) => run)),
    ...gitlab.flatMap(({ script }) => script),
  ];
  calls = shells.flatMap(npmCalls);
  ({ scripts } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")));
});

test("both sides plan, apply that plan, verify and renew, of the stack that is set", () => {
  const lines = calls.map(({ script, args }) => [script, ...args].join(" "));
  for (const [expected, count] of [
    ["plan --stack $STACK --markdown --save plan", 4], // of data, and of code
    ["up --stack $STACK --plan plan", 2],
    ["up --stack $STACK --renewals-only", 2],
    ["verify --stack $STACK", 2],
    ["state-drill --export export.json", 2],
  ] as const)
    assert.equal(lines.filter((line) => line.startsWith(expected)).length, count, expected);
});

test("every npm script that is called exists", () => {
  for (const { script } of calls) assert.ok(script in scripts, `npm run ${script}`);
});

test("each accepts the options it is called with, and refuses one that is wrong", () => {
  const withArguments = calls.filter(({ args }) => args.length > 0);
  assert.ok(withArguments.length >= 8);
  const different = new Map(withArguments.map((call) => [[call.script, ...call.args].join(" "), call]));
  for (const { script, args } of different.values()) {
    const { status, stderr } = callWithoutPulumi(script, args);
    assert.ok(status !== 0 && status !== WRONG_CALL, `${script} ${args.join(" ")}: ${status} ${stderr}`);
  }
  for (const script of new Set(withArguments.map((call) => call.script))) {
    const wrong = callWithoutPulumi(script, ["--no-such-option"]);
    assert.equal(wrong.status, WRONG_CALL, `${script} --no-such-option: ${wrong.stderr}`);
  }
});

/** Where there is no Pulumi and no variable of a pipeline, it gets no further than its own arguments. */
function callWithoutPulumi(script: string, args: readonly string[]) {
  const [, command] = /launch\.mjs ([\w-]+)$/.exec(scripts[script] ?? "") ?? [];
  assert.ok(command, `npm run ${script} is a command of cli/`);
  const file = join(repository, "cli", command, `${command}.ts`);
  const env = { PATH: "/nowhere", HOME: "/nowhere" };
  const cwd = mkdtempSync(join(tmpdir(), "call-")); // not the repository: some of them save what went wrong
  try {
    return spawnSync(process.execPath, [file, ...args], { cwd, env, encoding: "utf8" });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
