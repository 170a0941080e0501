// The bootstrap of a cluster: founders that ask each other first, and those that go on after a failure.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { changesAsked, FakeCluster, type Listeners, pki } from "./cluster.ts";
import type { Result } from "./host.ts";
import { join } from "./joining.ts";
import { bundlesDigest, DATA, isRefused, memberOptions, PEER_URL, readyHost, setState } from "./member.ts";
import { NEW_UNIT, roll, rollingCluster } from "./rolling.ts";
import { isDown, step, steppingCluster } from "./stepping.ts";

const SUBCOMMANDS = ["start", "roll"] as const;
const CLOSED = { silent: "both" } as const;
const GONE = /refused: the data of node1 is gone/;
const ENV = "etc/etcd/bootstrap.env";

/** node1 has not begun; node2 and node3 are what `arrange` makes of them, and do not know node1's client URL. */
async function founding(
  t: TestContext,
  listeners: Listeners,
  arrange: (cluster: FakeCluster) => void = () => {},
): Promise<FakeCluster> {
  const cluster = await FakeCluster.around(t, readyHost(t, pki), (index) =>
    index === 0 ? CLOSED : listeners,
  );
  Object.assign(cluster.member(0), { peerUrls: [PEER_URL], clientUrl: "", version: undefined });
  arrange(cluster);
  cluster.answer();
  return cluster;
}
/** Nobody has been in a quorum. */
function unserved(cluster: FakeCluster): void {
  for (const member of cluster.members) Object.assign(member, { clientUrl: "", version: undefined });
}

function found(
  cluster: FakeCluster,
  changed: Readonly<Record<string, string>> = {},
  how: Parameters<typeof join>[2] = {},
): Promise<Result> {
  const list = cluster.members.map(({ name, peerUrls }) => `${name}=${peerUrls.join()}`).join();
  return join(cluster.host, { "initial-state": "new", "initial-cluster": list, ...changed }, how);
}

function assertFounded({ host }: FakeCluster, { code, stderr }: Result): void {
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(host.read(ENV), /^ETCD_INITIAL_CLUSTER_STATE=new$/m);
  assert.deepEqual(changesAsked(host), []);
}

test("a founder begins where no peer has started, and asks etcd nothing", async (t) => {
  const cluster = await founding(t, CLOSED);
  assertFounded(cluster, await found(cluster));
  assert.equal(cluster.host.exists("asked"), false);
});

test("where nobody runs, a founder without data begins in a cluster that is new only", async (t) => {
  const inDays = (days: number) => ({ env: { CLOCK_OFF: String(days * 86_400) } });
  const young = await founding(t, CLOSED);
  assertFounded(young, await found(young, {}, inDays(6)));
  const alone = { "initial-cluster": `node1=${PEER_URL}` };
  for (const changed of [{}, alone]) {
    const cluster = await founding(t, CLOSED);
    const why = /no other member runs, and the cluster's first CA is of .*: it may have served since, /;
    await isRefused(cluster.host, () => found(cluster, changed, inDays(8)), why);
  }
  const beside = await founding(t, { waiting: true }, unserved);
  assertFounded(beside, await found(beside, {}, inDays(8)));
});

test("a cluster whose CA was renewed is as old as its first CA", async (t) => {
  const cluster = await founding(t, CLOSED);
  const mark = "var/lib/etcd-host/mark";
  const born = (daysAgo: number) => new Date(Date.now() - daysAgo * 86_400_000).toISOString();
  const prepared = cluster.host.read(mark);
  cluster.host.write(mark, `${prepared}not_before=${born(8)}\n`);
  const why = /no other member runs, and the cluster's first CA is of .*: it may have served since, /;
  await isRefused(cluster.host, () => found(cluster), why);
  cluster.host.write(mark, `${prepared}not_before=${born(6)}\n`);
  assertFounded(cluster, await found(cluster));
});

for (const subcommand of SUBCOMMANDS) {
  test(`a founder begins beside peers that wait for a quorum, without asking for one (${subcommand})`, async (t) => {
    const cluster = await founding(t, { waiting: true }, unserved);
    cluster.host.write("answers/silent", "");
    assertFounded(cluster, await found(cluster, {}, { subcommand }));
    assert.equal(cluster.host.exists("asked"), false);
  });

  test(`a founder that a cluster still waits for goes on as one, whatever changed meanwhile (${subcommand})`, async (t) => {
    for (const incarnation of ["1", "2"]) {
      const cluster = await founding(t, {});
      assertFounded(cluster, await found(cluster, { incarnation }, { subcommand }));
    }
  });

  test(`a founder that the cluster has seen before is not started empty (${subcommand})`, async (t) => {
    const cluster = await founding(t, {}, (c) =>
      Object.assign(c.member(0), { clientUrl: "https://192.0.2.11:2379" }),
    );
    await isRefused(cluster.host, () => found(cluster, {}, { subcommand }), GONE);
  });

  test(`where a cluster is that no quorum answers for, nobody begins (${subcommand})`, async (t) => {
    const cluster = await founding(t, {});
    cluster.host.write("answers/silent", "");
    const sentence =
      subcommand === "start" ? /a cluster exists already, but no quorum of it answers node1/ : GONE;
    await isRefused(
      cluster.host,
      () => found(cluster, {}, { subcommand, settings: "PEERS_SECONDS=0" }),
      sentence,
    );
  });
}

