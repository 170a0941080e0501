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
const COMMANDS = ["plan", "up", "verify"];
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
  assert.deepEqual(
    [...all.keys()],
    ["check.yml", "pin.yml", "preview.yml", "renew.yml", "up.yml", "verify.yml"],
  );
  assert.deepEqual(Object.keys(workflow("preview.yml").on), ["pull_request"]);
  assert.deepEqual(Object.keys(workflow("up.yml").on), ["push", "workflow_dispatch"]);
  assert.deepEqual(workflow("up.yml").on.push, { branches: ["main"] });
  for (const file of ["verify.yml", "renew.yml", "pin.yml"]) assert.ok("schedule" in workflow(file).on, file);
  for (const [file, { on }] of all)
    assert.ok(!("pull_request_target" in on || "workflow_run" in on), `${file}: forks would get credentials`);
});

test("what touches the cluster waits in one queue, and is neither dropped nor killed", () => {
  for (const file of QUEUED)
    for (const job of jobs(file)) {
      const queue = { group: `etcd-\${{ vars.STACK }}`, "cancel-in-progress": false, queue: "max" };
      assert.deepEqual(job.concurrency, queue, file);
      assert.equal(job["timeout-minutes"], undefined, `${file}: a time-out would kill an up`);
    }
  for (const [file, { jobs: each }] of all)
    for (const job of Object.values(each))
      if (calls(job).some(({ script }) => ["up", "verify"].includes(script)))
        assert.ok(QUEUED.includes(file), `${file} is in the queue`);
});

test("an up needs the environment's approval, except for renewals", () => {
  for (const [file, { jobs: each }] of all)
    for (const job of Object.values(each))
      for (const { script, args } of calls(job))
        if (script === "up")
          assert.equal(job.environment, args.includes("--renewals-only") ? "etcd-renewals" : "etcd", file);
});

test("permissions are none but those that each job lists", () => {
  const expected = {
    "check.yml": { contents: "read" },
    "pin.yml": { contents: "write", "pull-requests": "write" },
    "preview.yml": { contents: "read", "id-token": "write", "pull-requests": "write" },
    "renew.yml": { contents: "read", "id-token": "write" },
    "up.yml": { contents: "read", actions: "read", "id-token": "write", "pull-requests": "read" },
    "verify.yml": { contents: "read", "id-token": "write", issues: "write" },
  };
  for (const [file, permissions] of Object.entries(expected)) {
    assert.deepEqual(workflow(file).permissions, {}, file);
    assert.deepEqual(jobs(file)[0]?.permissions, permissions, file);
  }
  const { plan, fork } = workflow("preview.yml").jobs;
  assert.match(plan?.if ?? "", /head\.repo\.full_name == github\.repository$/);
  assert.match(fork?.if ?? "", /head\.repo\.full_name != github\.repository$/);
  assert.deepEqual(fork?.permissions, {});
});

test("secrets reach the commands that need them, and no other step", () => {
  for (const [file, { env, jobs: each }] of all)
    for (const job of Object.values(each)) {
      assert.doesNotMatch(JSON.stringify([env, job.env]), /secrets\.|github\.token/, file);
      for (const step of job.steps) {
        const { env: own = {}, ...rest } = step;
        assert.doesNotMatch(JSON.stringify(rest), /secrets\.|github\.token/, file);
        const runs = npmCalls(step.run ?? "").some(({ script }) => COMMANDS.includes(script));
        assert.equal("PULUMI_CONFIG_PASSPHRASE" in own, runs, `${file}: ${step.id}`);
        assert.equal("GH_TOKEN" in own, usesGh(step), `${file}: ${step.id}`);
      }
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

test("every shell step has an id, and stops at the first failure", () => {
  for (const [file, { defaults, jobs: each }] of all)
    for (const { steps } of Object.values(each)) {
      if (file !== "preview.yml" || steps.length > 1)
        assert.equal(defaults?.run.shell, "bash -euo pipefail {0}", file);
      for (const { run, id } of steps) if (run !== undefined) assert.ok(id, `${file}: ${run}`);
    }
});

test("a refused plan is shown before the job fails, and not kept for an up", () => {
  const steps = jobs("preview.yml")[0]?.steps ?? [];
  const ids = steps.map(({ id }) => id).filter((id) => id !== undefined);
  assert.deepEqual(ids, ["install", "plan", "summary", "comment", "keep"]);
  for (const step of steps)
    if (step.id === "summary" || step.id === "comment")
      assert.match(step.if ?? "", /!cancelled\(\) && hashFiles/);
    else assert.equal(step.if, undefined, step.id);
  const keep = steps.at(-1)?.with;
  assert.equal(keep?.name, `plan-\${{ github.event.pull_request.head.sha }}`);
  assert.equal(keep?.["retention-days"], 14);
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

function usesGh({ run = "" }: Step): boolean {
  return run.startsWith("gh ") || run.startsWith(".github/");
}

async function lint(folder: string): Promise<string> {
  return await new Promise((resolve) =>
    execFile(actionlint(), ["-no-color", "-oneline"], { cwd: folder }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    ),
  );
}
