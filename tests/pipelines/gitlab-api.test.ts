// What cli/gitlab/gitlab.ts asks of GitLab, and what it does with the answers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, test } from "node:test";
import { markdown } from "../../cli/plan/markdown.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { terminal } from "../../cli/plan/terminal.ts";
import { planOf as planFrom, restarts } from "../cli/preview.ts";
import { repository } from "./files.ts";

const TOKEN = "glpat-not-a-token";
const BOT = 11;
const PLAN = planFrom({ changes: { "node1-member": restarts() } });
const NOTES = "/projects/7/merge_requests/3/notes";
const MARK = "<!-- etcd plan: dev -->";
const MERGE_REQUESTS = "/projects/7/repository/commits/abc/merge_requests";
let server: Server;
let url: string;
let folder: string;
/** What the server answers to GETs, by path. */
let answers: Record<string, unknown>;
/** What was sent to it. */
let sent: { readonly call: string; readonly body: unknown }[];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gitlab-api-"));
  server = createServer(async (request, response) => {
    const path = request.url ?? "";
    const body = await text(request);
    if (request.headers["private-token"] !== TOKEN) response.statusCode = 401;
    else if (request.method !== "GET")
      sent.push({ call: `${request.method} ${path}`, body: JSON.parse(body) });
    else if (!(path in answers)) response.statusCode = 404;
    const [first = "", page = "1"] = path.split("&page=");
    const next = String(Number(page) + 1);
    if (`${first}&page=${next}` in answers) response.setHeader("x-next-page", next);
    const answer = answers[path] ?? {};
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  url = `http://127.0.0.1:${address.port}`;
});

after(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  sent = [];
  answers = { "/user": { id: BOT } };
});

test("the first plan becomes a note, the next one takes its place", async () => {
  const plan = await savedPlan();
  const others = [{ id: 1, author: { id: 12 }, body: "Looks good" }];
  answers[`${NOTES}?per_page=100&sort=asc`] = others;
  assert.equal((await gitlab("note", plan)).code, 0);
  answers[`${NOTES}?per_page=100&sort=asc`] = [
    ...others,
    { id: 2, author: { id: BOT }, body: `${MARK}\nold` },
  ];
  assert.equal((await gitlab("note", plan)).code, 0);
  const body = { body: `${MARK}\n${markdown(PLAN, Date.now())}` };
  assert.deepEqual(sent, [
    { call: `POST ${NOTES}`, body },
    { call: `PUT ${NOTES}/2`, body },
  ]);
});

test("the note is the token's own, on whatever page: somebody else's with the same first line stays", async () => {
  const plan = await savedPlan();
  answers[`${NOTES}?per_page=100&sort=asc`] = [{ id: 1, author: { id: 12 }, body: `${MARK}\nforged` }];
  assert.equal((await gitlab("note", plan)).code, 0);
  answers[`${NOTES}?per_page=100&sort=asc&page=2`] = [];
  answers[`${NOTES}?per_page=100&sort=asc&page=3`] = [{ id: 300, author: { id: BOT }, body: `${MARK}\nold` }];
  assert.equal((await gitlab("note", plan)).code, 0);
  assert.deepEqual(
    sent.map(({ call }) => call),
    [`POST ${NOTES}`, `PUT ${NOTES}/300`],
  );
  delete answers["/user"];
  const unknown = await gitlab("note", plan);
  assert.deepEqual(unknown, { code: 1, said: "GitLab answered 404 to GET user\n" });
});

