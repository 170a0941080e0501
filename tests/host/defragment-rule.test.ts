// As a timer calls it on every host in the same hour: only where it pays off, one after the other, the leader last.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { defragment, fragmentedCluster, holds, isFragmented, MINE, SECOND, SMALLER } from "./fragmented.ts";
import type { Result } from "./host.ts";
import { isUnhealthy } from "./rolling.ts";

/** Of 428 MiB 30 are in use: 398 are to be had, and 7 % in use. */
const RULE = ["--by-rule", "--free-mib=100", "--free-percent=45"];
/** A clock that has passed every limit as soon as it is looked at again. */
const IMPATIENT = "OTHERS_SECONDS=0";

function byRule(cluster: FakeCluster, rule: readonly string[] = RULE, env = {}): Promise<Result> {
  return defragment(cluster, { args: rule, env });
}

test("a follower with enough to give back goes the way of every defragmentation", async (t) => {
  const cluster = await fragmentedCluster(t);
  const env = { CLOCK_AT: String(Math.floor(Date.now() / 1000)) };
  assert.deepEqual(await byRule(cluster, RULE, env), { code: 0, stdout: SMALLER, stderr: "" });
  assert.deepEqual(changesAsked(cluster.host), ["lock", "defrag", "lock dropped"]);
});

for (const [mib, percent, pays] of [
  [398, 92, true],
  [399, 0, false],
  [0, 93, false],
] as const)
  test(`${mib} MiB and ${percent} % free ${pays ? "are" : "are not"} reached where 30 of 428 MiB are in use`, async (t) => {
    const cluster = await fragmentedCluster(t);
    const rule = ["--by-rule", `--free-mib=${mib}`, `--free-percent=${percent}`];
    const { code, stdout, stderr } = await byRule(cluster, rule);
    assert.equal(code, 0, stderr);
    assert.equal(changesAsked(cluster.host).includes("defrag"), pays);
    if (!pays)
      assert.equal(
        stdout,
        `node1: 428 MiB, 30 MiB of it in use: less to give back than ${mib} MiB and ${percent} %\n`,
      );
  });

test("a call without its numbers is a usage error", async (t) => {
  const cluster = await fragmentedCluster(t);
  const missing = await byRule(cluster, ["--by-rule", "--free-mib=100"]);
  assert.deepEqual([missing.code, missing.stderr.includes("--free-percent is missing")], [2, true]);
  const wrong = await byRule(cluster, ["--by-rule", "--free-mib=1e2", "--free-percent=45"]);
  assert.deepEqual([wrong.code, /take whole numbers/.test(wrong.stderr)], [2, true]);
});

async function leadingCluster(t: Parameters<typeof fragmentedCluster>[0]): Promise<FakeCluster> {
  const cluster = await fragmentedCluster(t);
  for (const member of cluster.members) member.leader = MINE;
  cluster.answer();
  isFragmented(cluster);
  return cluster;
}

test("a leader waits for the others, then hands over and has its turn", async (t) => {
  const cluster = await leadingCluster(t);
  const { host } = cluster;
  const lean = host.read("answers/status");
  holds(cluster, "node2", 428, 30);
  const gains = host.read("answers/status");
  assert.notEqual(gains, lean);
  host.write("answers/after-move-leader", `sed -i 's/^"Leader" : .*/"Leader" : ${SECOND}/' status`);
  host.write("lean", lean);
  host.fake("sleep", `[ "$1" != 10 ] || cp "$HOST_ROOT/lean" "$HOST_ROOT/answers/status"`);
  const { code, stdout, stderr } = await byRule(cluster);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^node1: 428 MiB before, 31 MiB now/);
  assert.match(changesAsked(host).join(), /^lock,move-leader \S+,defrag,lock dropped$/);
});

