// roll: leadership goes elsewhere first, and the quorum holds under whoever leads then.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { isRefused } from "./member.ts";
import {
  growToFive,
  isUnhealthy,
  NEW_UNIT,
  roll,
  rollingCluster,
  rollOptions,
  startedAt,
} from "./rolling.ts";

for (const [title, times, id] of [
  ["node2", ["3.5e+09", "1.763312345e+09", "1.763312344e+09"], "73886e9c34638e08"],
  ["node3", ["3.5e+09", "1.763312344e+09", "1.763312345e+09"], "ffffffffffffffff"],
] as const)
  test(`a leader first gives leadership to the member that started last (${title})`, async (t) => {
    const cluster = await rollingCluster(t, startedAt(...times));
    for (const member of cluster.members) member.leader = cluster.member(0).id;
    cluster.answer();
    assert.equal((await roll(cluster.host)).code, 0);
    assert.deepEqual(changesAsked(cluster.host, "asked-before"), ["lock", `move-leader ${id}`]);
    assert.match(
      cluster.host.read("asked"),
      new RegExp(`--endpoints=${cluster.member(0).clientUrl} move-leader`),
      "only the leader itself can be asked",
    );
  });

test("leadership goes to nobody who is down", async (t) => {
  const cluster = await rollingCluster(t, startedAt("1e+09", "2e+09", "3e+09"));
  growToFive(cluster);
  const { clientUrl, version } = cluster.member(3);
  Object.assign(cluster.member(4), { clientUrl, version });
  for (const member of cluster.members) member.leader = cluster.member(0).id;
  isUnhealthy(cluster, "node3");
  cluster.answer();
  assert.equal((await roll(cluster.host)).code, 0);
  const [, moved] = changesAsked(cluster.host, "asked-before");
  assert.match(moved ?? "", /^move-leader (73886e9c34638e08|2c|37)$/);
});

test("a leader that cannot give leadership away is not restarted", async (t) => {
  const cluster = await ledByNode1(t);
  cluster.host.write("answers/refused/move-leader", "bad leader transferee\n");
  const { code, stderr } = await roll(cluster.host);
  assert.deepEqual(
    [code, stderr],
    [
      3,
      "etcd-host: refused: node1 leads, and leadership cannot be moved to node3 first: Error: bad leader transferee; nothing was changed, run again\n",
    ],
  );
  assert.deepEqual(cluster.host.systemdCalls(), []);
});

/** node1 leads, and node3 started last. */
async function ledByNode1(t: TestContext): Promise<FakeCluster> {
  const cluster = await rollingCluster(t, startedAt("1e+09", "2e+09", "3e+09"));
  for (const member of cluster.members) member.leader = cluster.member(0).id;
  cluster.answer();
  return cluster;
}

test("two followers that are cut from each other are no quorum without their leader, which goes on to lead", async (t) => {
  const cluster = await ledByNode1(t);
  cluster.answer("cut");
  isUnhealthy(cluster, "node2");
  cluster.answer("cut");
  const [node1, , node3] = cluster.members.map(({ id }) => id);
  const { host } = cluster;
  host.write("whole/health", host.read("answers/health"));
  host.write(
    "answers/after-move-leader",
    `if [ "$id" = ${node3} ]; then cp ../cut/health health; else cp ../whole/health health; fi\n`,
  );
  await isRefused(
    host,
    () => roll(host),
    /refused: node1 led, and the others are no quorum without it: once node3 led, not healthy: node2\. node1 leads now, and nothing was changed: make sure that the other members reach each other/,
  );
  assert.deepEqual(changesAsked(host), ["lock", ...[node3, node1].map(moving), "lock dropped"]);
});
const moving = (id = "") => `move-leader ${BigInt(id).toString(16)}`;

test("a member that follows nobody once leadership has moved is waited for", async (t) => {
  const cluster = await ledByNode1(t);
  const { host } = cluster;
  const url = cluster.member(1).clientUrl;
  host.write(
    "answers/after-move-leader",
    `cp health health.whole; sed -i 's#^${url} is healthy.*#${url} is unhealthy: gone#' health\n`,
  );
  host.fake(
    "sleep",
    'cd "$HOST_ROOT/answers"; [ "$1" != 0.5 ] || ! [ -e health.whole ] || mv health.whole health; exec /bin/sleep 0.01',
  );
  const { code, stderr } = await host.shell("HANDOVER_SECONDS=60; cmd_roll", rollOptions(host), {
    stdin: NEW_UNIT,
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(changesAsked(host, "asked-before"), ["lock", moving(cluster.member(2).id)]);
});
