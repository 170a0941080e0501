// prove: what it learns from the members' own listeners: clocks, certificates, metrics.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FakeCluster, type Listeners, METRICS, proofIn } from "./cluster.ts";
import { Authority, authorities } from "./pki.ts";

const DAY = 86_400;

/** A member whose listeners are unusual, proven. */
async function proveWith(t: TestContext, listeners: Listeners, seconds = 0) {
  const cluster = await FakeCluster.create(t, listeners);
  cluster.answer();
  return cluster.prove({}, seconds);
}

test("a clock that is off ends the run at once: waiting would not help", async (t) => {
  for (const clockOff of [60, -60]) {
    const { code, stderr } = await proveWith(t, { clockOff }, 60);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^etcd-host: failed: the clock of node2 is \d\d s off this host's \(limit: 5 s\); set the clocks, then run again\n$/,
    );
  }
  assert.equal((await proveWith(t, { clockOff: 3 })).code, 0);
});

test("a served certificate that ends soon ends the run at once, for either side", async (t) => {
  const soon = { names: "IP:127.0.0.1", until: 6 * DAY };
  const server = await proveWith(t, { server: authorities.client.issue("node2", soon) }, 60);
  assert.equal(server.code, 1);
  assert.match(
    server.stderr,
    /failed: the client certificate of node2 expires on .* GMT, within 7 days; 'pulumi up' renews it/,
  );
  const peer = await proveWith(t, { peer: authorities.peer.issue("node2", soon) }, 60);
  assert.equal(peer.code, 1);
  assert.match(peer.stderr, /failed: the peer certificate of node2 expires on/);
});

test("a CA that ends soon ends the run, although the leaf certificates by it last longer", async (t) => {
  for (const side of ["client", "peer"] as const) {
    const cluster = await FakeCluster.create(t);
    cluster.answer();
    cluster.host.write(`etc/etcd/pki/${side}-ca.crt`, authorities[side].certificateFor(6));
    const { code, stderr } = await cluster.prove();
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`failed: the ${side} CA expires on .* GMT, within 7 days; renew it: set caRenewBeforeDays`),
    );
    cluster.host.write(`etc/etcd/pki/${side}-ca.crt`, authorities[side].certificateFor(8));
    assert.equal((await cluster.prove()).code, 0, "renewed with its key");
  }
});

test("a member that serves a certificate of another CA is named", async (t) => {
  const other = new Authority("client CA");
  const { code, stderr } = await proveWith(t, { server: other.issue("node2", { names: "IP:127.0.0.1" }) });
  assert.equal(code, 5);
  assert.match(stderr, /: node2 serves a client certificate of another CA than \S+ has\n/);
});

test("a member that does not answer on one of its URLs is named", async (t) => {
  const client = await proveWith(t, { silent: "client" });
  assert.equal(client.code, 5);
  assert.match(client.stderr, /: node2 does not answer on its client URL\n/);
  const peer = await proveWith(t, { silent: "peer" });
  assert.equal(peer.code, 5);
  assert.match(peer.stderr, /: node2 does not answer on its peer URL\n/);
});

test("a slow disk is said, and does not fail the run", async (t) => {
  const { code, stdout, stderr } = await proveWith(t, {
    metrics: METRICS.replace('{le="0.004"} 995', '{le="0.004"} 989'),
  });
  assert.equal(code, 0);
  assert.equal(
    stderr,
    "etcd-host: a WAL fsync takes up to 8192 ms (p99 of the slowest member; etcd's guidance: 10 ms)\n",
  );
  assert.equal(proofIn(stdout).fsyncP99Ms, 8192);
});

test("metrics that are not there are null in the proof", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  const { stdout } = await cluster.host.shell(
    'work=$HOST_ROOT; members=a=b=c; : >"$work/client-a"; number "$(fsync_ms)"; number "$(round_trip_ms)"',
  );
  assert.equal(stdout, "null\nnull\n");
});
