// What holds for GitHub's workflows, whatever their steps are.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { actionlint, installActionlint } from "./actionlint.ts";
import { type Job, npmCalls, repository, type Step, type Workflow, workflows } from "./files.ts";

/** These change the stack, lock it, or look at hosts that an up may be changing. */
const QUEUED = ["up.yml", "verify.yml", "renew.yml"];
const COMMANDS = ["plan", "up", "verify", "state-drill"];
let all: ReadonlyMap<string, Workflow>;

before(async () => {
  all = await workflows();
  await installActionlint();
});

test("actionlint and shellcheck have nothing to say", async () => {
  assert.equal(await lint(repository), "");
});

test("they would: of a mistake in a workflow, and of one in its shell", async () => {
  const copy = await mkdtemp(join(tmpdir(), "workflows-"));
  try {
    await cp(join(repository, ".github"), join(copy, ".github"), { recursive: true });
    await mkdir(join(copy, ".git")); // by which it knows where a project begins
    const file = join(copy, ".github/workflows/up.yml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"$STACK"', "$STACK").replace("github.token", "github.tokn"));
    const said = await lint(copy);
    assert.match(said, /SC2086/);
    assert.match(said, /property "tokn" is not defined/);
  } finally {
    await rm(copy, { recursive: true });
  }
});

test("there are these, and each says what it runs on", () => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    "check.yml": ["pull_request", "merge_group", "push"],
    "pin.yml": ["schedule", "workflow_dispatch"],
    "preview.yml": ["pull_request_target", "merge_group"],
    "renew.yml": ["schedule", "workflow_dispatch"],
    "state-drill.yml": ["schedule", "workflow_dispatch"],
    "up.yml": ["push", "workflow_dispatch"],
    "verify.yml": ["schedule", "workflow_dispatch"],
  };
  for (const [file, events] of Object.entries(expected))
    assert.deepEqual(Object.keys(workflow(file).on), events, file);
  // With these a pull request would run what main's workflows say, with what they have.
  for (const [file, { on }] of all)
    if (file !== "preview.yml") assert.ok(!("pull_request_target" in on || "workflow_run" in on), file);
  for (const [file, event] of [
    ["preview.yml", "pull_request_target"],
    ["up.yml", "push"],
  ] as const)
    assert.deepEqual(workflow(file).on[event], { branches: ["main"] });
});

test("what touches the cluster waits in one queue, and is neither dropped nor killed", () => {
  for (const file of QUEUED)
    for (const job of jobs(file).filter(reachesHosts)) {
      const queue = { group: `etcd-\${{ matrix.stack }}`, "cancel-in-progress": false, queue: "max" };
      assert.deepEqual(job.concurrency, queue, file);
      const hours = Number(job["timeout-minutes"]) / 60;
      assert.ok(
        hours >= (file === "verify.yml" ? 2 : 24),
        `${file}: the default of 6 h would kill a long up`,
      );
      assert.deepEqual(job["runs-on"], ["self-hosted", "etcd"], file);
    }
  for (const [file, { jobs: each }] of all)
    for (const job of Object.values(each))
      if (calls(job).some(({ script }) => ["up", "verify"].includes(script)))
        assert.ok(QUEUED.includes(file), `${file} is in the queue`);
});

test("one stack's job ends no other's, and has its stack from the matrix", () => {
  for (const [file, { jobs: each }] of all)
    for (const [name, { strategy, env }] of Object.entries(each))
      if (strategy !== undefined) {
        const stacks = `\${{ fromJSON(vars.STACKS) }}`;
        assert.deepEqual(strategy, { "fail-fast": false, matrix: { stack: stacks } }, `${file} ${name}`);
        assert.equal(env?.STACK, `\${{ matrix.stack }}`, `${file} ${name}`);
      } else assert.equal(env?.STACK, undefined, `${file} ${name}`);
});

test("an up needs the environment's approval, except for renewals", () => {
  for (const [file, { jobs: each }] of all)
    for (const job of Object.values(each))
      for (const { script, args } of calls(job))
        if (script === "up")
          assert.equal(job.environment, args.includes("--renewals-only") ? "etcd-renewals" : "etcd", file);
});

