// The pipelines of .github, played through on real hosts: each test is what comes next in the life of one cluster.
import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { artifactsOf, MERGED, RUN } from "../pipelines/gh.ts";
import type { Files } from "../pipelines/git.ts";
import { describeLab, lab, labDown, labEnv, must, onHost, type Result } from "./lab.ts";
import { locks, startsDuring, untouched } from "./pipeline-starts.ts";
import { allSteps, NOT_RUN } from "./pipeline-steps.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { assertAllDiffer, serialNumbers } from "./serials.ts";
import { Runner } from "./workflow.ts";

const NODES = [1, 2, 3];
const ALL = ["node1", "node2", "node3"];
const REFUSED = 3;
const DIFFERS = 5;
let project: Project;
let runner: Runner;
let privateKey: string;

before(async () => {
  project = await savedCluster(3);
  runner = await Runner.create(project);
  await runner.gh.answer({
    pulls: MERGED,
    artifacts: artifactsOf(42),
    "run-42": { id: 42, ...RUN },
    comments: [],
    issues: [],
  });
  const { privateKeyFile, knownHostsFile } = await describeLab(labEnv);
  privateKey = await readFile(privateKeyFile, "utf8");
  await project.configure({ ssh: { user: "root", knownHostsFile } });
  await setPrivateKey(privateKeyFile);
  await must(project.up());
  await runner.merge();
});
after(async () => {
  await runner.dispose();
  await project.dispose();
  await labDown();
});

test("a branch changes a flag: the pull request says what each host will do, and the plan is kept", async () => {
  await project.configure({ snapshotCount: 20000 });
  await must(preview());

  const comment = await runner.gh.body();
  assert.match(
    (await runner.gh.calls()).at(-1) ?? "",
    /^api --silent --method POST .*\/issues\/7\/comments /,
  );
  const row = (n: number) =>
    `| ${n} | node${n} 192.168.1.10${n} | restart | \`--snapshot-count=10000\` → \`20000\` |`;
  assert.ok(comment.includes(NODES.map(row).join("\n")), comment);
  assert.match(
    comment,
    /^<!-- etcd plan: cluster -->\n### etcd\/cluster: 3 restarts, one at a time · safe\n/,
  );
  assert.match(comment, / Nothing else changes\.\n/);
  assert.equal(await readFile(runner.summaryFile, "utf8"), comment.slice(comment.indexOf("\n") + 1));

  const files = ["plan.json", "plan.md", "pulumi.json"];
  assert.deepEqual((await readdir(folder())).sort(), [".gitignore", ...files]);
  for (const file of files) {
    const path = join(folder(), file);
    assert.equal((await stat(path)).mode & 0o777, 0o600, file);
    assertNoSecret(await readFile(path, "utf8"));
  }
});

test("the approvals of a merge are those that its plan needs", async () => {
  await must(job("up.yml", "find-plans"));
});

test("merged: that plan is applied, each member restarts once, in the order of the comment", async () => {
  const { result, started } = await startsDuring(NODES, merge);
  assert.equal(result.code, 0, result.all);
  assert.match(result.stdout, /^9 updated, \d+ unchanged$/m);
  assert.deepEqual(started, ALL);
  assertNoSecret(result.all);
});

test("the same plan once more ends well, and touches no member", async () => {
  const { result, started } = await startsDuring(NODES, merge);
  assert.equal(result.code, 0, result.all);
  assert.match(result.stdout, /^nothing to do$/m);
  assert.deepEqual(started, []);
});

test("main is not what was planned any more: refused before any host is touched, and it says which differ", async () => {
  await project.configure({ snapshotCount: 30000 });
  await must(preview());
  await project.configure({ snapshotCount: 40000 });
  const { code, all } = await untouched(NODES, merge);
  assert.equal(code, REFUSED, all);
  for (const name of ALL)
    assert.match(all, new RegExp(`${name}: now restart: .*20000.*40000.*, approved was restart: `));
  assert.match(all, /Nothing was changed: plan again/);
});

