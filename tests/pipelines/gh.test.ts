// What .github's scripts ask of gh, and what they do with the answers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { repository } from "./files.ts";
import { artifactsOf, FakeGh, MERGED, RUN } from "./gh.ts";

let gh: FakeGh;

beforeEach(async () => {
  gh = await FakeGh.create();
});
afterEach(() => gh.dispose());

/** The refusal, or the run whose artifact is downloaded. */
async function downloaded(
  answers: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
) {
  await gh.answer({ pulls: MERGED, artifacts: artifactsOf(42), "run-42": { id: 42, ...RUN }, ...answers });
  await rm(join(gh.folder, "plan"), { recursive: true, force: true });
  const { code, said } = await script(env, "download-plan", "abc", "dev", join(gh.folder, "plan"));
  const run = (await gh.calls()).findLast((call) => call.startsWith("run download "))?.split(" ")[2];
  return { code, said: said.trimEnd(), run };
}

async function keepPlan(): Promise<void> {
  const artifact = join(gh.folder, "saved");
  await mkdir(artifact);
  for (const file of ["plan.md", "plan.json", "pulumi.json"]) await writeFile(join(artifact, file), "");
  await gh.keep(artifact);
}

test("the plan is that of the head that was merged, from the protected branch's green preview, and signed by it", async () => {
  await keepPlan();
  const others = {
    "run-41": { id: 41, ...RUN, conclusion: "failure" },
    "run-43": { id: 43, ...RUN, event: "pull_request" }, // a branch's own preview.yml
    "run-44": { id: 44, ...RUN, path: ".github/workflows/mine.yml" },
    "run-45": { id: 45, ...RUN, head_repository: { id: 2 } }, // a fork's
    "run-46": { id: 46, ...RUN, event: "push" },
  };
  const { code, said, run } = await downloaded({ artifacts: artifactsOf(41, 42, 43, 44, 45, 46), ...others });
  assert.equal(code, 0, said);
  assert.equal(run, "42");
  const plan = join(gh.folder, "plan");
  const signed = (await gh.calls()).filter((call) => call.startsWith("attestation verify "));
  assert.equal(signed.length, 1);
  assert.match(
    signed[0] ?? "",
    / --repo example\/etcd --signer-workflow example\/etcd\/\.github\/workflows\/preview\.yml --source-ref refs\/heads\/main --deny-self-hosted-runners$/,
  );
  assert.deepEqual((await readdir(plan)).sort(), ["plan.json", "plan.md", "pulumi.json"]);
});

test("each way in which nobody saw this plan is refused, with what to do", async () => {
  const [, merged] = MERGED;
  const unseen = /^::error::Commit abc is no merge of a pull request, .*: send an empty commit/;
  const none =
    /^::error::There is no accepted plan of dev for def .*, and merge it when its preview is green\.$/;
  const refusals: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{ pulls: [] }, unseen],
    [{ pulls: MERGED.slice(0, 1) }, unseen],
    [{ pulls: [{ ...merged, merge_commit_sha: "later" }] }, unseen], // only contained in what was merged
    [{ pulls: [{ ...merged, base: { ...merged?.base, ref: "other" } }] }, unseen],
    [{ artifacts: artifactsOf() }, none],
    [{ artifacts: { artifacts: [{ expired: true, workflow_run: { id: 42 } }] } }, none],
    [{ "run-42": { id: 42, ...RUN, event: "pull_request" } }, none],
    [{}, /^::error::The plan of dev for def cannot be downloaded: /],
  ];
  for (const [answers, sentence] of refusals) {
    const { code, said } = await downloaded(answers);
    assert.equal(code, 1);
    assert.match(said, sentence);
    assert.equal(said.split("\n").length, 1, said);
  }
});

