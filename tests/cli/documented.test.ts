// What documents and messages tell people to type exists, with the options shown. That of Pulumi: tests/engine.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  callsOf,
  hostProblems,
  npmProblems,
  settingProblems,
  subcommands,
  texts,
  versionProblems,
} from "./documented.ts";

const checks = { npmProblems, hostProblems, settingProblems, versionProblems };
const all = texts();

for (const [name, problems] of Object.entries(checks))
  test(`every command in a document or a message is one that there is (${name})`, () => {
    assert.deepEqual(
      all.flatMap(({ file, text }) => problems(text).map((problem) => `${file}: ${problem}`)),
      [],
    );
  });

test("they are found: in blocks, in prose, broken over lines, and in messages", () => {
  const count = (program: string) => all.flatMap(({ text }) => callsOf(program, text)).length;
  assert.ok(count("npm run") > 60, String(count("npm run")));
  assert.ok(count("etcd-host") > 40, String(count("etcd-host")));
  assert.ok(count("pulumi") > 100, String(count("pulumi")));
  assert.ok(subcommands.has("defragment") && subcommands.has("remove-host"));
});

const madeUp: readonly (readonly [keyof typeof checks, string])[] = [
  ["npmProblems", "run `npm run plam` first"],
  ["npmProblems", "npm run plan -- --sav plan"],
  ["npmProblems", "npm run up -- --stack prod"],
  ["npmProblems", "npm run plan -- --markdown --json"],
  ["npmProblems", "npm test -- e3e"],
  ["npmProblems", "`npm run client -- --command-timeout=60s defrag`"],
  ["npmProblems", "npm run client -- members list"],
  ["hostProblems", "see 'etcd-host stats' there"],
  ["hostProblems", "run etcd-host defragment --force"],
  ["hostProblems", "(etcd-host ctl defrag)"],
  ["settingProblems", "pulumi config set snapshotCont 20000"],
  ["settingProblems", "pulumi config rm etcd:renewBefore"],
  ["versionProblems", "pulumi config set version 3.6.99"],
  ["versionProblems", "write `etcd:version: 3.7.99` there"],
  ["npmProblems", "npm run pin -- 3.6.16 3.7.3"],
];
for (const [check, text] of madeUp)
  test(`one that is made up is found: ${text}`, () => {
    assert.equal(checks[check](text).length, 1);
  });

test("what is right is not accused", () => {
  const text = `npm run up -- --plan plan; npm run client -- --write-bundle monitoring/bundle
    Run \`npm run plan -- --save plan\` and \`npm run status -- --watch\`. etcd-host discard --yes sets it aside.
    etcd-host ctl member remove ID; pulumi config set --secret sshPrivateKey < key
    npm run gitlab -- note plan; pulumi config set version 3.6.14; npm run pin -- newest`;
  for (const problems of Object.values(checks)) assert.deepEqual(problems(text), []);
});