test("permissions are none but those that each job lists", () => {
  const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "check.yml check": { contents: "read" },
    "pin.yml pin": { contents: "write", "pull-requests": "write" },
    "preview.yml look": { contents: "read" },
    "preview.yml plan": { contents: "read", "id-token": "write" },
    "preview.yml code-plan": { contents: "read", "id-token": "write" },
    "preview.yml show": {
      contents: "read",
      "pull-requests": "write",
      "id-token": "write",
      attestations: "write",
    },
    "preview.yml planned": {},
    "preview.yml fork": {},
    "renew.yml renew": { contents: "read", "id-token": "write" },
    "state-drill.yml state-drill": { contents: "read", "id-token": "write" },
    "up.yml find": { contents: "read", actions: "read", attestations: "read", "pull-requests": "read" },
    "up.yml security": {},
    "up.yml up": {
      contents: "read",
      actions: "read",
      attestations: "read",
      "id-token": "write",
      "pull-requests": "read",
    },
    "verify.yml verify": { contents: "read", "id-token": "write", issues: "write" },
  };
  for (const [file, each] of all) {
    assert.deepEqual(each.permissions, {}, file);
    for (const [name, { permissions }] of Object.entries(each.jobs)) {
      const known = expected[`${file} ${name}`];
      if (known !== undefined) assert.deepEqual(permissions, known, `${file} ${name}`);
      else assert.ok(!("id-token" in (permissions ?? {})), `${file} ${name} could sign in to the cloud`);
    }
  }
});

test("secrets reach the commands that need them, and no other step", () => {
  for (const [file, { env, jobs: each }] of all)
    for (const job of Object.values(each)) {
      assert.doesNotMatch(JSON.stringify([env, job.env]), /secrets\.|github\.token/, file);
      for (const step of job.steps) {
        const { env: own = {}, ...rest } = step;
        assert.doesNotMatch(JSON.stringify(rest), /secrets\.|github\.token/, file);
        const called = npmCalls(step.run ?? "").map(({ script }) => script);
        const runs = called.some((script) => COMMANDS.includes(script));
        const dials = called.some((script) => ["up", "verify"].includes(script));
        assert.equal("PULUMI_CONFIG_PASSPHRASE" in own, runs, `${file}: ${step.id}`);
        assert.equal("SSH_KEY" in own, dials, `${file}: ${step.id}`);
        assert.equal((step.run ?? "").includes("cli/pipeline/with-ssh-key npm run"), dials, file);
        assert.equal("GH_TOKEN" in own, usesGh(step), `${file}: ${step.id}`);
      }
    }
});

test("what is installed is what the lock file has, runs no script, and is there before any credential", () => {
  for (const [file, { jobs: each }] of all)
    for (const { steps } of Object.values(each)) {
      const installs = steps.flatMap(({ run = "" }, index) =>
        /npm (ci|i|install)\b/.test(run) ? [index] : [],
      );
      const credentials = steps.findIndex(
        (step) =>
          step.uses?.includes("configure-aws-credentials") ||
          /secrets\.|github\.token/.test(JSON.stringify(step)),
      );
      for (const index of installs) {
        assert.match(steps[index]?.run ?? "", /^npm ci --ignore-scripts\b/, file);
        assert.ok(credentials < 0 || index < credentials, `${file}: a credential is there before npm ci`);
      }
    }
});

test("Pulumi reads the stack file as data, which is written before any credential is there", () => {
  for (const [file, { jobs: each }] of all)
    for (const [name, { steps }] of Object.entries(each)) {
      const calls = (step: Step) => npmCalls(step.run ?? "");
      if (!steps.some((step) => calls(step).some(({ script }) => COMMANDS.includes(script)))) continue;
      const credentials = steps.findIndex(({ uses }) => uses?.includes("configure-aws-credentials"));
      const words = steps
        .slice(0, credentials)
        .flatMap((step) => calls(step).map(({ args }) => args.join(" ")));
      const writes = name === "plan" ? "take $HEAD $STACK" : "own $STACK";
      assert.ok(words.includes(writes), `${file} ${name}: ${words.join(", ")}`);
    }
});

