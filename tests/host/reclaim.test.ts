// What `npm run reclaim` asks of a host and has it do: the share of history, its compaction, the end of the alarm NOSPACE.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { defragment, fragmentedCluster } from "./fragmented.ts";
import { isUnhealthy, rollingCluster } from "./rolling.ts";

/** etcd's own metrics of its revisions, as it prints large numbers. */
function revisions({ host }: FakeCluster, current: number, compacted: number): string {
  const value = (n: number) => (n >= 1e6 ? n.toExponential() : String(n));
  host.write(
    "metrics",
    `# TYPE etcd_debugging_mvcc_current_revision gauge\netcd_debugging_mvcc_current_revision ${value(current)}\netcd_debugging_mvcc_compact_revision ${value(compacted)}\n`,
  );
  return `fetch_from() { cp "$HOST_ROOT/metrics" "$3"; }`;
}
const NOSPACE = "memberID:8325025528367255048 alarm:NOSPACE \n";

for (const [title, [now, compacted], [then, keys], says] of [
  ["one key written again and again", [1_200_000, 200_000], [10, 11], "history 1000010 999999 1200000\n"],
  ["only new keys", [5000, 1000], [500, 4500], "history 4500 0 5000\n"],
  ["never compacted", [101, -1], [0, 60], "history 100 40 101\n"],
  ["more keys in fewer writes", [101, 1], [0, 500], "history 100 0 101\n"],
] as const)
  test(`of ${title}, that much is history`, async (t) => {
    const cluster = await rollingCluster(t);
    const { host } = cluster;
    host.write("answers/count", String(keys));
    host.write("answers/count-then", String(then));
    const { code, stdout, stderr } = await host.shell(`${revisions(cluster, now, compacted)}\ncmd_history`);
    assert.deepEqual([code, stdout], [0, says], stderr);
    assert.match(host.read("asked"), new RegExp(` --rev=${Math.max(1, compacted)}\n`));
    assert.deepEqual(changesAsked(host), []);
  });

test("who does not answer says no numbers", async (t) => {
  const cluster = await rollingCluster(t);
  const { code, stdout, stderr } = await cluster.host.shell(`fetch_from() { : >"$3"; }\ncmd_history`);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /failed: etcd does not answer on this host/);
});

for (const [title, now, compacted, compaction] of [
  ["up to the last thousand", 1_000_000, 5, ["compaction --physical 999000"]],
  [
    "one revision more, where another member has just done it",
    20_000,
    19_000,
    ["compaction --physical 19001"],
  ],
  ["one revision more, where there is less", 900, 100, ["compaction --physical 101"]],
  ["not beyond the newest", 700, 700, []],
] as const)
  test(`a defragmentation compacts first: ${title}`, async (t) => {
    const cluster = await fragmentedCluster(t);
    cluster.alarms = NOSPACE;
    cluster.host.write("answers/alarms", NOSPACE);
    const { code, stdout, stderr } = await defragment(cluster, {
      args: ["--keep-revisions=1000"],
      before: revisions(cluster, now, compacted),
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^node1: 428 MiB before, 31 MiB now/);
    assert.deepEqual(changesAsked(cluster.host), [...compaction, "defrag"]);
  });

test("without a proof nothing is compacted, and what fails ends it", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  const call = { args: ["--keep-revisions=1000"], before: revisions(cluster, 20_000, 5) };
  host.write("answers/refused/compaction", "context deadline exceeded\n");
  const late = await defragment(cluster, call);
  assert.equal(late.code, 1);
  assert.match(
    late.stderr,
    /failed: etcd has not compacted its history up to revision 19000: Error: context/,
  );
  assert.doesNotMatch(changesAsked(host).join(), /defrag/);
  host.write("asked", "");
  isUnhealthy(cluster, "node3");
  cluster.answer();
  assert.equal((await defragment(cluster, call)).code, 3);
  assert.deepEqual(changesAsked(host), []);
});

async function disarm(cluster: FakeCluster, ...args: readonly string[]) {
  return cluster.host.run(["disarm", "--election-timeout=1", ...args]);
}
const PROBE = ["put etcd-host/probe node1", "del etcd-host/probe"];

test("with room at every member the alarm ends, and a key is written and deleted", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.alarms = NOSPACE;
  cluster.answer();
  const { code, stdout, stderr } = await disarm(cluster);
  assert.deepEqual([code, stdout], [0, "a key was written and deleted: writes pass\n"], stderr);
  assert.deepEqual(changesAsked(cluster.host), ["alarm disarm", ...PROBE]);
  const again = await disarm(cluster);
  assert.equal(again.code, 0, "it was disarmed before");
});

test("where a member has no room the alarm stays", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.alarms = NOSPACE;
  cluster.answer();
  const { host } = cluster;
  host.write("answers/status", host.read("answers/status").replace("2147483648", "20481"));
  const { code, stderr } = await disarm(cluster);
  assert.equal(code, 5);
  assert.match(stderr, /the alarm NOSPACE stays: not every member says .* below 90 % of its quota/);
  assert.deepEqual(changesAsked(host), []);
});

for (const [quota, code] of [
  ["2147483648", 0],
  ["20481", 5],
  ["", 5],
] as const)
  test(`before 3.6 members do not say their quota: of one declared as ${quota || "nothing"} it ends with ${code}`, async (t) => {
    const cluster = await rollingCluster(t);
    cluster.alarms = NOSPACE;
    cluster.answer();
    const { host } = cluster;
    host.write("answers/status", host.read("answers/status").replaceAll(/"DBSizeQuota".*\n/g, ""));
    assert.equal((await disarm(cluster, `--quota=${quota}`)).code, code);
  });

test("no other alarm is disarmed", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.alarms = "memberID:8325025528367255048 alarm:CORRUPT \n";
  cluster.answer();
  const { code, stderr } = await disarm(cluster);
  assert.equal(code, 3);
  assert.match(stderr, /refused: the alarm CORRUPT concerns node2/);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("a write that is still refused is told", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.host.write("answers/refused/put", "etcdserver: mvcc: database space exceeded\n");
  const { code, stderr } = await disarm(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /failed: writes are still refused: Error: etcdserver: mvcc: database space exceeded;/);
});