test("what is signed names the commit, the stack and both files: another one's plan has another signature", async () => {
  await keepPlan();
  assert.equal((await downloaded({})).code, 0);
  const empty = createHash("sha256").update("").digest("hex");
  assert.equal(await gh.signed(), `The plan of dev for def\n${empty}  pulumi.json\n${empty}  plan.json\n`);
  const atPreview = await script({}, "what-is-signed", "dev", "def", join(gh.folder, "plan"));
  assert.deepEqual(atPreview, { code: 0, said: await gh.signed() });
});

test("an artifact without the files of a plan is refused, signed or not", async () => {
  await keepPlan();
  await rm(join(gh.folder, "artifact", "pulumi.json"));
  const { code, said } = await downloaded({});
  assert.equal(code, 1);
  assert.match(said, /^::error::The artifact of dev for def is no plan: send an empty commit/m);
});

test("a plan that another workflow signed, or none, is refused; unless it is said that none is signed", async () => {
  await keepPlan();
  await gh.answer({ unsigned: true });
  const refused = await downloaded({});
  assert.equal(refused.code, 1);
  assert.match(refused.said, /^::error::The plan of dev for def was not signed by the preview of main: /);
  assert.equal((await downloaded({}, { ATTESTED: "no" })).code, 0);
});

test("a plan is one comment for each stack: the bot's own, whatever else was said since", async () => {
  const mark = "<!-- etcd plan: dev -->";
  const bot = { login: "github-actions[bot]" };
  const others = [
    { id: 1, user: { login: "somebody" }, body: `${mark}\nmine` },
    { id: 2, user: bot, body: "<!-- etcd plan: dev2 -->\nanother stack's" },
    { id: 3, user: bot, body: `what another workflow says of ${mark}` },
  ];
  const file = join(gh.folder, "plan.md");
  await writeFile(file, "### etcd/dev: 3 restarts");
  const path = "repos/{owner}/{repo}/issues";
  for (const [comments, call] of [
    [others, `api --silent --method POST ${path}/7/comments --field body=@`],
    [
      [...others, { id: 4, user: bot, body: `${mark}\nold` }, { id: 5, user: bot, body: "later" }],
      `api --silent --method PATCH ${path}/comments/4 --field body=@`,
    ],
  ] as const) {
    await gh.answer({ comments });
    const { code, said } = await script({}, "comment-plan", "dev", "7", file);
    assert.equal(code, 0, said);
    assert.ok((await gh.calls()).at(-1)?.startsWith(call), (await gh.calls()).at(-1));
    assert.equal(await gh.body(), `${mark}\n### etcd/dev: 3 restarts`);
  }
});

test("what differs opens an issue, and is added to it the next night", async () => {
  const title = "Hosts of dev differ from what is declared";
  const file = join(gh.folder, "verify.txt");
  await writeFile(file, "node1: unit edited\n```\nnode2: as declared\n");
  const other = { number: 4, title: `${title}, again` };
  for (const [issues, call] of [
    [[other], `issue create --title ${title} --body-file `],
    [[other, { number: 5, title }], "issue comment 5 --body-file "],
  ] as const) {
    await gh.answer({ issues });
    const { code, said } = await script({}, "report-drift", "dev", file);
    assert.equal(code, 0, said);
    assert.ok((await gh.calls()).at(-1)?.startsWith(call));
    const body = await gh.body();
    assert.match(
      body,
      /^`npm run verify -- --stack dev` says:\n\n {4}node1: unit edited\n {4}```\n {4}node2/,
    );
    assert.match(body, /Fix it with a pull request/);
  }
});

async function script(more: Readonly<Record<string, string>>, name: string, ...args: readonly string[]) {
  const env = {
    PATH: [gh.folder, process.env.PATH].join(delimiter),
    FOLDER: gh.folder,
    GH_REPO: "example/etcd",
    DEFAULT_BRANCH: "main",
    ...more,
  };
  return await new Promise<{ code: number; said: string }>((resolve) =>
    execFile(join(repository, ".github", name), [...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
    ),
  );
}
