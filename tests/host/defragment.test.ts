// One member's database is defragmented: with the cluster's lock, its proof, and until the server is done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { defragment, fragmentedCluster, isFragmented, MINE, SECOND, SMALLER } from "./fragmented.ts";
import { isRefused } from "./member.ts";
import { growToFive, isUnhealthy, rollingCluster } from "./rolling.ts";

test("with the lock and the proof, of this member alone, within a time that its size asks for", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  const env = { CLOCK_AT: String(Math.floor(Date.now() / 1000)) };
  assert.deepEqual(await defragment(cluster, { env }), { code: 0, stdout: SMALLER, stderr: "" });
  assert.deepEqual(changesAsked(host), ["lock", "defrag", "lock dropped"]);
  assert.match(
    host.read("asked"),
    / get etcd-host\/restart\/7b0 --keys-only\n\S* ?.*--endpoints=https:\/\/127\.0\.0\.1:2379 --command-timeout=102s defrag\n/,
    "the lock is checked just before",
  );
  const others = cluster.members.slice(1).map(({ clientUrl }) => clientUrl);
  assert.match(host.read("asked"), new RegExp(`--endpoints=${others.join()} .* lock `), "not through itself");
  assert.deepEqual(host.systemdCalls(), []);
});

test("who leads hands over first", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  for (const member of cluster.members) member.leader = MINE;
  cluster.answer();
  isFragmented(cluster);
  host.write("answers/after-move-leader", `sed -i 's/^"Leader" : .*/"Leader" : ${SECOND}/' status`);
  const { code, stderr } = await defragment(cluster);
  assert.equal(code, 0, stderr);
  const move = `move-leader ${BigInt(SECOND).toString(16)}`;
  assert.deepEqual(changesAsked(host), ["lock", move, "defrag", "lock dropped"]);
});

test("who still leads is not touched", async (t) => {
  const cluster = await fragmentedCluster(t);
  for (const member of cluster.members) member.leader = MINE;
  cluster.answer();
  cluster.host.write("answers/refused/move-leader", "etcdserver: bad leader transferee\n");
  const { code, stderr } = await defragment(cluster);
  assert.equal(code, 3);
  assert.match(stderr, /refused: node1 leads, and leadership cannot be moved to node2 first: /);
  assert.doesNotMatch(changesAsked(cluster.host).join(), /defrag/);
});

test("a member that falls ill while the lock was waited for keeps this one as it is", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  isUnhealthy(cluster, "node2");
  cluster.answer("later");
  host.write("answers/before-lock", "cp ../later/health ../later/health-code .");
  const { code, stderr } = await defragment(cluster);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /refused: node1 may not be defragmented: of the other 2 voters 1 healthy/);
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
});

interface Refused {
  readonly title: string;
  readonly arrange: (cluster: FakeCluster) => void;
  readonly sentence: RegExp;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}
const refused: readonly Refused[] = [
  {
    title: "another member is down",
    arrange: (c) => isUnhealthy(c, "node3"),
    sentence:
      /refused: node1 may not be defragmented: of the other 2 voters 1 healthy, 2 needed; not healthy: node3\./,
  },
  {
    title: "of five two others are down",
    arrange: (c) => {
      growToFive(c);
      isUnhealthy(c, "node3", "node5");
    },
    sentence: /refused: node1 may not be defragmented: of the other 4 voters 2 healthy, 3 needed/,
  },
  {
    title: "members disagree about the data",
    arrange: (c) => {
      c.alarms = "memberID:8325025528367255048 alarm:CORRUPT \n";
    },
    sentence: /refused: the alarm CORRUPT concerns node2/,
  },
  {
    title: "it is one of two",
    arrange: (c) => c.members.splice(2, 1),
    sentence:
      /refused: the cluster cannot do without node1: nothing is written while it is defragmented; add --yes/,
  },
  {
    title: "it is the only one",
    arrange: (c) => c.members.splice(1, 2),
    sentence:
      /refused: the cluster cannot do without node1: nothing is answered while it is defragmented; add --yes/,
  },
  {
    title: "the new file would fill the disk",
    arrange: () => {},
    env: { DISK_FREE_KIB: String(99 * 1024) },
    sentence: /refused: node1 may not be defragmented: 99 MiB are free for \S+, 100 needed for the new file;/,
  },
];
for (const { title, arrange, sentence, args = [], env = {} } of refused)
  test(`nothing is done where ${title}`, async (t) => {
    const cluster = await rollingCluster(t);
    cluster.host.write("in-flight", "");
    arrange(cluster);
    cluster.answer();
    await isRefused(cluster.host, () => defragment(cluster, { args, env }), sentence);
    assert.deepEqual(changesAsked(cluster.host), []);
  });