test("another ssh key than planned: refused, and neither key is shown", async () => {
  await project.configure({ snapshotCount: 20000, checkId: 1 });
  await must(preview());
  const other = join(project.dir, "other-key");
  await must(lab("exec", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other));
  await setPrivateKey(other);
  const { code, all } = await untouched(NODES, merge);
  await setPrivateKey((await describeLab(labEnv)).privateKeyFile);
  await runner.merge();
  assert.equal(code, REFUSED, all);
  assert.match(all, /node1: now compare: .*; another ssh connection; .*, approved was compare: /);
  assertNoSecret(all);
  assertNoSecret(all, await readFile(other, "utf8"));
});

test("certificates that became due since the preview are renewed with the planned restarts", async () => {
  const serials = await serialNumbers(NODES);
  await project.configure({ snapshotCount: 30000, checkId: undefined });
  await must(preview());
  await project.configure({ renewBeforeDays: 365 }); // what passing time does
  const { result, started } = await startsDuring(NODES, merge);
  assert.equal(result.code, 0, result.all);
  assert.match(result.stdout, /certificates came due since/);
  assert.deepEqual(started, ALL);
  assertAllDiffer(await serialNumbers(NODES), serials);
});

test("renewals alone are done every week, without a restart", async () => {
  const serials = await serialNumbers(NODES);
  const { result, started } = await startsDuring(NODES, () => job("renew.yml", "own", "renew"));
  assert.equal(result.code, 0, result.all);
  assert.deepEqual(started, []);
  assertAllDiffer(await serialNumbers(NODES), serials);
});

test("renewals do nothing when something else was merged and not applied", async () => {
  await project.configure({ snapshotCount: 10000 });
  const { code, all } = await untouched(NODES, () => job("renew.yml", "own", "renew"));
  await project.configure({ snapshotCount: 30000, renewBeforeDays: undefined });
  assert.equal(code, REFUSED, all);
  assert.match(all, /more to do than renew certificates \(3 restarts, one at a time · safe\)/);
});

test("a night in which every host is as declared opens no issue", async () => {
  const calls = await runner.gh.calls();
  await must(job("verify.yml", "own", "verify"));
  assert.deepEqual(await runner.gh.calls(), calls);
});

test("a unit that was edited by hand is told in an issue, and put back by the next pull request", async () => {
  await onHost(2, "echo '# by hand' >>/etc/systemd/system/etcd.service");
  const { code, all } = await job("verify.yml", "verify");
  assert.equal(code, DIFFERS, all);
  await must(runner.step("verify.yml", "report")); // its "if": verify has failed
  assert.match(
    (await runner.gh.calls()).at(-1) ?? "",
    /^issue create --title Hosts of cluster differ from what is declared --body-file /,
  );
  assert.match(await runner.gh.body(), /^ {4}node2 \S+ +differs +.*\/etc\/systemd\/system\/etcd\.service/m);

  await project.configure({ checkId: 2 });
  await must(preview());
  const { result, started } = await startsDuring(NODES, merge);
  assert.equal(result.code, 0, result.all);
  for (const name of started) assert.equal(name, "node2", "a member is restarted that was as declared");
  await must(job("verify.yml", "verify"));
});

test("once a week an export of the state is opened elsewhere", async () => {
  const { stdout } = await must(job("state-drill.yml", "own", "export", "drill"));
  assert.match(stdout, /open the stack together, and nothing would change\.\n$/);
});

test("an up that is cancelled ends after the running step, leaves no lock, and the next run does the rest", async () => {
  await project.configure({ snapshotCount: 10000 });
  await must(preview());
  const cancelled = await startsDuring(NODES, async () => {
    await must(job("up.yml", "own", "find-plan"));
    return runner.step("up.yml", "up", /^ {2}~ node1-member /m);
  });
  assert.equal(cancelled.result.code, 1, cancelled.result.all);
  assert.match(cancelled.result.stderr, /^Interrupted: .*, the rest was not\. Run it again\.$/m);
  assert.ok(cancelled.started.length < ALL.length, "it was not cancelled in the middle");
  assert.deepEqual(await locks(), []);

  const rest = await startsDuring(NODES, merge);
  assert.equal(rest.result.code, 0, rest.result.all);
  assert.deepEqual([...cancelled.started, ...rest.started], ALL);
});