test("actions are pinned by commit, and leave no token in the work tree", async () => {
  for (const [file, { jobs: each }] of all)
    for (const { uses, with: settings } of Object.values(each).flatMap(({ steps }) => steps)) {
      if (uses === undefined) continue;
      assert.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/, file);
      if (uses.startsWith("actions/checkout@")) assert.equal(settings?.["persist-credentials"], false, file);
    }
  const { dependencies } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  for (const step of [...all.keys()].flatMap(jobs).flatMap(({ steps }) => steps))
    if (step.uses?.startsWith("pulumi/actions@"))
      assert.equal(step.with?.["pulumi-version"], dependencies["@pulumi/pulumi"], "the CLI is the SDK's age");
});

test("the program, the policies and the pipelines have owners whose approval a pull request needs", async () => {
  const text = await readFile(join(repository, "CODEOWNERS"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const [first = "", ...others] = lines.map((line) => line.split(" ")[0]);
  assert.equal(first, "*", "everything has an owner");
  for (const path of [
    "/policy/",
    "/.github/",
    "/.gitlab-ci.yml",
    "/cli/pipeline/",
    "/CODEOWNERS",
    "/package-lock.json",
  ])
    assert.ok(others.includes(path), path);
  for (const line of lines) assert.match(line, /^\S+ @[\w-]+\/[\w-]+$/);
});

test("every shell step has an id, and stops at the first failure", () => {
  for (const [file, { defaults, jobs: each }] of all)
    for (const { steps } of Object.values(each)) {
      if (file !== "preview.yml" || steps.length > 1)
        assert.equal(defaults?.run.shell, "bash -euo pipefail {0}", file);
      for (const { run, id } of steps) if (run !== undefined) assert.ok(id, `${file}: ${run}`);
    }
});

test("what is shown before the approval is the signed plan, read by main's program, never a comment or a file of it", () => {
  const find = workflow("up.yml").jobs.find?.steps.find(({ id }) => id === "find-plans")?.run ?? "";
  const lines = find.split("\n").map((line) => line.trim());
  const checked = lines.findIndex((line) => line.startsWith(".github/download-plan "));
  assert.equal(
    lines[checked + 1],
    'npm run --silent pipeline -- show "plans/$stack" >>"$GITHUB_STEP_SUMMARY"',
  );
  const show =
    workflow("preview.yml")
      .jobs.show?.steps.map(({ run = "" }) => run)
      .join("\n") ?? "";
  assert.doesNotMatch(show, /plan\.md/);
});

test("a refused plan is shown before the job fails, and never signed", () => {
  const { plan, "code-plan": code, show } = workflow("preview.yml").jobs;
  for (const job of [plan, code]) {
    const keep = job?.steps.at(-1);
    assert.equal(keep?.if, `\${{ !cancelled() && hashFiles('plan/plan.md') != '' }}`);
    assert.equal(keep.with?.name, `plan-\${{ matrix.stack }}-\${{ github.event.pull_request.head.sha }}`);
    assert.equal(keep.with?.["retention-days"], 14);
  }
  assert.deepEqual(
    show?.steps.map(({ id }) => id).filter((id) => id !== undefined),
    ["install", "summary", "comment", "bind", "attest"],
  );
  for (const step of show?.steps.slice(-2) ?? [])
    assert.match(
      step.if ?? "",
      /needs\.plan\.result == 'success' \|\| needs\.code-plan\.result == 'success'/,
    );
  assert.equal(show?.steps.at(-1)?.with?.["subject-path"], "signed.txt");
});

function workflow(file: string): Workflow {
  const found = all.get(file);
  assert.ok(found, file);
  return found;
}

function jobs(file: string): readonly Job[] {
  return Object.values(workflow(file).jobs);
}

function calls(job: Job) {
  return job.steps.flatMap(({ run }) => npmCalls(run ?? ""));
}

function reachesHosts(job: Job): boolean {
  return calls(job).some(({ script }) => ["up", "verify"].includes(script));
}

function usesGh({ run = "" }: Step): boolean {
  return /^ *gh |\.github\/(?!what-is-signed)/m.test(run);
}

async function lint(folder: string): Promise<string> {
  return await new Promise((resolve) =>
    execFile(actionlint(), ["-no-color", "-oneline"], { cwd: folder }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    ),
  );
}
