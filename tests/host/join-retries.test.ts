// A join that etcd delays, or that is interrupted: it goes on to one member, which votes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked } from "./cluster.ts";
import type { Host } from "./host.ts";
import { join, joiningCluster } from "./joining.ts";
import { PEER_URL } from "./member.ts";
import { isUnhealthy } from "./rolling.ts";

/** How often etcd was asked for it. */
const asked = (host: Host, change: string) =>
  changesAsked(host).filter((asking) => asking.startsWith(change)).length;
const rowsAt = (host: Host, url: string) =>
  host
    .read("answers/rows")
    .split("\n")
    .filter((row) => row.includes(`|${url}|`));

for (const sentence of [
  "etcdserver: unhealthy cluster",
  "context deadline exceeded",
  "etcdserver: request timed out",
  "etcdserver: leader changed",
])
  test(`a change that etcd refuses for a moment is asked for again: ${sentence}`, async (t) => {
    const { host } = await joiningCluster(t, "dead");
    for (const change of ["remove", "add"])
      host.write(`answers/refused/${change}`, `${sentence}\n${sentence}\n`);
    const { code, stderr } = await join(host, { incarnation: "2" });
    assert.equal(code, 0, stderr);
    assert.deepEqual([asked(host, "member remove"), asked(host, "member add")], [3, 3]);
  });

test("a change that timed out and was made all the same is no failure", async (t) => {
  const { host } = await joiningCluster(t, "dead");
  for (const change of ["remove", "add"])
    host.write(`answers/refused/${change}`, "made: context deadline exceeded\n");
  const { code, stderr } = await join(host, { incarnation: "2" });
  assert.equal(code, 0, stderr);
  assert.deepEqual([asked(host, "member remove"), asked(host, "member add")], [2, 2]);
  assert.equal(rowsAt(host, PEER_URL).length, 1);
});

test("a change that etcd refuses for good fails the step, and starts nothing", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("answers/refused/add", "etcdserver: too many learner members in cluster\n");
  const { code, stderr } = await join(host);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: etcd refuses 'member add': Error: etcdserver: too many learner members in cluster\n$/,
  );
  assert.equal(asked(host, "member add"), 1);
  assert.deepEqual(host.systemdCalls(), []);
});

test("etcd is not asked for ever", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("answers/refused/add", "etcdserver: unhealthy cluster\n".repeat(3));
  const { code, stderr } = await join(host, {}, { settings: "CHANGE_SECONDS=0" });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: etcd refuses 'member add' for 0 s: .* unhealthy cluster; run again when all members are connected\n$/,
  );
});

test("a learner is promoted once it has caught up", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write(
    "answers/refused/promote",
    "etcdserver: can only promote a learner member which is in sync with leader\netcdserver: unhealthy cluster\netcdserver: request timed out\netcdserver: leader changed\n",
  );
  const { code, stderr } = await join(host);
  assert.equal(code, 0, stderr);
  assert.equal(asked(host, "member promote"), 5);
});

test("a promotion that timed out and was made all the same is no failure", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("answers/refused/promote", "made: context deadline exceeded\n");
  assert.equal((await join(host)).code, 0);
  assert.equal(asked(host, "member promote"), 1);
});

test("a learner that does not catch up fails the step, and the next one resumes there", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  const behind = "etcdserver: can only promote a learner member which is in sync with leader\n";
  host.write("answers/refused/promote", behind);
  const { code, stderr } = await join(host, {}, { settings: "JOIN_SECONDS=0" });
  assert.equal(code, 1);
  assert.match(stderr, /failed: node1 has not caught up after 0 s; .* then run again: it resumes there\n$/);
  assert.equal((await join(host)).code, 0);
  assert.equal(asked(host, "member add"), 1);
});

test("a learner that another run left gets as long as any other", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("answers/before-promote", KILLED("promote"));
  await join(host);
  host.write("answers/refused/promote", "etcdserver: unhealthy cluster\n".repeat(3));
  // taking the lock has a limit of its own
  const { code, stderr } = await join(
    host,
    {},
    {
      settings:
        'LOCK_SECONDS=0; take_cluster_lock() { deadline=0; echo etcd-host/restart/7b0 >"$work/lock-key"; lock_pid=$$; }',
    },
  );
  assert.equal(code, 0, stderr);
});

