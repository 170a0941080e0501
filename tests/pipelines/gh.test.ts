// What .github's scripts ask of gh, and what they do with the answers. The gh here notes what it is called with, and
// answers a question from a file, through the same query (jq's language) that gh would apply.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { repository } from "./files.ts";

const GH = `#!/bin/sh
printf '%s\\n' "$*" >>"$FOLDER/calls"
for word in "$@"; do
  case $last in --jq) query=$word ;; --body-file) cp "$word" "$FOLDER/body" ;; esac
  last=$word
done
case "$1 $2" in
  "api repos/{owner}/{repo}/commits/abc/pulls") answer=pulls ;;
  "api repos/{owner}/{repo}/actions/workflows/preview.yml/runs?head_sha=def&status=success") answer=runs ;;
  "issue list") answer=issues ;;
  "run download") test -e "$FOLDER/artifact" || exit 1 ;;
esac
[ -z "$answer" ] || jq -r "$query" "$FOLDER/$answer"
`;
const MERGED = [
  { merged_at: null, head: { sha: "other" } },
  { merged_at: "2026-01-01", head: { sha: "def" } },
];
const HERE = { head_repository: { id: 1 }, repository: { id: 1 } };
const FORK = { head_repository: { id: 2 }, repository: { id: 1 } };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gh-"));
  await writeFile(join(folder, "gh"), GH);
  await chmod(join(folder, "gh"), 0o755);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("the plan is that of the head that was merged, from this repository's green preview", async () => {
  await answer({
    pulls: MERGED,
    runs: {
      workflow_runs: [
        { id: 41, ...FORK },
        { id: 42, ...HERE },
      ],
    },
    artifact: 1,
  });
  const { code, said } = await script("download-plan", "abc", "plan");
  assert.equal(code, 0, said);
  assert.equal((await calls()).at(-1), "run download 42 --name plan-def --dir plan");
});

test("without a pull request, a green preview of its own or the artifact it is refused, with what to do", async () => {
  const none = /^::error::There is no accepted plan for def: .*, and merge it when its preview is green\.$/;
  const refusals: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{ pulls: [] }, /^::error::Commit abc came without a pull request, .*: bring an empty commit/],
    [{ pulls: MERGED.slice(0, 1) }, /^::error::Commit abc came without a pull request/],
    [{ pulls: MERGED, runs: { workflow_runs: [] } }, none],
    [{ pulls: MERGED, runs: { workflow_runs: [{ id: 41, ...FORK }] } }, none],
    [
      { pulls: MERGED, runs: { workflow_runs: [{ id: 42, ...HERE }] } },
      /^::error::The plan of def cannot be/,
    ],
  ];
  for (const [answers, sentence] of refusals) {
    await answer(answers);
    const { code, said } = await script("download-plan", "abc", "plan");
    assert.equal(code, 1);
    assert.match(said.trimEnd(), sentence);
    assert.equal(said.trimEnd().split("\n").length, 1, said);
  }
});

test("what differs opens an issue, and is added to it the next night", async () => {
  const title = "Hosts of dev differ from what is declared";
  const file = join(folder, "verify.txt");
  await writeFile(file, "node1: unit edited\n```\nnode2: as declared\n");
  const other = { number: 4, title: `${title}, again` };
  for (const [issues, call] of [
    [[other], `issue create --title ${title} --body-file `],
    [[other, { number: 5, title }], "issue comment 5 --body-file "],
  ] as const) {
    await answer({ issues });
    const { code, said } = await script("report-drift", "dev", file);
    assert.equal(code, 0, said);
    assert.ok((await calls()).at(-1)?.startsWith(call));
    const body = await readFile(join(folder, "body"), "utf8");
    assert.match(
      body,
      /^`npm run verify -- --stack dev` says:\n\n {4}node1: unit edited\n {4}```\n {4}node2/,
    );
    assert.match(body, /raise `checkId`/);
  }
});

async function answer(answers: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(answers))
    await writeFile(join(folder, name), JSON.stringify(content));
}

async function calls(): Promise<readonly string[]> {
  return (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");
}

async function script(name: string, ...args: readonly string[]) {
  const env = { PATH: [folder, process.env.PATH].join(delimiter), FOLDER: folder };
  return await new Promise<{ code: number; said: string }>((resolve) =>
    execFile(join(repository, ".github", name), [...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
    ),
  );
}
