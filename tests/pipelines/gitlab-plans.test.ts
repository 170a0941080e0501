// Which plan is that of a merged commit: npm run gitlab -- download-plan.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { terminal } from "../../cli/plan/terminal.ts";
import { Gitlab, MERGE_REQUESTS, mergedAs, PLAN } from "./gitlab-server.ts";

let gitlab: Gitlab;

before(async () => {
  gitlab = await Gitlab.create();
});
after(() => gitlab.dispose());
beforeEach(() => gitlab.forget());

test("the plan of the merged commit is downloaded as it was saved", async () => {
  gitlab.planOf("merged", "success");
  const directory = join(gitlab.folder, "plan");
  const { code, said } = await gitlab.run("download-plan", directory);
  assert.equal(code, 0, said);
  assert.match(said, /merge request !3/);
  assert.ok(said.endsWith(`\n\n${terminal(PLAN, Date.now())}\n`), "who approves reads it in the log");
  assert.deepEqual(JSON.parse(await readFile(join(directory, "plan.json"), "utf8")), PLAN);
  for (const name of ["pulumi.json", "plan.md"])
    assert.equal(await readFile(join(directory, name), "utf8"), `the ${name}`);
});

test("code's plan is that of the job that was approved", async () => {
  gitlab.planOf("merged", "success", "code-plan: [dev]");
  assert.equal((await gitlab.run("download-plan", join(gitlab.folder, "code"))).code, 0);
});

test("a pipeline of merged results counts if it is made from the head that was merged", async () => {
  gitlab.planOf("merged", "success");
  gitlab.pipelines("made", "merge_request_event");
  for (const [parent, code] of [
    ["def", 0],
    ["older", 1],
  ] as const) {
    gitlab.answers["/projects/7/repository/commits/made"] = { parent_ids: ["main", parent] };
    assert.equal((await gitlab.run("download-plan", join(gitlab.folder, "made"))).code, code, parent);
  }
});

test("a plan of another head, of a branch's own pipeline or of another branch's merge is none", async () => {
  const [merged] = mergedAs("merged");
  const cases: readonly (() => void)[] = [
    () => gitlab.pipelines("def", "push"),
    () => {
      gitlab.pipelines("other", "merge_request_event");
      gitlab.answers["/projects/7/repository/commits/other"] = { parent_ids: ["main"] };
    },
    () => {
      gitlab.answers[MERGE_REQUESTS] = [{ ...merged, target_branch: "other" }];
    },
    () => {
      gitlab.answers[MERGE_REQUESTS] = [{ ...merged, merge_commit_sha: "later" }];
    },
  ];
  for (const change of cases) {
    gitlab.planOf("merged", "success");
    change();
    const { code, said } = await gitlab.run("download-plan", join(gitlab.folder, "none"));
    assert.equal(code, 1, said);
    assert.match(said, /^(There is no accepted plan of dev|Commit abc is no merge)/);
  }
});

test("a commit without a merge request, and one without a green plan, are refused", async () => {
  gitlab.answers[MERGE_REQUESTS] = [];
  const direct = await gitlab.run("download-plan", join(gitlab.folder, "none"));
  assert.equal(direct.code, 1);
  assert.match(direct.said, /^Commit abc is no merge of a merge request, .*: send an empty commit/);
  gitlab.planOf("opened", "success");
  assert.match(
    (await gitlab.run("download-plan", join(gitlab.folder, "none"))).said,
    /is no merge of a merge request/,
  );
  gitlab.planOf("merged", "failed");
  const red = await gitlab.run("download-plan", join(gitlab.folder, "none"));
  assert.equal(red.code, 1);
  assert.match(red.said, /^There is no accepted plan of dev for merge request !3: /);
});
