// What holds for GitLab's pipelines: gitlab-ci-local checks them against GitLab's schema, and judges their rules.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { gitlabJob, repository } from "./files.ts";

const run = promisify(execFile);
const MERGE_REQUEST = { CI_PIPELINE_SOURCE: "merge_request_event", CI_PROJECT_ID: "1" };
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
  await writeFile(wrong, text.replace("interruptible: false", "interruptible: never"));
  await assert.rejects(gitlabCiLocal("--list", "--file", relative(repository, wrong)), /interruptible/);
});

test("a merge request gets a plan, a fork's a sentence, main an up, schedules what they are for", async () => {
  const expected: readonly (readonly [Record<string, string>, readonly string[]])[] = [
    [{ ...MERGE_REQUEST, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "1" }, ["plan"]],
    [{ ...MERGE_REQUEST, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "2" }, ["fork"]],
    [{ CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "main" }, ["up"]],
    [{ CI_PIPELINE_SOURCE: "web", CI_COMMIT_BRANCH: "main" }, ["up"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", TASK: "verify" }, ["verify"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main", TASK: "renew" }, ["renew"]],
    [{ CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main" }, []],
    [{ CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "feature" }, []],
  ];
  for (const [variables, jobs] of expected) assert.deepEqual(await jobsFor(variables), jobs);
});

test("what touches the cluster waits in one queue, on a runner that reaches the hosts, and is not interrupted", async () => {
  const hosts = await gitlabJob(".hosts");
  assert.deepEqual(hosts, { tags: ["etcd"], resource_group: "etcd-$STACK", interruptible: false });
  for (const name of ["up", "verify", "renew"]) {
    const job = await gitlabJob(name);
    assert.deepEqual(job.extends, [".state", ".hosts"], name);
    assert.equal(job.timeout, undefined, `${name}: a time-out would kill an up`);
    assert.equal(job.interruptible, undefined, name);
  }
});

test("an up needs the environment's approval, and the role that may write", async () => {
  assert.equal((await gitlabJob("up")).environment, "etcd");
  assert.equal((await gitlabJob("renew")).environment, "etcd-renewals");
  const roles = {
    plan: "$AWS_PLAN_ROLE",
    up: "$AWS_UP_ROLE",
    verify: "$AWS_PLAN_ROLE",
    renew: "$AWS_UP_ROLE",
  };
  for (const [name, role] of Object.entries(roles))
    assert.deepEqual((await gitlabJob(name)).variables, { AWS_ROLE_ARN: role }, name);
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
  return jobs.filter(({ when }) => when !== "never").map(({ name }) => name);
}

async function gitlabCiLocal(...options: readonly string[]) {
  const program = join(repository, "node_modules/gitlab-ci-local/dist/index.js");
  const args = [program, "--state-dir", relative(repository, state), ...options];
  return await run(process.execPath, args, { cwd: repository });
}
