// The step of the cluster behind its members: who is not declared is taken out, one by one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { isUnhealthy, startedAt } from "./rolling.ts";
import { isDown, step, steppingCluster } from "./stepping.ts";

const NODE3 = ["member remove ffffffffffffffff", "del etcd-host/members/node3"];
const FIVE = { count: 5, declared: 3 } as const;

test("a cluster of only declared members is left as it is, without a lock", async (t) => {
  const cluster = await steppingCluster(t);
  const { code, stdout, stderr } = await step(cluster, "membership");
  assert.deepEqual([code, stdout, stderr], [0, "checked the members\n", ""]);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("the half-made join of a declared node is no undeclared member", async (t) => {
  const cluster = await steppingCluster(t);
  Object.assign(cluster.member(1), { name: "", clientUrl: "", learner: true, version: undefined });
  cluster.answer();
  assert.equal((await step(cluster, "membership")).code, 0);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("live members that are not declared are removed under one lock, and their records with them", async (t) => {
  const cluster = await steppingCluster(t, FIVE);
  const { code, stderr } = await step(cluster, "membership");
  assert.deepEqual(
    [code, stderr],
    [0, "etcd-host: removed node4 from the cluster\netcd-host: removed node5 from the cluster\n"],
  );
  assert.deepEqual(changesAsked(cluster.host), [
    "lock",
    "member remove 2c",
    "del etcd-host/members/node4",
    "member remove 37",
    "del etcd-host/members/node5",
    "lock dropped",
  ]);
  assert.doesNotMatch(cluster.host.read("answers/keys"), /node[45]/);
});

/** The others follow this member. */
function led(cluster: FakeCluster, index: number): void {
  for (const member of cluster.members) member.leader = cluster.member(index).id;
  cluster.answer();
}

test("a leader first gives leadership to a declared member, although one that goes, too, has started later", async (t) => {
  const cluster = await steppingCluster(t, {
    ...FIVE,
    listeners: startedAt("1e9", "3e9", "2e9", "8e9", "9e9"),
  });
  led(cluster, 3);
  assert.equal((await step(cluster, "membership")).code, 0);
  assert.deepEqual(changesAsked(cluster.host).slice(0, 3), [
    "lock",
    "move-leader 73886e9c34638e08",
    "member remove 2c",
  ]);
  const url = cluster.member(3).clientUrl;
  assert.match(
    cluster.host.read("asked"),
    new RegExp(`--endpoints=${url} move-leader`),
    "the leader is asked",
  );
});

test("a leader whose followers are cut from each other is not removed, and leads on", async (t) => {
  const cluster = await steppingCluster(t, { count: 4, declared: 3 });
  led(cluster, 3);
  const { host } = cluster;
  host.write("answers/health.whole", host.read("answers/health"));
  isUnhealthy(cluster, "node1", "node2");
  cluster.answer("cut");
  host.write(
    "answers/after-move-leader",
    `if [ "$id" = 44 ]; then cp health.whole health; else cp ../cut/health health; fi\n`,
  );
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node4 led, and the others are no quorum without it: once node2 led, not healthy: node1 node2\. node4 leads now/,
  );
  assert.deepEqual(changesAsked(host), [
    "lock",
    "move-leader 73886e9c34638e08",
    "move-leader 2c",
    "lock dropped",
  ]);
});

test("a member that does not lead is removed without moving anything", async (t) => {
  const cluster = await steppingCluster(t, FIVE);
  led(cluster, 0);
  await step(cluster, "membership");
  assert.doesNotMatch(changesAsked(cluster.host).join("\n"), /move-leader/);
});

test("no member is removed where the rest would be no quorum", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  isDown(cluster, "node2");
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node3 may not be removed: of the 2 voters left 1 are healthy, 2 needed; not healthy: node2\. .*only a restore helps/,
  );
  assert.deepEqual(changesAsked(cluster.host), ["lock", "lock dropped"]);
});

test("no voter is removed while a declared one is still a learner; the learner itself may go", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  cluster.member(1).learner = true;
  cluster.answer();
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: the member at https:\/\/127\.0\.0\.1:\d+ is still a learner, so node3 may not/,
  );
  cluster.member(1).learner = false;
  cluster.member(2).learner = true;
  for (const member of cluster.members) member.leader = cluster.member(0).id;
  cluster.answer();
  assert.equal((await step(cluster, "membership")).code, 0);
  assert.ok(changesAsked(cluster.host).includes("member remove ffffffffffffffff"));
});