test("the key of a job's environment reaches the hosts, through an agent of the job's own", async () => {
  runner.sshKey = privateKey;
  const { knownHostsFile } = await describeLab(labEnv);
  await project.configure({ ssh: { user: "root", knownHostsFile, agent: true }, sshPrivateKey: undefined });
  const verified = await must(job("verify.yml", "verify"));
  assertNoSecret(verified.all);
  runner.sshKey = "";
  const without = await job("verify.yml", "verify");
  assert.equal(without.code, 1, without.all);
});

test("a pull request with code: none of it runs in main's jobs; approved, it reads the state, and no key of the hosts", async () => {
  await project.configure({ snapshotCount: 40000 });
  const marker = join(project.dir, "was-here");
  const mine = `import { writeFileSync } from "node:fs";
writeFileSync(${JSON.stringify(marker)}, JSON.stringify(Object.keys(process.env)));\n`;
  const code = ["cli/pipeline/pipeline.ts", "cli/plan/plan.ts", "index.ts", "launch.mjs", "main.mjs"];
  const { result, kind } = await proposed(Object.fromEntries(code.map((file) => [file, mine])));
  assert.deepEqual([kind, result.code], ["code", REFUSED], result.all);
  assert.match(
    result.stderr,
    /^Refused, and nothing was taken: cli\/pipeline\/pipeline\.ts is not a stack file; /,
  );
  await assert.rejects(stat(marker), "the pull request's code ran");
  await assert.rejects(stat(folder()), "it was planned");

  await must(runner.withItsCode(() => job("preview.yml", "own", "code-plan")));
  const names: readonly string[] = JSON.parse(await readFile(marker, "utf8"));
  assert.ok(names.includes("PULUMI_CONFIG_PASSPHRASE"));
  for (const name of ["SSH_KEY", "GH_TOKEN"]) assert.ok(!names.includes(name), name);
});

test("every step of the workflows was run, but for those that cannot be here", async () => {
  const left = new Set((await allSteps()).filter((step) => !runner.done.has(step)));
  assert.deepEqual([...left].sort(), [...NOT_RUN].sort());
});

function folder(): string {
  return join(project.dir, "plan");
}

/** Each job begins with a checkout, which has no plan, and the stack file as it was written. */
async function job(file: string, ...ids: readonly string[]): Promise<Result> {
  await rm(folder(), { recursive: true, force: true });
  const text = await readFile(project.stackFile, "utf8");
  const result = await runner.run(file, ...ids);
  await writeFile(project.stackFile, text);
  return result;
}

async function preview(): Promise<Result> {
  const { result, kind } = await proposed();
  assert.equal(kind, "stack");
  if (result.code === 0) {
    await must(runner.step("preview.yml", "bind"));
    await runner.gh.keep(folder());
  }
  return result;
}

/** What the stack file says, as a pull request: looked at, and planned. It stays in the folder, as if it were merged. */
async function proposed(more: Files = {}): Promise<{ readonly result: Result; readonly kind: string }> {
  const text = await readFile(project.stackFile, "utf8");
  await runner.propose(more);
  await must(job("preview.yml", "kind"));
  const kind = (await runner.output("kind")) ?? "";
  const result = await job("preview.yml", "take", "plan", "summary", "comment");
  await writeFile(project.stackFile, text);
  return { result, kind };
}

async function merge(): Promise<Result> {
  await runner.merge();
  return job("up.yml", "own", "find-plan", "approved", "up");
}

async function setPrivateKey(file: string): Promise<void> {
  const set = `pulumi -C "$0" config set --stack "$1" --secret sshPrivateKey <"$2"`;
  await must(lab("exec", "sh", "-c", set, project.dir, project.stack, file));
}

/** Neither a key nor the passphrase, nor any line of the ssh key. */
function assertNoSecret(text: string, key = privateKey): void {
  assert.doesNotMatch(text, /PRIVATE KEY|PASSPHRASE|"lab"/);
  for (const line of key.trim().split("\n")) assert.ok(!text.includes(line), "a line of the ssh key");
}
