// A member that gets another address: the others know it before it listens there.
import assert from "node:assert/strict";
import fs from "node:fs";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { DATA, isRefused, PEER_URL, setState } from "./member.ts";
import { BROKEN_UNIT, roll, rollingCluster } from "./rolling.ts";

const OLD_URL = "https://192.0.2.31:2380";
const update = (url: string) => `member update 837adeb9ac309ea --peer-urls=${url}`;

async function movedMember(
  t: TestContext,
  arrange: (cluster: FakeCluster) => void = () => {},
): Promise<FakeCluster> {
  const cluster = await rollingCluster(t);
  cluster.member(0).peerUrls = [OLD_URL];
  arrange(cluster);
  cluster.answer();
  return cluster;
}

test("the cluster is told of a new peer URL before the member is restarted, through the others", async (t) => {
  const cluster = await movedMember(t);
  const { host } = cluster;
  const { code, stderr } = await roll(host);
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`telling the cluster that node1 moves from ${OLD_URL} to ${PEER_URL}\n`));
  assert.deepEqual(changesAsked(host, "asked-before"), ["lock", update(PEER_URL)]);
  const others = cluster.members.slice(1).map(({ clientUrl }) => clientUrl);
  assert.match(host.read("asked"), new RegExp(`--endpoints=${others.join()} member update`));
  assert.match(host.read("answers/rows"), new RegExp(`\\|node1\\|${PEER_URL}\\|`));
});

test("a stopped member is announced before it is started", async (t) => {
  const { host } = await movedMember(t);
  setState(host, "inactive", "dead", 0);
  assert.equal((await roll(host)).code, 0);
  assert.deepEqual(changesAsked(host, "asked-before"), [update(PEER_URL)]);
});

test("an update that timed out and was made all the same is no failure", async (t) => {
  const { host } = await movedMember(t);
  host.write("answers/refused/update", "made: context deadline exceeded\n");
  assert.equal((await roll(host)).code, 0);
  assert.deepEqual(changesAsked(host, "asked-before"), ["lock", update(PEER_URL), update(PEER_URL)]);
});

test("at an address that another member has, nobody is restarted", async (t) => {
  const { host } = await movedMember(t, (cluster) =>
    cluster.members.push({
      ...cluster.member(1),
      name: "",
      id: "44",
      peerUrls: [PEER_URL],
      clientUrl: "",
      learner: true,
    }),
  );
  const { code, stderr } = await roll(host);
  assert.notEqual(code, 0, stderr);
  assert.deepEqual(host.systemdCalls(), []);
});

test("an address that the cluster does not take restarts nothing", async (t) => {
  const { host } = await movedMember(t);
  host.write("answers/refused/update", "etcdserver: permission denied\n");
  const { code, stderr } = await roll(host);
  assert.equal(code, 1);
  assert.match(stderr, /failed: etcd refuses 'member update': etcd's authentication is on, .*\n$/);
  assert.deepEqual(host.systemdCalls(), []);
});

test("a member whose restart is rolled back is known at its old address again, before it starts there", async (t) => {
  const { host } = await movedMember(t);
  const { code, stderr } = await roll(host, {}, { unit: BROKEN_UNIT });
  assert.equal(code, 1);
  assert.match(stderr, /node1, which runs with the old ones again/);
  // asked before the last of the two restarts
  assert.deepEqual(changesAsked(host, "asked-before"), ["lock", update(PEER_URL), update(OLD_URL)]);
  assert.match(host.read("answers/rows"), new RegExp(`\\|node1\\|${OLD_URL}\\|`));
});

test("a member that stays where it is announces nothing, rolled back or not", async (t) => {
  const { host } = await rollingCluster(t);
  await roll(host, {}, { unit: BROKEN_UNIT });
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
});

test("a moved member without its data is refused: nothing is announced", async (t) => {
  const { host } = await movedMember(t);
  fs.rmSync(host.file(DATA, "member/wal/0.wal"));
  await isRefused(host, () => roll(host), /the data of node1 is gone/);
  assert.deepEqual(changesAsked(host), []);
});
