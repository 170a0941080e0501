// What .github's scripts ask of gh, and what they do with the answers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { repository } from "./files.ts";
import { FakeGh, HERE, MERGED } from "./gh.ts";

const FORK = { head_repository: { id: 2 }, repository: { id: 1 } };
let gh: FakeGh;

beforeEach(async () => {
  gh = await FakeGh.create();
});
afterEach(() => gh.dispose());

test("the plan is that of the head that was merged, from this repository's green preview", async () => {
  const artifact = join(gh.folder, "saved");
  await mkdir(artifact);
  await writeFile(join(artifact, "plan.md"), "");
  await gh.keep(artifact);
  await gh.answer({
    pulls: MERGED,
    runs: {
      workflow_runs: [
        { id: 41, ...FORK },
        { id: 42, ...HERE },
      ],
    },
  });
  const plan = join(gh.folder, "plan");
  const { code, said } = await script("download-plan", "abc", plan);
  assert.equal(code, 0, said);
  assert.equal((await gh.calls()).at(-1), `run download 42 --name plan-def --dir ${plan}`);
  assert.deepEqual(await readdir(plan), ["plan.md"]);
});

test("without a pull request, a green preview of its own or the artifact it is refused, with what to do", async () => {
  const none = /^::error::There is no accepted plan for def: .*, and merge it when its preview is green\.$/;
  const refusals: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{ pulls: [] }, /^::error::Commit abc came without a pull request, .*: send an empty commit/],
    [{ pulls: MERGED.slice(0, 1) }, /^::error::Commit abc came without a pull request/],
    [{ pulls: MERGED, runs: { workflow_runs: [] } }, none],
    [{ pulls: MERGED, runs: { workflow_runs: [{ id: 41, ...FORK }] } }, none],
    [
      { pulls: MERGED, runs: { workflow_runs: [{ id: 42, ...HERE }] } },
      /^::error::The plan of def cannot be/,
    ],
  ];
  for (const [answers, sentence] of refusals) {
    await gh.answer(answers);
    const { code, said } = await script("download-plan", "abc", "plan");
    assert.equal(code, 1);
    assert.match(said.trimEnd(), sentence);
    assert.equal(said.trimEnd().split("\n").length, 1, said);
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
    const { code, said } = await script("report-drift", "dev", file);
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

async function script(name: string, ...args: readonly string[]) {
  const env = { PATH: [gh.folder, process.env.PATH].join(delimiter), FOLDER: gh.folder };
  return await new Promise<{ code: number; said: string }>((resolve) =>
    execFile(join(repository, ".github", name), [...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
    ),
  );
}
