// The create of a member's step, run again: the step was replaced, forgotten, or given up and declared again.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { changesAsked, type FakeCluster, pki } from "./cluster.ts";
import type { Result } from "./host.ts";
import { ADDED_TO_TWO, join, joiningCluster } from "./joining.ts";
import { bundlesDigest, COMES_UP, DATA, memberOptions, PEER_URL, setState, UNIT } from "./member.ts";
import { isUnhealthy, NEW_UNIT, rollingCluster } from "./rolling.ts";

function create({ host }: FakeCluster, unit = UNIT, settings = ""): Promise<Result> {
  const options = memberOptions(host, { bundles: bundlesDigest(pki) });
  return host.shell(`${settings}\ncmd_start`, options, { stdin: unit });
}

test("a serving member that runs as declared is asked whether it has caught up, and left alone", async (t) => {
  const cluster = await rollingCluster(t);
  const { code, stdout, stderr } = await create(cluster);
  assert.deepEqual([code, stdout, stderr], [0, "node1 runs as declared\n", ""]);
  assert.deepEqual(cluster.host.systemdCalls(), []);
  assert.deepEqual(changesAsked(cluster.host), []);
  assert.match(cluster.host.read("asked"), /--endpoints=https:\/\/127\.0\.0\.1:2379 endpoint health/);
});

test("it is waited for: who is restarted by somebody else is not done before it has caught up", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  const behind = host.read("answers/status-here").replaceAll('Index" : 1000', 'Index" : 10');
  const caughtUp = host.read("answers/status-here");
  host.write("answers/status-here", behind);
  host.write("caught-up", caughtUp);
  host.fake(
    "sleep",
    'cp "$HOST_ROOT/caught-up" "$HOST_ROOT/answers/status-here"; echo >>"$HOST_ROOT/sleeps"',
  );
  assert.equal((await create(cluster)).code, 0);
  assert.equal(host.read("sleeps"), "\n");
  host.write("answers/status-here", behind);
  const { code, stderr } = await create(cluster, UNIT, "ROLL_SECONDS=0");
  assert.equal(code, 1);
  assert.match(stderr, /failed: node1 has not caught up after 0 s; no other member was touched/);
});

test("a serving member that runs otherwise is restarted with the proof, and only with it", async (t) => {
  const cluster = await rollingCluster(t);
  isUnhealthy(cluster, "node2");
  cluster.answer();
  const { code, stderr } = await create(cluster, NEW_UNIT);
  assert.equal(code, 3);
  assert.match(stderr, /refused: node1 may not restart: of the other 2 voters 1 healthy, 2 needed/);
  assert.deepEqual(cluster.host.systemdCalls(), []);
});

test("one that is stopped is started, and waited for where the others answer", async (t) => {
  for (const silent of [false, true]) {
    const cluster = await rollingCluster(t);
    const { host } = cluster;
    host.write("systemd/start", `${COMES_UP}set_state active running 4712\n`);
    setState(host, "failed", "failed", 0);
    if (silent) host.write("answers/silent", "");
    const { code, stdout } = await create(cluster, UNIT, "ROLL_SECONDS=0");
    assert.deepEqual([code, stdout], [0, "started node1\n"], "it waits for no quorum");
    assert.equal(/127\.0\.0\.1:2379 endpoint health/.test(host.read("asked")), !silent);
  }
});

test("one that was removed from the cluster, and is declared again, sets its data aside and joins", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write(`${DATA}/member/wal/old.wal`, "what the removed one wrote\n");
  for (const mark of ["begun", "bootstrapped", "served"])
    host.write(`var/lib/etcd-host/${mark}`, "1\n", 0o600);
  host.write("var/lib/etcd-host/left-member", "urn:member\n", 0o600);
  const { code, stderr } = await join(host);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^etcd-host: node1 was removed from the cluster, and joins it again\n/);
  const [, aside = ""] = /the data of \S+ is kept in (\S+)\n/.exec(stderr) ?? [];
  assert.ok(fs.existsSync(`${aside}/member/wal/old.wal`));
  assert.deepEqual(changesAsked(host), [
    "lock",
    `put etcd-host/joining/${PEER_URL} ${PEER_URL}`,
    `member add node1 --learner --peer-urls=${PEER_URL}`,
    "put etcd-host/members/node1 1",
    `member promote ${ADDED_TO_TWO}`,
    `del etcd-host/joining/${PEER_URL}`,
    "lock dropped",
  ]);
  assert.equal(host.exists("var/lib/etcd-host/left-member"), false);
});

test("nobody answers: what is there is no removed member's", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write(`${DATA}/member/wal/old.wal`, "precious\n");
  for (const mark of ["begun", "bootstrapped", "served"])
    host.write(`var/lib/etcd-host/${mark}`, "1\n", 0o600);
  host.write("answers/silent", "");
  const { stderr } = await join(host);
  assert.doesNotMatch(stderr, /removed|aside/);
  assert.ok(host.exists(`${DATA}/member/wal/old.wal`));
});