for (const [why, arrange] of [
  ["gain by it", (cluster: FakeCluster) => holds(cluster, "node2", 428, 30)],
  [
    "do not say what they hold",
    (cluster: FakeCluster) => {
      const [, second] = cluster.members;
      cluster.host.write("answers/status", statusWithout(cluster, second?.clientUrl ?? ""));
    },
  ],
] as const)
  test(`a leader whose others still ${why} ends: its turn is last`, async (t) => {
    const cluster = await leadingCluster(t);
    arrange(cluster);
    const { code, stdout, stderr } = await defragment(cluster, { args: RULE, before: IMPATIENT });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "node1 leads, and node2 may still have space to give back: its turn is last\n");
    assert.deepEqual(changesAsked(cluster.host), []);
  });
function statusWithout({ host }: FakeCluster, url: string): string {
  const all = host.read("answers/status").split("\n\n");
  return all.filter((status) => !status.includes(url)).join("\n\n");
}

test("another host's turn is no failure: this one comes later", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  host.write("answers/lock-held", "");
  const { code, stdout, stderr } = await byRule(cluster, RULE, { LOCK_SECONDS: "0" });
  assert.deepEqual(
    [code, stdout],
    [0, "node1: another host has its turn, so this one comes later\n"],
    stderr,
  );
  assert.doesNotMatch(changesAsked(host).join(), /defrag/);
});

test("who answers nobody while it has its turn is waited for, not taken for ill", async (t) => {
  const cluster = await fragmentedCluster(t);
  isUnhealthy(cluster, "node2");
  cluster.host.write("answers/health", cluster.health?.text ?? "");
  cluster.host.write("answers/health-code", "1");
  cluster.health = undefined;
  cluster.answer("later");
  cluster.host.write("answers/before-lock", "cp ../later/health ../later/health-code .");
  const { code, stderr } = await byRule(cluster);
  assert.equal(code, 0, stderr);
  assert.deepEqual(changesAsked(cluster.host), ["lock", "defrag", "lock dropped"]);
});

test("with the lock, a member that is not healthy keeps all others as they are, even one of five", async (t) => {
  const cluster = await fragmentedCluster(t);
  const [second] = cluster.members.slice(1);
  assert.ok(second);
  cluster.members.push({ ...second, name: "node4", id: "44" }, { ...second, name: "node5", id: "55" });
  cluster.member(4).clientUrl = "https://127.0.0.1:1";
  isUnhealthy(cluster, "node5");
  cluster.answer();
  isFragmented(cluster);
  const { code, stderr } = await byRule(cluster);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node1 is not defragmented by the timer, because not every member is healthy \(node5 is not\)/,
  );
  assert.deepEqual(changesAsked(cluster.host), ["lock", "lock dropped"]);
});

for (const count of [1, 2])
  test(`no timer defragments one of ${count}`, async (t) => {
    const cluster = await fragmentedCluster(t);
    cluster.members.splice(count);
    cluster.answer();
    isFragmented(cluster);
    const { code, stdout, stderr } = await byRule(cluster, [...RULE, "--yes"]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^node1 could give back 398 MiB, but the cluster cannot do without it, so no timer defragments it;/,
    );
    assert.deepEqual(changesAsked(cluster.host), []);
  });

test("a learner is left alone", async (t) => {
  const cluster = await fragmentedCluster(t);
  cluster.member(0).learner = true;
  cluster.answer();
  const { code, stdout } = await byRule(cluster);
  assert.deepEqual([code, stdout], [0, "node1 is still a learner: it is not defragmented\n"]);
});

test("under an alarm no lock can be taken, so nothing is begun", async (t) => {
  const cluster = await fragmentedCluster(t);
  cluster.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
  cluster.answer();
  isFragmented(cluster);
  const { code, stderr } = await byRule(cluster);
  assert.equal(code, 3);
  assert.match(stderr, /refused: the alarm NOSPACE is raised/);
  assert.deepEqual(changesAsked(cluster.host), []);
});