for (const [count, meanwhile] of [
  [1, "nothing is answered"],
  [2, "nothing is written"],
] as const)
  test(`one of ${count} is defragmented by who accepts the outage`, async (t) => {
    const cluster = await fragmentedCluster(t);
    cluster.members.splice(count);
    for (const member of cluster.members) member.leader = MINE;
    cluster.answer();
    isFragmented(cluster);
    const { code, stderr } = await defragment(cluster, { args: ["--yes"] });
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`^etcd-host: ${meanwhile} while node1 is defragmented\n`));
    assert.match(changesAsked(cluster.host).join(), /^lock,.*defrag,lock dropped$/);
  });

test("the alarm NOSPACE is what it is for", async (t) => {
  const cluster = await fragmentedCluster(t);
  cluster.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
  cluster.answer();
  const { code, stderr } = await defragment(cluster);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /the alarm NOSPACE blocks all writes/);
  assert.deepEqual(changesAsked(cluster.host), ["defrag"], "no lock can be taken then");
});

test("a learner is left alone", async (t) => {
  const cluster = await fragmentedCluster(t);
  cluster.member(0).learner = true;
  cluster.answer();
  const { code, stdout } = await defragment(cluster);
  assert.deepEqual([code, stdout], [0, "node1 is still a learner: it is not defragmented\n"]);
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("a client that gives up stops no server: the lock is kept until it is done", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  host.write("answers/refused/defrag", "made: context deadline exceeded\n");
  const { code, stdout, stderr } = await defragment(cluster, { inFlight: ["0", "1", "1", "", "0"] });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^node1: 428 MiB before, 31 MiB now/);
  assert.match(stderr, /waiting until etcd has defragmented node1\n/);
  const asked = host.read("asked");
  const [end, dropped] = [asked.lastIndexOf("metric 0"), asked.indexOf("lock dropped")];
  assert.ok(asked.indexOf("metric 1") < end && end < dropped, asked);
});

test("what etcd refuses is told", async (t) => {
  const cluster = await fragmentedCluster(t);
  cluster.host.write("answers/refused/defrag", "no space left on device\n");
  const { code, stderr } = await defragment(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /failed: etcd has not defragmented node1: Error: no space left on device\n$/);
});

test("a run that was killed may have left its server at work: it is waited for", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { code, stderr } = await defragment(cluster, { inFlight: ["1", "1", "0"] });
  assert.equal(code, 0, stderr);
  const asked = cluster.host.read("asked");
  assert.ok(asked.lastIndexOf("metric 0") < asked.indexOf(" lock "), asked);
});

test("a host where nothing runs is refused", async (t) => {
  const cluster = await fragmentedCluster(t);
  const { host } = cluster;
  host.write("systemd/properties", "ActiveState=inactive\nSubState=dead\nMainPID=0\n");
  host.write("in-flight", "");
  await isRefused(
    host,
    () => defragment(cluster),
    /refused: etcd does not run on this host, so its database/,
  );
});

test("the metric is etcd's own", async (t) => {
  const { host } = await rollingCluster(t);
  const metrics = (value: string) =>
    `fetch_from() { printf '# TYPE x gauge\\netcd_disk_defrag_inflight ${value}\\n' >"$3"; }; work=$HOST_ROOT`;
  for (const value of ["0", "1"])
    assert.equal((await host.shell(`${metrics(value)}\ndefragmentations_here`)).stdout, `${value}\n`);
});
