// What else npm run gitlab asks of GitLab and opens there, and how it refuses a call.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Gitlab } from "./gitlab-server.ts";

let gitlab: Gitlab;

before(async () => {
  gitlab = await Gitlab.create();
});
after(() => gitlab.dispose());
beforeEach(() => gitlab.forget());

test("how a job has ended is asked, and one that is not there has not succeeded", async () => {
  gitlab.answers["/projects/7/pipelines/30/jobs?per_page=100"] = [
    { name: "up", status: "running" },
    { name: "security", status: "success" },
  ];
  assert.deepEqual(await gitlab.run("result", "security"), { code: 0, said: "success\n" });
  assert.deepEqual(await gitlab.run("result", "other"), { code: 0, said: "missing\n" });
  gitlab.answers = {};
  assert.equal((await gitlab.run("result", "security")).code, 1);
});

test("what differs becomes an issue, and the next night a note to it", async () => {
  const title = "Hosts of dev differ from what is declared";
  const search = `/projects/7/issues?state=opened&in=title&search=${encodeURIComponent(title)}`;
  const said = await gitlab.file("verify.txt", "node1: unit edited\n```\nnode2: as declared");
  gitlab.answers[search] = [{ iid: 4, title: `${title}, again` }];
  assert.equal((await gitlab.run("issue", said)).code, 0);
  gitlab.answers[search] = [{ iid: 5, title }];
  assert.equal((await gitlab.run("issue", said)).code, 0);
  assert.deepEqual(
    gitlab.sent.map(({ call }) => call),
    ["POST /projects/7/issues", "POST /projects/7/issues/5/notes"],
  );
  const bodies = gitlab.sent.map(({ body }) => JSON.stringify(body));
  for (const body of bodies) {
    assert.ok(body.includes("\\n    node1: unit edited\\n    ```\\n    node2: as declared"), body);
    assert.match(body, /Fix it with a merge request/);
  }
});

test("what pin wrote becomes a merge request, once", async () => {
  const said = await gitlab.file("pin.txt", "3.6.99 is newer\n```\nas SHA256SUMS says");
  const declared = (version: string) => `config:\n  etcd:version: ${version} # ours\n`;
  await gitlab.file("Pulumi.prod.yaml", declared("3.6.99"));
  const settings = { STACK: "organization/etcd/prod" };
  const ofMain = "/projects/7/repository/files/Pulumi.prod.yaml/raw?ref=main";
  const proposed = "/projects/7/merge_requests?state=all&source_branch=pin%2Fprod-etcd-3.6.99";

  gitlab.answers[ofMain] = declared("3.6.99");
  assert.deepEqual(await gitlab.run("propose", said, settings), { code: 0, said: "" });
  gitlab.answers[ofMain] = declared("3.6.98");
  gitlab.answers[proposed] = [{ iid: 4, state: "closed" }];
  const closed = await gitlab.run("propose", said, settings);
  assert.deepEqual(closed, {
    code: 0,
    said: "The merge request of pin/prod-etcd-3.6.99 is there already.\n",
  });
  assert.equal(gitlab.sent.length, 0);

  gitlab.answers[proposed] = [];
  assert.equal((await gitlab.run("propose", said, settings)).code, 0);
  const [commit, opened] = gitlab.sent;
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
  const wrong = await gitlab.run("comment");
  assert.equal(wrong.code, 2);
  assert.equal(wrong.said, "There is no command comment: see npm run gitlab -- --help.\n");
  const alone = await gitlab.run("download-plan", gitlab.folder, { CI_COMMIT_SHA: "" });
  assert.equal(alone.code, 1);
  assert.match(alone.said, /^CI_COMMIT_SHA is not set: .*docs\/pipelines.md\n$/);
  const stranger = await gitlab.run("download-plan", gitlab.folder, { GITLAB_TOKEN: "glpat-other" });
  assert.equal(stranger.code, 1);
  assert.match(
    stranger.said,
    /^GitLab answered 401 to GET projects\/7\/repository\/commits\/abc\/merge_requests/,
  );
  for (const { said } of [wrong, alone, stranger]) assert.doesNotMatch(said, /glpat/);
});
