// Several CAs in one bundle, and a restart that would cut members from each other.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { certificates, hasSet, runningHost } from "./certificates.ts";
import { FakeCluster, type Listeners, pki } from "./cluster.ts";
import { isRefused, UNIT } from "./member.ts";
import { Authority, authorities, type Pki } from "./pki.ts";
import { isUnhealthy, roll, rollingCluster } from "./rolling.ts";

const DAY = 86_400;
const names = { names: "IP:127.0.0.1" };
const next = { client: new Authority("etcd-client-ca-2"), peer: new Authority("etcd-peer-ca-2") };
const ofNext = { server: next.client.issue("node2", names), peer: next.peer.issue("node2", names) };

/** node1 is to be restarted with another bundle of that kind; what the second member serves is unusual. */
async function withAnotherBundle(
  t: TestContext,
  side: "client" | "peer",
  second: Listeners = {},
): Promise<FakeCluster> {
  const cluster = await rollingCluster(t, (index) => (index === 1 ? second : {}));
  cluster.host.write(`run/etcd-host/started/${side}-ca.crt`, "an older bundle\n");
  return cluster;
}

for (const [side, second, serves] of [
  ["peer", { peer: ofNext.peer }, "peer"],
  ["client", { server: ofNext.server }, "server"],
] as const) {
  test(`a member is not restarted with a ${side} bundle that lacks the CA of what another one serves`, async (t) => {
    const { host } = await withAnotherBundle(t, side, second);
    await isRefused(
      host,
      () => roll(host, {}, { unit: UNIT }),
      new RegExp(
        `refused: node2 serves a ${serves} certificate of a CA that the new bundle does not have; a restart would cut node1 from it\\. Raise checkId and run 'pulumi up': the certificates of node2 come first\\n$`,
      ),
    );
  });
}

test("where the bundle of that kind stays, nobody is asked for certificates", async (t) => {
  const { host } = await withAnotherBundle(t, "client", { peer: ofNext.peer });
  assert.match((await roll(host, {}, { unit: UNIT })).stderr, /^etcd-host: restarted node1/);
});

test("a healthy member that shows no certificate is a refusal, not a member without one", async (t) => {
  const { host } = await withAnotherBundle(t, "peer", { silent: "peer" });
  await isRefused(
    host,
    () => roll(host, {}, { unit: UNIT }),
    /refused: node2 is healthy, but shows no certificate at https:\/\/127\.0\.0\.1:\d+; see 'etcd-host status' there/,
  );
});

test("one that the proof counts as unhealthy takes nothing away: it is left out", async (t) => {
  const cluster = await withAnotherBundle(t, "peer", { silent: "peer" });
  const third = cluster.member(2);
  cluster.members.push({ ...third, name: "node4", id: "44" }, { ...third, name: "node5", id: "55" });
  isUnhealthy(cluster, "node2");
  cluster.answer();
  assert.match((await roll(cluster.host, {}, { unit: UNIT })).stderr, /^etcd-host: restarted node1/);
});

/** Both CAs in the order of their numbers; the second one issues. */
const rotated: Pki = {
  ...pki,
  "client-ca.crt": authorities.client.certificate + next.client.certificate,
  "peer-ca.crt": authorities.peer.certificate + next.peer.certificate,
};
const issued = (from: typeof next): Partial<Pki> => {
  const leafs = {
    server: from.client.issue("node1"),
    peer: from.peer.issue("node1"),
    operator: from.client.issue("node1-operator", { names: "" }),
  };
  return Object.fromEntries(
    Object.entries(leafs).flatMap(([leaf, { certificate, key }]) => [
      [`${leaf}.crt`, certificate],
      [`${leaf}.key`, key],
    ]),
  );
};

test("certificates by either CA are taken once both are loaded, and by the next one not before", async (t) => {
  const sent = { ...rotated, ...issued(next) };
  const before = runningHost(t, pki);
  const { code, stderr } = await certificates(before, sent);
  assert.equal(code, 3);
  assert.match(stderr, /has to be trusted by all members first: clientCa or peerCa \[1, 2\], then \[2, 1\]/);
  const loaded = runningHost(t, rotated);
  const lists = { "client-ca": "2,1", "peer-ca": "2,1" };
  assert.equal((await certificates(loaded, sent, lists)).code, 0);
  hasSet(loaded, sent);
  assert.equal((await certificates(runningHost(t, rotated), rotated)).code, 0, "and back");
});

test("facts have every CA by its name", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  cluster.host.write("var/lib/etcd-host/mark", "name=node1\nincarnation=1\n");
  cluster.host.write("etc/etcd/pki/client-ca.crt", rotated["client-ca.crt"]);
  cluster.host.write("etc/etcd/pki/peer-ca.crt", next.peer.certificate);
  const { stdout } = await cluster.host.run(["facts"]);
  const named = [...stdout.matchAll(/^certificate (\S+) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/gm)];
  assert.deepEqual(
    named.map(([, name]) => name),
    ["server", "peer", "operator", "client-ca", "client-ca-2", "peer-ca-2"],
  );
});

test("the proof judges the CA that issues: one that is only trusted may end", async (t) => {
  const cluster = await FakeCluster.create(t, (index) => (index < 3 ? { peer: ofNext.peer } : {}));
  cluster.answer();
  const { host } = cluster;
  host.write("etc/etcd/pki/peer-ca.crt", authorities.peer.certificateFor(6) + next.peer.certificateFor(800));
  assert.equal((await cluster.prove()).code, 0);
  const soon = next.peer.issue("node2", { ...names, until: 6 * DAY });
  const ending = await FakeCluster.create(t, { peer: soon });
  ending.answer();
  ending.host.write(
    "etc/etcd/pki/peer-ca.crt",
    authorities.peer.certificateFor(800) + next.peer.certificateFor(800),
  );
  assert.match((await ending.prove()).stderr, /failed: the peer certificate of node2 expires on/);
  ending.host.write(
    "etc/etcd/pki/peer-ca.crt",
    authorities.peer.certificateFor(6) + next.peer.certificateFor(800),
  );
  assert.match((await ending.prove()).stderr, /failed: the peer CA expires on/, "by which the others are");
});
