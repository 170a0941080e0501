// What holds for GitLab's pipelines: gitlab-ci-local checks them against GitLab's schema, and judges their rules.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { gitlabJob, repository } from "./files.ts";
import { type Files, Repository } from "./git.ts";

const run = promisify(execFile);
const PARENT = "1";
const MERGE_REQUEST = {
  CI_PIPELINE_SOURCE: "merge_request_event",
  CI_MERGE_REQUEST_PROJECT_ID: PARENT,
  CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "main",
};
const OWN = { ...MERGE_REQUEST, CI_PROJECT_ID: PARENT, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: PARENT };
/** Its pipeline is one of the fork's project, or, started by a member, of the parent's. */
const FORK = { ...MERGE_REQUEST, CI_PROJECT_ID: "2", CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "2" };
const STATE = [".stacks", ".state", ".hosts"];
let state: string;

before(async () => {
  state = await mkdtemp(join(tmpdir(), "gitlab-"));
});

after(async () => {
  await rm(state, { recursive: true });
});

test("GitLab's schema has nothing to say, and would of a mistake", async () => {
  await gitlabCiLocal("--list");
  const wrong = join(state, "wrong.yml");
  const text = await readFile(join(repository, ".gitlab-ci.yml"), "utf8");
  await writeFile(wrong, text.replaceAll("interruptible: false", "interruptible: never"));
  await assert.rejects(gitlabCiLocal("--list", "--file", relative(repository, wrong)), /interruptible/);
});