test("a voter that came meanwhile, and that this stack never had, is not removed", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  delete cluster.recorded.node3;
  cluster.answer();
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(stderr, /refused: the cluster has a member that this stack never had: node3 \(/);
  assert.deepEqual(changesAsked(cluster.host), ["lock", "lock dropped"]);
});

test("the last member is nobody's to remove", async (t) => {
  const cluster = await steppingCluster(t, { count: 1, declared: 0 });
  Object.assign(cluster.member(0), { leader: cluster.member(0).id });
  cluster.answer();
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(stderr, /refused: node1 is the last member; 'pulumi destroy' takes a cluster down\n$/);
  assert.doesNotMatch(cluster.host.read("answers/rows"), /^$/);
});

test("an alarm is cleared first", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  cluster.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
  cluster.answer();
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(stderr, /refused: the alarm NOSPACE is raised/);
  assert.deepEqual(changesAsked(cluster.host), []);
});

for (const [title, allow, quota, done] of [
  ["there is room again", "nospace-alarm", "2147483648", true],
  ["the database still fills its quota", "nospace-alarm", "20481", false],
  ["it is not allowed", "", "2147483648", false],
] as const)
  test(`the alarm NOSPACE is disarmed where ${title}`, async (t) => {
    const cluster = await steppingCluster(t);
    cluster.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
    cluster.answer();
    const { host } = cluster;
    host.write("answers/status", host.read("answers/status").replaceAll("2147483648", quota));
    const { code, stderr } = await step(cluster, "membership", [`--allow=${allow}`]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(changesAsked(host), done ? ["alarm disarm"] : []);
    if (done) assert.equal(stderr, "etcd-host: disarmed the alarm NOSPACE\n");
    else if (allow !== "")
      assert.match(stderr, /the alarm NOSPACE stays: not every member .* below 90 % of its quota/);
  });

test("the lock is taken through declared members only: a lock through one that goes would go with it", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  assert.equal((await step(cluster, "membership")).code, 0);
  const [declared, gone] = [cluster.members.slice(0, 2), cluster.member(2)];
  const urls = declared.map(({ clientUrl }) => clientUrl).join();
  const locking = cluster.host.read("asked").match(/--endpoints=(\S+) .*lock --ttl/);
  assert.equal(locking?.[1], urls);
  const removal = cluster.host.read("asked").match(/--endpoints=(\S+) member remove/);
  assert.ok(!removal?.[1]?.includes(gone.clientUrl));
  assert.deepEqual(changesAsked(cluster.host), [
    "lock",
    "move-leader 73886e9c34638e08",
    ...NODE3,
    "lock dropped",
  ]);
});

test("the lock is asked for again just before each removal, and a lost one ends the step", async (t) => {
  const cluster = await steppingCluster(t, FIVE);
  cluster.host.write("answers/after-remove", ": >lock");
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 1);
  assert.match(stderr, /failed: the cluster's lock was lost; nothing more was changed, run again\n$/);
  assert.deepEqual(changesAsked(cluster.host), [
    "lock",
    "member remove 2c",
    "del etcd-host/members/node4",
    "lock dropped",
  ]);
  const asked = cluster.host.read("asked").trim().split("\n");
  const removal = asked.findIndex((call) => call.includes(" member remove "));
  assert.match(asked[removal - 1] ?? "", / get etcd-host\/restart\/7b0 --keys-only$/);
});

test("the rest is looked at again after each removal", async (t) => {
  const cluster = await steppingCluster(t, FIVE);
  const down = cluster.members.slice(1, 3).map(({ clientUrl }) => clientUrl);
  const edits = down.map((url) => `sed -i 's#^${url} is healthy.*#${url} is unhealthy: gone#' health; `);
  cluster.host.write("answers/after-remove", edits.join(""));
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 3);
  assert.match(stderr, /refused: node5 may not be removed: of the 3 voters left 1 are healthy/);
});

test("where nobody answers, nobody is removed", async (t) => {
  const cluster = await steppingCluster(t, { declared: 2 });
  cluster.host.write("answers/silent", "");
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 1);
  assert.match(stderr, /failed: no member answers, so it is unknown which to remove/);
});
