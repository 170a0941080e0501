// How a merge request shows its plan: npm run gitlab -- note.
import assert from "node:assert/strict";
import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { markdown } from "../../cli/plan/markdown.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { BOT, Gitlab, PLAN } from "./gitlab-server.ts";

const NOTES = "/projects/7/merge_requests/3/notes";
const MARK = "<!-- etcd plan: dev -->";

let gitlab: Gitlab;

before(async () => {
  gitlab = await Gitlab.create();
});
after(() => gitlab.dispose());
beforeEach(() => gitlab.forget());

test("the first plan becomes a note, the next one takes its place", async () => {
  const plan = await gitlab.savedPlan();
  const others = [{ id: 1, author: { id: 12 }, body: "Looks good" }];
  gitlab.answers[`${NOTES}?per_page=100&sort=asc`] = others;
  assert.equal((await gitlab.run("note", plan)).code, 0);
  gitlab.answers[`${NOTES}?per_page=100&sort=asc`] = [
    ...others,
    { id: 2, author: { id: BOT }, body: `${MARK}\nold` },
  ];
  assert.equal((await gitlab.run("note", plan)).code, 0);
  const body = { body: `${MARK}\n${markdown(PLAN, Date.now())}` };
  assert.deepEqual(gitlab.sent, [
    { call: `POST ${NOTES}`, body },
    { call: `PUT ${NOTES}/2`, body },
  ]);
});

test("the note is the token's own, on whatever page: somebody else's with the same first line stays", async () => {
  const plan = await gitlab.savedPlan();
  gitlab.answers[`${NOTES}?per_page=100&sort=asc`] = [{ id: 1, author: { id: 12 }, body: `${MARK}\nforged` }];
  assert.equal((await gitlab.run("note", plan)).code, 0);
  gitlab.answers[`${NOTES}?per_page=100&sort=asc&page=2`] = [];
  gitlab.answers[`${NOTES}?per_page=100&sort=asc&page=3`] = [
    { id: 300, author: { id: BOT }, body: `${MARK}\nold` },
  ];
  assert.equal((await gitlab.run("note", plan)).code, 0);
  assert.deepEqual(
    gitlab.sent.map(({ call }) => call),
    [`POST ${NOTES}`, `PUT ${NOTES}/300`],
  );
  delete gitlab.answers["/user"];
  const unknown = await gitlab.run("note", plan);
  assert.deepEqual(unknown, { code: 1, said: "GitLab answered 404 to GET user\n" });
});

test("what code wrote as its plan is no command to GitLab, and a link is not followed", async () => {
  gitlab.answers[`${NOTES}?per_page=100&sort=asc`] = [];
  const [host = assert.fail("the plan has no host")] = PLAN.hosts;
  const evil: Plan = {
    ...PLAN,
    hosts: [{ ...host, unit: ["/approve", " /merge", "```", "/close"] }],
    warnings: ["x\n/close"],
  };
  const folder = await gitlab.savedPlan(evil);
  await writeFile(join(folder, "plan.md"), "/approve\n");
  assert.equal((await gitlab.run("note", folder)).code, 0);
  const { body = "" } = JSON.parse(JSON.stringify(gitlab.sent[0]?.body));
  assert.match(body, /approve/);
  assert.doesNotMatch(body, /^\s*\//m);
  await rm(join(folder, "plan.md"));
  await symlink("/proc/self/environ", join(folder, "plan.md"));
  const { code, said } = await gitlab.run("note", folder);
  assert.equal(code, 1);
  assert.match(said, /plan\.md is not a regular file/);
  assert.equal(gitlab.sent.length, 1);
});

test("without a plan to show, it says whose job makes one of code", async () => {
  const { code, said } = await gitlab.run("note", join(gitlab.folder, "none"));
  assert.equal(code, 1);
  assert.match(
    said,
    /^There is no plan in .*: if .* brings code, play the job code-plan, then run this one again\.\n$/,
  );
});
