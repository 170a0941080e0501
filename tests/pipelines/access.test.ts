// What each job could read: of a fork's pull request, of one with values only, and of one with code; whose code it runs.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Workflow, workflows } from "./files.ts";
import { type Access, accessOf, type Ends, type Event, resultsOf } from "./github-run.ts";

const HERE = "example/etcd";
const NOTHING: Access = { code: "none", environment: undefined, role: undefined, secrets: [], token: [] };
const STATE = "PULUMI_CONFIG_PASSPHRASE";
let all: ReadonlyMap<string, Workflow>;

before(async () => {
  all = await workflows();
});

/** What the jobs that would run are given. */
function accesses(file: string, event: Event, ends: Readonly<Record<string, Ends>> = {}) {
  const workflow = all.get(file);
  assert.ok(workflow, file);
  const results = resultsOf(workflow, event, ends);
  const ran = Object.entries(workflow.jobs).filter(([name]) => results[name] !== "skipped");
  return Object.fromEntries(ran.map(([name, job]) => [name, accessOf(job)]));
}

const look: Access = { ...NOTHING, code: "main" };
const show: Access = { ...NOTHING, code: "main", token: ["attestations", "id-token", "pull-requests"] };
const says = (kind: string): Ends => ({ outputs: { kind } });

test("a fork's pull request: no job has a checkout, a secret, a role or a token", () => {
  const event = { name: "pull_request_target", from: "stranger/etcd" };
  assert.deepEqual(accesses("preview.yml", event), { planned: NOTHING, fork: NOTHING });
});

test("values in stack files: main's program decrypts, and no other code", () => {
  const event = { name: "pull_request_target", from: HERE };
  assert.deepEqual(accesses("preview.yml", event, { look: says("stack") }), {
    look,
    plan: {
      code: "main",
      environment: "etcd-plan",
      role: "AWS_PLAN_ROLE",
      secrets: [STATE],
      token: ["id-token"],
    },
    show,
    planned: NOTHING,
  });
});

test("code: it runs only behind the environment with reviewers, with a role of its own", () => {
  const event = { name: "pull_request_target", from: HERE };
  assert.deepEqual(accesses("preview.yml", event, { look: says("code") }), {
    look,
    "code-plan": {
      code: "pull request",
      environment: "etcd-code-preview",
      role: "AWS_CODE_PLAN_ROLE",
      secrets: [STATE],
      token: ["id-token"],
    },
    show,
    planned: NOTHING,
  });
});

test("what could not be looked at is planned by nobody", () => {
  const event = { name: "pull_request_target", from: HERE };
  for (const ends of [{ result: "failure" }, {}, { outputs: { kind: "" } }] satisfies readonly Ends[]) {
    const ran = Object.keys(accesses("preview.yml", event, { look: ends }));
    assert.ok(!ran.includes("plan") && !ran.includes("code-plan"), JSON.stringify(ends));
  }
});

test("a merge queue's run, whose workflow is the pull request's own, gets nothing", () => {
  assert.deepEqual(accesses("preview.yml", { name: "merge_group" }), { planned: NOTHING });
  assert.deepEqual(accesses("check.yml", { name: "merge_group" }), { check: look });
});

test("any push: its own code, without anything", () => {
  assert.deepEqual(accesses("check.yml", { name: "pull_request", from: "stranger/etcd" }), { check: look });
});

const up: Access = {
  code: "main",
  environment: "etcd",
  role: "AWS_UP_ROLE",
  secrets: [STATE, "SSH_KEY"],
  token: ["id-token"],
};

test("after the merge: the ssh key reaches the job that applies, which waits for one approval or for two", () => {
  const event = { name: "push" };
  const asks = (security: string) => ({ find: { outputs: { security } } });
  assert.deepEqual(accesses("up.yml", event, asks("false")), { find: look, up });
  const security: Access = { ...NOTHING, environment: "etcd-security" };
  assert.deepEqual(accesses("up.yml", event, asks("true")), { find: look, security, up });
  const rejected = { ...asks("true"), security: { result: "failure" } } as const;
  assert.deepEqual(Object.keys(accesses("up.yml", event, rejected)), ["find", "security"]);
  assert.deepEqual(Object.keys(accesses("up.yml", event, { find: { result: "failure" } })), ["find"]);
});

test("schedules: main's program, each in an environment of its own", () => {
  const event = { name: "schedule" };
  const renew = { ...up, environment: "etcd-renewals" };
  assert.deepEqual(accesses("renew.yml", event), { renew });
  const verify = {
    ...up,
    environment: "etcd-verify",
    role: "AWS_PLAN_ROLE",
    token: ["id-token", "issues"],
  };
  assert.deepEqual(accesses("verify.yml", event), { verify });
  const drill = { ...up, environment: "etcd-plan", role: "AWS_PLAN_ROLE", secrets: [STATE] };
  assert.deepEqual(accesses("state-drill.yml", event), { "state-drill": drill });
});

test("no secret or role is outside of an environment: a branch's own workflow would get it", () => {
  for (const [file, { jobs }] of all)
    for (const [name, job] of Object.entries(jobs)) {
      const { environment, role, secrets } = accessOf(job);
      if (role !== undefined || secrets.length > 0)
        assert.ok(environment?.startsWith("etcd"), `${file} ${name}`);
    }
});