test("a learner that was removed by hand is told so, and not waited for", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("answers/before-promote", KILLED("promote"));
  await join(host);
  host.write("answers/rows", host.read("answers/rows").replace(/^.*\|node1\|.*\n/m, ""));
  const { code, stderr } = await join(host);
  assert.equal(code, 3, stderr);
  assert.match(
    stderr,
    /refused: node1 is not in the member list, although the cluster answers: it was removed/,
  );
});

test("a promotion that etcd refuses for good fails the step", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("answers/refused/promote", "etcdserver: permission denied\n");
  const { code, stderr } = await join(host);
  assert.equal(code, 1);
  assert.match(stderr, /failed: node1 cannot become a voter: etcd's authentication is on, .*\n$/);
  assert.equal(asked(host, "member promote"), 1);
});

test("a learner does not become a voter of a cluster that would have no quorum", async (t) => {
  const cluster = await joiningCluster(t, "absent", (c) => {
    c.members.push({
      ...c.member(0),
      name: "node4",
      id: "44",
      clientUrl: "https://127.0.0.1:1",
      version: undefined,
    });
    isUnhealthy(c, "node4");
  });
  const { host } = cluster;
  host.write("answers/before-promote", KILLED("promote"));
  await join(host);
  const rows = host.read("answers/rows");
  isUnhealthy(cluster, "node2", "node4");
  cluster.answer();
  host.write("answers/rows", rows);
  const { code, stderr } = await join(host);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node1 may not become a voter: with it 2 of 4 voters would be healthy, 3 needed; not healthy: node2 node4\. /,
  );
  assert.equal(asked(host, "member promote"), 1, "only by the run that was killed");
});

/** The program is killed at this moment, once. */
function KILLED(step: string): string {
  return `rm -f before-${step} after-${step}; kill -9 "$PPID"; exit 1`;
}

for (const [title, hook, adds] of [
  ["before the former member is removed", "before-remove", 1],
  ["after the former member was removed", "after-remove", 1],
  ["before it is added", "before-add", 1],
  ["after it was added", "after-add", 2],
  ["before it is promoted", "before-promote", 1],
  ["after it was promoted", "after-promote", 1],
  ["before its incarnation is recorded", "before-put", 1],
] as const)
  test(`a join that was killed goes on: ${title}`, async (t) => {
    const { host } = await joiningCluster(t, "dead");
    host.write(`answers/${hook}`, KILLED(hook.replace(/.*-/, "")));
    assert.equal((await join(host, { incarnation: "2" })).code, null);
    const { code, stderr } = await join(host, { incarnation: "2" });
    assert.equal(code, 0, stderr);
    assertJoined(host, adds + (hook === "before-add" ? 1 : 0));
  });

for (const [title, how, adds] of [
  ["before etcd has its data", "", 2],
  ["once etcd has its data", "began", 1],
] as const)
  test(`a join that was killed at its start goes on: ${title}`, async (t) => {
    const { host } = await joiningCluster(t, "dead");
    for (const note of ["begun", "bootstrapped"]) host.write(`var/lib/etcd-host/${note}`, "1\n"); // its data is gone
    const starts = host.read("systemd/start");
    const kill = `[ -e "$HOST_ROOT/asked-before" ] || { : >"$HOST_ROOT/asked-before"; kill -9 "$PPID"; exit 1; }\n`;
    host.write("systemd/start", how === "" ? kill + starts : starts + kill);
    assert.equal((await join(host, { incarnation: "2" })).code, null);
    const { code, stderr } = await join(host, { incarnation: "2" });
    assert.equal(code, 0, stderr);
    assertJoined(host, adds);
  });

/** One member of this name, which votes, and nothing left to do. */
function assertJoined(host: Host, adds: number): void {
  assert.deepEqual(
    rowsAt(host, PEER_URL).map((row) => row.replace(/^\d+/, "")),
    [`|node1|${PEER_URL}|https://192.0.2.11:2379|false`],
  );
  assert.match(host.read("answers/keys"), /^etcd-host\/members\/node1 2$/m);
  assert.equal(host.exists("var/lib/etcd-host/joining"), false);
  assert.equal(host.read("var/lib/etcd-host/bootstrapped"), "2\n");
  assert.equal(asked(host, "member add"), adds);
}