test("a merge request gets a plan, a fork's a sentence, main an up, schedules what they are for", async () => {
  const expected: readonly (readonly [Record<string, string>, readonly string[]])[] = [
    [OWN, ["plan", "code-plan", "show"]],
    [FORK, ["fork"]],
    [{ ...FORK, CI_PROJECT_ID: PARENT }, ["fork"]],
    [{ ...OWN, CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "other" }, []],
    [{ CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "main" }, ["find", "security", "up"]],
    [{ CI_PIPELINE_SOURCE: "web", CI_COMMIT_BRANCH: "main" }, ["find", "security", "up"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", TASK: "verify" }, ["verify"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", TASK: "renew" }, ["renew"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", TASK: "state-drill" }, ["state-drill"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", TASK: "pin" }, ["pin"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main" }, []],
    [{ CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "feature" }, []],
  ];
  for (const [variables, jobs] of expected) assert.deepEqual(await jobsFor(variables), jobs);
});

test("what touches the cluster waits in one queue, on a runner that reaches the hosts, and is not interrupted", async () => {
  const { tags, resource_group, interruptible } = await gitlabJob(".hosts");
  assert.deepEqual([tags, resource_group, interruptible], [["etcd"], "etcd-$STACK", false]);
  const timeouts = { up: "24 hours", renew: "24 hours", verify: "2 hours" }; // the project's is one hour
  for (const [name, timeout] of Object.entries(timeouts)) {
    const job = await gitlabJob(name);
    assert.deepEqual(job.extends, STATE, name);
    assert.equal(job.timeout, timeout, name);
    assert.equal(job.interruptible, undefined, name);
  }
});

test("each job that decrypts has an environment, an audience and a role of its kind", async () => {
  const expected = {
    plan: [{ name: "etcd-plan", action: "access" }, "etcd-plan", "$AWS_PLAN_ROLE"],
    "code-plan": ["etcd-code-preview", "etcd-code-preview", "$AWS_CODE_PLAN_ROLE"],
    up: ["etcd", "etcd-up", "$AWS_UP_ROLE"],
    renew: ["etcd-renewals", "etcd-up", "$AWS_UP_ROLE"],
    "state-drill": [{ name: "etcd-plan", action: "access" }, "etcd-plan", "$AWS_PLAN_ROLE"],
    verify: [{ name: "etcd-verify", action: "verify" }, "etcd-verify", "$AWS_PLAN_ROLE"],
  };
  for (const [name, [environment, audience, role]] of Object.entries(expected)) {
    const job = await gitlabJob(name);
    assert.deepEqual(job.environment, environment, name);
    assert.deepEqual(job.id_tokens, { STATE_TOKEN: { aud: audience } }, name);
    assert.deepEqual(job.variables, { AWS_ROLE_ARN: role }, name);
  }
  for (const name of ["show", "fork", "find", "security", "pin"])
    assert.equal((await gitlabJob(name)).id_tokens, undefined, name);
});

test("code waits for somebody who may deploy to its environment, and so does a change of what is trusted", async () => {
  for (const name of ["code-plan", "security"]) {
    const [rule] = (await gitlabJob(name)).rules ?? [];
    assert.deepEqual([rule?.when, rule?.allow_failure], ["manual", true], name);
  }
  assert.equal((await gitlabJob("security")).environment, "etcd-security");
});

test("only the jobs that reach hosts get the ssh key, through an agent", async () => {
  for (const name of [
    "plan",
    "code-plan",
    "show",
    "fork",
    "find",
    "security",
    "up",
    "verify",
    "renew",
    "state-drill",
    "pin",
  ]) {
    const shell = (await gitlabJob(name)).script.join("\n");
    const dials = /npm run --silent (up|verify) /.test(shell);
    assert.equal(/cli\/pipeline\/with-ssh-key npm run --silent (up|verify) /.test(shell), dials, name);
  }
});

test("the plan is in a log before anybody approves the up, without any right of it", async () => {
  const find = await gitlabJob("find");
  assert.deepEqual(find.script, ['npm run --silent gitlab -- download-plan "plan-$STACK"']);
  assert.deepEqual([find.stage, (await gitlabJob("up")).stage], ["show", "up"]);
  assert.deepEqual(find.environment, { name: "etcd-plan", action: "access" });
  assert.deepEqual(find.extends, [".stacks", ".main"]);
});

test("Pulumi reads the stack file as data, which is written before there is a token", async () => {
  for (const name of [".hosts", "code-plan"]) {
    const shell = (await gitlabJob(name)).before_script ?? [];
    const own = shell.indexOf('npm run --silent pipeline -- own "$STACK"');
    const token = shell.findIndex((line) => line.includes("$STATE_TOKEN"));
    assert.ok(own >= 0 && own < token, name);
  }
});

test("what is installed is what the lock file has, and runs no script", async () => {
  for (const name of [".main", ".hosts", "code-plan"]) {
    const shell = (await gitlabJob(name)).before_script ?? [];
    const installs = shell.filter((line) => /npm (ci|i|install)\b/.test(line));
    assert.equal(installs.length, 1, name);
    for (const line of installs) assert.match(line, /^npm ci --ignore-scripts /, name);
  }
});

/** The lines of a job, in a checkout of the merge request, as a runner leaves it. */
async function runPlan(files: Files) {
  const stack = "config:\n  etcd:checkId: 1\n";
  const origin = await Repository.create({ "Pulumi.prod.yaml": stack, "index.ts": "main's" });
  const head = await origin.branch(files);
  await origin.git("branch", "feature", head);
  const clone = join(state, "clone");
  const bin = join(state, "bin");
  await rm(clone, { recursive: true, force: true });
  await mkdir(bin, { recursive: true });
  await origin.git("clone", "-q", "--branch", "feature", origin.folder, clone);
  const calls = join(state, "calls");
  await writeFile(calls, "");
  const npm = `#!/bin/sh
echo "$* with $(cat index.ts) code, \${AWS_WEB_IDENTITY_TOKEN_FILE:+$(test -e "$AWS_WEB_IDENTITY_TOKEN_FILE" && echo token || echo no) token}" >>"${calls}"
case "$*" in *"pipeline -- take "*) shift 4; exec "${process.execPath}" "${repository}/cli/pipeline/pipeline.ts" "$@" ;; esac
`;
  await writeFile(join(bin, "npm"), npm, { mode: 0o755 });
  const [main, plan] = [await gitlabJob(".main"), await gitlabJob("plan")];
  const lines = [...(main.before_script ?? []), ...plan.script].join("\n");
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    CI_DEFAULT_BRANCH: "main",
    CI_COMMIT_SHA: head,
    STACK: "prod",
    STATE_TOKEN: "token",
    AWS_WEB_IDENTITY_TOKEN_FILE: join(clone, ".state-token"),
  };
  const code = await new Promise<number>((resolve) =>
    execFile("bash", ["-euo", "pipefail", "-c", lines], { cwd: clone, env }, (error) =>
      resolve(typeof error?.code === "number" ? error.code : 0),
    ),
  );
  const said = (await readFile(calls, "utf8")).trim().split("\n");
  await origin.dispose();
  return { code, calls: said.map((line) => line.replace(/ [0-9a-f]{40} /, " HEAD ")) };
}

test("values: they are planned by main's program, and the token is written when all is installed", async () => {
  const { code, calls } = await runPlan({ "Pulumi.prod.yaml": "config:\n  etcd:checkId: 2\n" });
  assert.equal(code, 0);
  assert.deepEqual(calls, [
    "ci --ignore-scripts --cache .npm with main's code, no token",
    "run --silent pipeline -- take HEAD prod with main's code, no token",
    "run --silent pipeline -- plugins with main's code, no token",
    "run --silent plan -- --stack prod --markdown --save plan-prod with main's code, token token",
  ]);
});

test("code: main's program refuses it before there is a token, with the exit code that lets code-plan follow", async () => {
  const { code, calls } = await runPlan({ "index.ts": "the merge request's" });
  assert.deepEqual((await gitlabJob("plan")).allow_failure, { exit_codes: [code] });
  assert.deepEqual(calls, [
    "ci --ignore-scripts --cache .npm with main's code, no token",
    "run --silent pipeline -- take HEAD prod with main's code, no token",
  ]);
});

test("a saved plan is kept for two weeks, and not shown to everybody", async () => {
  const { artifacts } = await gitlabJob("plan");
  assert.equal(artifacts?.expire_in, "14 days");
  assert.equal(artifacts?.access, "developer");
});

/** The jobs of a pipeline with these variables. */
async function jobsFor(variables: Readonly<Record<string, string>>): Promise<string[]> {
  const all = { CI_DEFAULT_BRANCH: "main", CI_COMMIT_BRANCH: "", STACK: "dev", TASK: "", ...variables };
  const options = Object.entries(all).flatMap(([name, value]) => ["--variable", `${name}=${value}`]);
  const { stdout } = await gitlabCiLocal("--list-json", "--no-json-schema-validation", ...options);
  const jobs: readonly { name: string; when: string }[] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  return jobs.filter(({ when }) => when !== "never").map(({ name }) => name.replace(/: \[prod\]$/, ""));
}

async function gitlabCiLocal(...options: readonly string[]) {
  const program = join(repository, "node_modules/gitlab-ci-local/dist/index.js");
  const args = [program, "--state-dir", relative(repository, state), ...options];
  return await run(process.execPath, args, { cwd: repository });
}
