import assert from "node:assert/strict";
import { test } from "node:test";
import { certificates, hasSet, hostWith, pki, preparedHost, runningHost, withLeaf } from "./certificates.ts";
import type { Host } from "./host.ts";
import { setState } from "./member.ts";
import { ADDRESS, Authority, authorities, type Pki } from "./pki.ts";

/** Certificates that must not reach etcd: the sentence, and a host that keeps what it has. */
async function isRefused(
  host: Host,
  sent: Partial<Pki>,
  sentence: RegExp,
  changed = {},
  env = {},
): Promise<void> {
  const before = host.snapshot();
  const { code, stderr } = await certificates(host, sent, changed, env);
  assert.equal(code, 3, stderr);
  assert.match(stderr, sentence);
  assert.match(stderr, /keeps the certificates it has\n$/);
  assert.deepEqual(host.snapshot(), before);
}

test("a leaf that is not signed by its CA bundle is refused", async (t) => {
  const host = hostWith(t, pki);
  const sentence = (leaf: string) =>
    new RegExp(`refused: the ${leaf} certificate for node1 is not signed by the CA bundle, or has expired:`);
  await isRefused(host, withLeaf("server", authorities.peer), sentence("server"));
  await isRefused(host, withLeaf("peer", authorities.client), sentence("peer"));
  await isRefused(host, withLeaf("operator", new Authority("client CA")), sentence("operator"));
});

test("an expired leaf is refused", async (t) => {
  const host = hostWith(t, pki);
  await isRefused(
    host,
    withLeaf("peer", authorities.peer, { from: -7200, until: -3600 }),
    /the peer certificate for node1 .* has expired/,
  );
});

test("a leaf with another key is refused", async (t) => {
  const host = hostWith(t, pki);
  for (const leaf of ["server", "peer", "operator"] as const) {
    const key = leaf === "server" ? pki["peer.key"] : pki["server.key"];
    await isRefused(
      host,
      { ...pki, [`${leaf}.key`]: key },
      new RegExp(`the ${leaf} certificate for node1 does not belong to its key`),
    );
  }
});

test("a leaf that does not name the host, or loopback where etcd is asked there, is refused", async (t) => {
  const host = preparedHost(t);
  const other = { names: "IP:192.0.2.12,IP:127.0.0.1" };
  await isRefused(
    host,
    withLeaf("server", authorities.client, other),
    /the server certificate for node1 does not name 192\.0\.2\.11/,
  );
  await isRefused(
    host,
    withLeaf("peer", authorities.peer, other),
    /the peer certificate for node1 does not name 192\.0\.2\.11/,
  );
  await isRefused(
    host,
    withLeaf("server", authorities.client, { names: `IP:${ADDRESS}` }),
    /the server certificate for node1 does not name 127\.0\.0\.1/,
  );
  assert.equal(
    (await certificates(host, withLeaf("peer", authorities.peer, { names: `IP:${ADDRESS}` }))).code,
    0,
  );
});

test("IPv6 addresses and host names are found in a leaf", async (t) => {
  for (const [address, name] of [
    ["2001:db8::11", "IP:2001:db8::11"],
    ["etcd1.example.com", "DNS:etcd1.example.com"],
  ] as const) {
    const host = preparedHost(t);
    const names = { names: `${name},IP:127.0.0.1` };
    const server = authorities.client.issue("node1", names);
    const peer = authorities.peer.issue("node1", names);
    const sent = {
      ...pki,
      "server.crt": server.certificate,
      "server.key": server.key,
      "peer.crt": peer.certificate,
      "peer.key": peer.key,
    };
    assert.equal((await certificates(host, sent, { address })).code, 0);
    await isRefused(host, pki, new RegExp(`the server certificate for node1 does not name ${address}`), {
      address,
    });
  }
});

test("a leaf from the future means that the host's clock is behind: refused, with by how much", async (t) => {
  const host = preparedHost(t);
  await isRefused(
    host,
    withLeaf("server", authorities.client, { from: 3600 }),
    /the clock of this host is 3[56]\d\d s behind a certificate's start \(limit: 5 s\); set its clock \(time service: systemd-timesyncd\)/,
  );
  await isRefused(host, pki, /the clock of this host is \d+ s behind/, {}, { CLOCK_OFF: "-7200" });
});

test("while etcd runs, a leaf of a CA that it has not loaded is refused: trust comes first", async (t) => {
  const host = runningHost(t, pki);
  const next = new Authority("next client CA");
  const bundle = `${pki["client-ca.crt"]}${next.certificate}`;
  const trusting = { ...pki, "client-ca.crt": bundle };
  const server = next.issue("node1");
  const issued = { ...trusting, "server.crt": server.certificate, "server.key": server.key };
  await isRefused(
    host,
    issued,
    /the server certificate for node1 is signed by a CA that the running etcd has not loaded; a CA with another key has to be trusted by all members first/,
  );
  const stopped = runningHost(t, pki);
  setState(stopped, "failed", "failed", 0);
  assert.equal(
    (await certificates(stopped, issued)).code,
    0,
    "an etcd that does not run loads them at its start",
  );
  assert.equal((await certificates(host, trusting)).code, 0);
  await isRefused(host, issued, /has not loaded/);
  host.write("run/etcd-host/started/client-ca.crt", bundle);
  assert.equal((await certificates(host, issued)).code, 0);
  hasSet(host, issued);
});