test("a later step, which may have lost its data, begins only where every peer knows of no cluster", async (t) => {
  const cluster = await founding(t, CLOSED);
  await isRefused(cluster.host, () => found(cluster, {}, { subcommand: "roll" }), GONE);
});

test("a peer that listens but is not up yet is asked again", async (t) => {
  const cluster = await founding(t, { late: 2 }, unserved);
  assertFounded(cluster, await found(cluster));
  assert.deepEqual(cluster.host.read("sleeps").split("\n").slice(0, 2), ["0.2", "0.2"]);
});

test("a peer that says nothing could know of a cluster: refused, and nothing begins", async (t) => {
  const cluster = await founding(t, { frozen: true });
  cluster.host.fake("timeout", 'shift; exec /usr/bin/timeout 0.5 "$@"');
  const [, second, third] = cluster.members.map(({ peerUrls }) => peerUrls.join());
  await isRefused(
    cluster.host,
    () => found(cluster, {}, { settings: "PEERS_SECONDS=0" }),
    new RegExp(
      `refused: ${second} ${third} neither answers node1 nor refuses the connection, so it is unknown`,
    ),
  );
});

test("peers that were told another list are no reason to begin with a list of one's own", async (t) => {
  const cluster = await founding(t, { waiting: true }, (c) => {
    unserved(c);
    c.member(0).peerUrls = ["https://192.0.2.31:2380"];
  });
  const list = `node1=${PEER_URL},node2=${cluster.member(1).peerUrls.join()}`;
  await isRefused(
    cluster.host,
    () => found(cluster, { "initial-cluster": list }),
    /refused: the member at \S+ has started with another list of members, .*'pulumi destroy'/,
  );
});

test("a founder that never served keeps the log that it began, although its incarnation was raised", async (t) => {
  for (const subcommand of SUBCOMMANDS) {
    const cluster = await founding(t, CLOSED);
    assertFounded(cluster, await found(cluster));
    const { host } = cluster;
    setState(host, "inactive", "dead", 0);
    host.write("answers/silent", "");
    const { code, stderr } = await found(cluster, { incarnation: "2" }, { subcommand });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(host.list(`${DATA}/member/wal`), ["0.wal"]);
    assert.deepEqual(
      host.list("var/lib").filter((name) => name.includes("aside")),
      [],
    );
    assert.equal(host.read("var/lib/etcd-host/begun"), "2\n");
  }
});

test("a roll waits for a founder that has yet to start, and restarts once it has", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.answer("later");
  Object.assign(cluster.member(1), { clientUrl: "", version: undefined });
  cluster.answer();
  cluster.host.fake(
    "sleep",
    '[ ! -e "$HOST_ROOT/later" ] || { cp "$HOST_ROOT"/later/* "$HOST_ROOT/answers/"; rm -r "$HOST_ROOT/later"; }; exec /bin/sleep 0.01',
  );
  const { code, stderr } = await roll(cluster.host, {}, { unit: NEW_UNIT });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /restarted node1 in/);
});

test("a founder that does not start is named by the roll that waits for it", async (t) => {
  const cluster = await rollingCluster(t);
  Object.assign(cluster.member(1), { clientUrl: "", version: undefined });
  cluster.answer();
  const options = memberOptions(cluster.host, { bundles: bundlesDigest(pki) });
  const patience = "FOUNDERS_SECONDS=0; cmd_roll";
  await isRefused(
    cluster.host,
    () => cluster.host.shell(patience, options, { stdin: NEW_UNIT }),
    /refused: node1 may not restart before node2 has started, which bootstraps the cluster with the others/,
  );
});

test("members that wait for a quorum they never had are no reason for before to refuse", async (t) => {
  const listeners = (index: number) => (index === 2 ? CLOSED : { waiting: true as const });
  const cluster = await steppingCluster(t, { listeners });
  unserved(cluster);
  isDown(cluster, "node1", "node2", "node3");
  cluster.host.write("answers/silent", "");
  const { code, stderr } = await step(cluster, "before");
  assert.deepEqual([code, stderr], [0, "etcd-host: no quorum answers; each host starts what is stopped\n"]);
});

test("membership waits for the first election of a bootstrap that was repaired", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.host.write("answers/silent", "");
  cluster.host.fake("sleep", 'rm -f "$HOST_ROOT/answers/silent"');
  const { code, stdout } = await step(cluster, "membership", [], { settings: "MEMBERSHIP_SECONDS=60" });
  assert.deepEqual([code, stdout], [0, "checked the members\n"]);
});