test("what code wrote as its plan is no command to GitLab, and a link is not followed", async () => {
  answers[`${NOTES}?per_page=100&sort=asc`] = [];
  const [host = assert.fail("the plan has no host")] = PLAN.hosts;
  const evil: Plan = {
    ...PLAN,
    hosts: [{ ...host, unit: ["/approve", " /merge", "```", "/close"] }],
    warnings: ["x\n/close"],
  };
  const folder = await savedPlan(evil);
  await writeFile(join(folder, "plan.md"), "/approve\n");
  assert.equal((await gitlab("note", folder)).code, 0);
  const { body = "" } = JSON.parse(JSON.stringify(sent[0]?.body));
  assert.match(body, /approve/);
  assert.doesNotMatch(body, /^\s*\//m);
  await rm(join(folder, "plan.md"));
  await symlink("/proc/self/environ", join(folder, "plan.md"));
  const { code, said } = await gitlab("note", folder);
  assert.equal(code, 1);
  assert.match(said, /plan\.md is not a regular file/);
  assert.equal(sent.length, 1);
});

test("the plan of the merged commit is downloaded as it was saved", async () => {
  planOf("merged", "success");
  const directory = join(folder, "plan");
  const { code, said } = await gitlab("download-plan", directory);
  assert.equal(code, 0, said);
  assert.match(said, /merge request !3/);
  assert.ok(said.endsWith(`\n\n${terminal(PLAN, Date.now())}\n`), "who approves reads it in the log");
  assert.deepEqual(JSON.parse(await readFile(join(directory, "plan.json"), "utf8")), PLAN);
  for (const name of ["pulumi.json", "plan.md"])
    assert.equal(await readFile(join(directory, name), "utf8"), `the ${name}`);
});

test("code's plan is that of the job that was approved", async () => {
  planOf("merged", "success", "code-plan: [dev]");
  assert.equal((await gitlab("download-plan", join(folder, "code"))).code, 0);
});

test("a pipeline of merged results counts if it is made from the head that was merged", async () => {
  planOf("merged", "success");
  pipelines("made", "merge_request_event");
  for (const [parent, code] of [
    ["def", 0],
    ["older", 1],
  ] as const) {
    answers["/projects/7/repository/commits/made"] = { parent_ids: ["main", parent] };
    assert.equal((await gitlab("download-plan", join(folder, "made"))).code, code, parent);
  }
});

test("a plan of another head, of a branch's own pipeline or of another branch's merge is none", async () => {
  const [merged] = mergedAs("merged");
  const cases: readonly (() => void)[] = [
    () => pipelines("def", "push"),
    () => {
      pipelines("other", "merge_request_event");
      answers["/projects/7/repository/commits/other"] = { parent_ids: ["main"] };
    },
    () => {
      answers[MERGE_REQUESTS] = [{ ...merged, target_branch: "other" }];
    },
    () => {
      answers[MERGE_REQUESTS] = [{ ...merged, merge_commit_sha: "later" }];
    },
  ];
  for (const change of cases) {
    planOf("merged", "success");
    change();
    const { code, said } = await gitlab("download-plan", join(folder, "none"));
    assert.equal(code, 1, said);
    assert.match(said, /^(There is no accepted plan of dev|Commit abc is no merge)/);
  }
});

test("how a job has ended is asked, and one that is not there has not succeeded", async () => {
  answers["/projects/7/pipelines/30/jobs?per_page=100"] = [
    { name: "up", status: "running" },
    { name: "security", status: "success" },
  ];
  assert.deepEqual(await gitlab("result", "security"), { code: 0, said: "success\n" });
  assert.deepEqual(await gitlab("result", "other"), { code: 0, said: "missing\n" });
  answers = {};
  assert.equal((await gitlab("result", "security")).code, 1);
});

test("without a plan to show, it says whose job makes one of code", async () => {
  const { code, said } = await gitlab("note", join(folder, "none"));
  assert.equal(code, 1);
  assert.match(
    said,
    /^There is no plan in .*: if .* brings code, play the job code-plan, then run this one again\.\n$/,
  );
});

test("a commit without a merge request, and one without a green plan, are refused", async () => {
  answers[MERGE_REQUESTS] = [];
  const direct = await gitlab("download-plan", join(folder, "none"));
  assert.equal(direct.code, 1);
  assert.match(direct.said, /^Commit abc is no merge of a merge request, .*: send an empty commit/);
  planOf("opened", "success");
  assert.match((await gitlab("download-plan", join(folder, "none"))).said, /is no merge of a merge request/);
  planOf("merged", "failed");
  const red = await gitlab("download-plan", join(folder, "none"));
  assert.equal(red.code, 1);
  assert.match(red.said, /^There is no accepted plan of dev for merge request !3: /);
});

test("what differs becomes an issue, and the next night a note to it", async () => {
  const title = "Hosts of dev differ from what is declared";
  const search = `/projects/7/issues?state=opened&in=title&search=${encodeURIComponent(title)}`;
  const said = await file("verify.txt", "node1: unit edited\n```\nnode2: as declared");
  answers[search] = [{ iid: 4, title: `${title}, again` }];
  assert.equal((await gitlab("issue", said)).code, 0);
  answers[search] = [{ iid: 5, title }];
  assert.equal((await gitlab("issue", said)).code, 0);
  assert.deepEqual(
    sent.map(({ call }) => call),
    ["POST /projects/7/issues", "POST /projects/7/issues/5/notes"],
  );
  const bodies = sent.map(({ body }) => JSON.stringify(body));
  for (const body of bodies) {
    assert.ok(body.includes("\\n    node1: unit edited\\n    ```\\n    node2: as declared"), body);
    assert.match(body, /Fix it with a merge request/);
  }
});

test("what pin wrote becomes a merge request, once", async () => {
  const said = await file("pin.txt", "3.6.99 is newer\n```\nas SHA256SUMS says");
  const declared = (version: string) => `config:\n  etcd:version: ${version} # ours\n`;
  await file("Pulumi.prod.yaml", declared("3.6.99"));
  const settings = { STACK: "organization/etcd/prod" };
  const ofMain = "/projects/7/repository/files/Pulumi.prod.yaml/raw?ref=main";
  const proposed = "/projects/7/merge_requests?state=all&source_branch=pin%2Fprod-etcd-3.6.99";

  answers[ofMain] = declared("3.6.99");
  assert.deepEqual(await gitlab("propose", said, settings), { code: 0, said: "" });
  answers[ofMain] = declared("3.6.98");
  answers[proposed] = [{ iid: 4, state: "closed" }];
  const closed = await gitlab("propose", said, settings);
  assert.deepEqual(closed, {
    code: 0,
    said: "The merge request of pin/prod-etcd-3.6.99 is there already.\n",
  });
  assert.equal(sent.length, 0);

  answers[proposed] = [];
  assert.equal((await gitlab("propose", said, settings)).code, 0);
  const [commit, opened] = sent;
  assert.equal(commit?.call, "POST /projects/7/repository/commits");
  assert.deepEqual(commit?.body, {
    branch: "pin/prod-etcd-3.6.99",
    start_branch: "main",
    force: true,
    commit_message: "Declare etcd 3.6.99 for prod",
    actions: [{ action: "update", file_path: "Pulumi.prod.yaml", content: declared("3.6.99") }],
  });
  assert.equal(opened?.call, "POST /projects/7/merge_requests");
  const body = JSON.stringify(opened?.body);
  assert.match(body, /"source_branch":"pin\/prod-etcd-3\.6\.99","target_branch":"main"/);
  assert.ok(body.includes("\\n    3.6.99 is newer\\n    ```\\n    as SHA256SUMS says"), body);
});

test("a wrong call, a missing variable and GitLab's refusal are each one sentence", async () => {
  const wrong = await gitlab("comment");
  assert.equal(wrong.code, 2);
  assert.equal(wrong.said, "There is no command comment: see npm run gitlab -- --help.\n");
  const alone = await gitlab("download-plan", folder, { CI_COMMIT_SHA: "" });
  assert.equal(alone.code, 1);
  assert.match(alone.said, /^CI_COMMIT_SHA is not set: .*docs\/pipelines.md\n$/);
  const stranger = await gitlab("download-plan", folder, { GITLAB_TOKEN: "glpat-other" });
  assert.equal(stranger.code, 1);
  assert.match(
    stranger.said,
    /^GitLab answered 401 to GET projects\/7\/repository\/commits\/abc\/merge_requests/,
  );
  for (const { said } of [wrong, alone, stranger]) assert.doesNotMatch(said, /glpat/);
});

function mergedAs(state: string) {
  return [{ iid: 3, state, target_branch: "main", merge_commit_sha: "abc", sha: "def" }];
}

function pipelines(sha: string, source: string): void {
  answers["/projects/7/merge_requests/3/pipelines"] = [
    { id: 10, project_id: 8, sha, source: "merge_request_event" }, // a fork's
    { id: 9, project_id: 7, sha, source },
    { id: 8, project_id: 7, sha: "older", source },
  ];
}

function planOf(state: string, status: string, job = "plan: [dev]"): void {
  answers[MERGE_REQUESTS] = mergedAs(state);
  pipelines("def", "merge_request_event");
  answers["/projects/7/pipelines/9/jobs?scope=success&per_page=100"] =
    status === "success"
      ? [
          { id: 20, name: "plan: [other]" },
          { id: 21, name: job },
        ]
      : [];
  for (const name of ["pulumi.json", "plan.md"])
    answers[`/projects/7/jobs/21/artifacts/plan-dev/${name}`] = `the ${name}`;
  answers["/projects/7/jobs/21/artifacts/plan-dev/plan.json"] = PLAN;
}

/** A folder as npm run plan saves one, but for its comment. */
async function savedPlan(plan = PLAN): Promise<string> {
  const saved = join(folder, "saved");
  await rm(saved, { recursive: true, force: true });
  await mkdir(saved);
  await writeFile(join(saved, "plan.json"), JSON.stringify(plan));
  return saved;
}

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function gitlab(command: string, path?: string, settings: Readonly<Record<string, string>> = {}) {
  const env = {
    CI_API_V4_URL: url,
    CI_PROJECT_ID: "7",
    CI_MERGE_REQUEST_IID: "3",
    CI_COMMIT_SHA: "abc",
    CI_DEFAULT_BRANCH: "main",
    CI_PIPELINE_ID: "30",
    STACK: "dev",
    GITLAB_TOKEN: TOKEN,
    ...settings,
  };
  const args = [join(repository, "cli/gitlab/gitlab.ts"), command, ...(path === undefined ? [] : [path])];
  return await new Promise<{ code: number; said: string }>((resolve) =>
    execFile(process.execPath, args, { env, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
    ),
  );
}
