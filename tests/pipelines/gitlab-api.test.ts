// What cli/gitlab/gitlab.ts asks of GitLab, and what it does with the answers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, test } from "node:test";
import { repository } from "./files.ts";

const TOKEN = "glpat-not-a-token";
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
  answers = {};
});

test("the first plan becomes a note, the next one takes its place", async () => {
  const notes = "/projects/7/merge_requests/3/notes";
  const plan = await file("plan.md", "### etcd/dev: 3 restarts");
  answers[`${notes}?per_page=100&sort=asc`] = [{ id: 1, body: "Looks good" }];
  assert.equal((await gitlab("note", plan)).code, 0);
  answers[`${notes}?per_page=100&sort=asc`] = [
    { id: 1, body: "Looks good" },
    { id: 2, body: `${MARK}\nold` },
  ];
  assert.equal((await gitlab("note", plan)).code, 0);
  const body = { body: `${MARK}\n### etcd/dev: 3 restarts` };
  assert.deepEqual(sent, [
    { call: `POST ${notes}`, body },
    { call: `PUT ${notes}/2`, body },
  ]);
});

test("the plan of the merged commit is downloaded as it was saved", async () => {
  planOf("merged", "success");
  const directory = join(folder, "plan");
  const { code, said } = await gitlab("download-plan", directory);
  assert.equal(code, 0, said);
  assert.match(said, /merge request !3/);
  for (const name of ["pulumi.json", "plan.json", "plan.md"])
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
  const { code, said } = await gitlab("note", join(folder, "none.md"));
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

test("a wrong call, a missing variable and GitLab's refusal are each one sentence", async () => {
  const wrong = await gitlab("comment");
  assert.equal(wrong.code, 2);
  assert.equal(wrong.said, "There is no command comment: see npm run gitlab -- --help.\n");
  const alone = await gitlab("download-plan", folder, { CI_COMMIT_SHA: "" });
  assert.equal(alone.code, 1);
  assert.match(alone.said, /^CI_COMMIT_SHA is not set: .*docs\/pipelines.md\n$/);
  const stranger = await gitlab("download-plan", folder, { GITLAB_TOKEN: "glpat-other" });
  assert.equal(stranger.code, 1);
  assert.match(stranger.said, /^GitLab answered 401 to GET repository\/commits\/abc\/merge_requests/);
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
  for (const name of ["pulumi.json", "plan.json", "plan.md"])
    answers[`/projects/7/jobs/21/artifacts/plan-dev/${name}`] = `the ${name}`;
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
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
    ),
  );
}
