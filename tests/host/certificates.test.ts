import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import fs from "node:fs";
import { test } from "node:test";
import { certificates, hasSet, hostWith, pki, preparedHost, runningHost, withLeaf } from "./certificates.ts";
import { ETCD_ID, type Host, permissions } from "./host.ts";
import { authorities, PKI_FILES, type Pki } from "./pki.ts";

test("the certificates are written with their modes and owners, and their digests are kept", async (t) => {
  const host = preparedHost(t);
  const { code, stdout, stderr } = await certificates(host, pki);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^wrote the certificates; server until \w{3} .* GMT\n$/);
  hasSet(host, pki);
  assert.equal(host.read("var/lib/etcd-host/owner-certificates"), "urn:certificates\n");
  const declared = host.read("var/lib/etcd-host/declared-certificates").trim().split("\n");
  assert.deepEqual(
    declared,
    PKI_FILES.map(
      (file) => `${createHash("sha256").update(pki[file]).digest("hex")}  ${host.file("etc/etcd/pki", file)}`,
    ),
  );
});

test("a key has its mode and owner before its first byte is written", async (t) => {
  const host = preparedHost(t);
  host.fake(
    "awk",
    'for key in "$HOST_ROOT"/etc/etcd/pki-new-*/*.key; do stat -c "%n %s %a %U:%G" "$key"; done >>"$HOST_ROOT/seen"; exec /usr/bin/awk "$@"',
  );
  assert.equal((await certificates(host, pki)).code, 0);
  const seen = host
    .read("seen")
    .trim()
    .split("\n")
    .slice(0, 3)
    .map((line) => line.replace(/^.*\//, ""));
  assert.deepEqual(seen, [
    "operator.key 0 600 root:root",
    "peer.key 0 640 root:etcd",
    "server.key 0 640 root:etcd",
  ]);
});

test("the same certificates again change nothing", async (t) => {
  const host = preparedHost(t);
  await certificates(host, pki);
  const before = host.snapshot();
  const { code, stdout } = await certificates(host, pki);
  assert.deepEqual([code, stdout], [0, "the certificates are in place\n"]);
  assert.deepEqual(host.snapshot(), before);
});

test("a mode that somebody changed is put right", async (t) => {
  const host = hostWith(t, pki);
  fs.chmodSync(host.file("etc/etcd/pki/server.key"), 0o644);
  assert.equal((await certificates(host, pki)).code, 0);
  assert.equal(permissions(host.file("etc/etcd/pki/server.key")), `640 0:${ETCD_ID}`);
  assert.equal(host.list("etc/etcd").length, 2);
});

test("a renewed leaf is swapped in by one rename of the link, and the old set goes", async (t) => {
  const host = hostWith(t, pki);
  const old = fs.readlinkSync(host.file("etc/etcd/pki"));
  host.write("etc/etcd/pki-new-killed/server.key", "of a run that was killed");
  host.fake("mv", '[ "$1" != -T ] || ls -l "$HOST_ROOT/etc/etcd" >"$HOST_ROOT/seen"; exec /bin/mv "$@"');
  const server = authorities.client.issue("node1");
  const renewed = { ...pki, "server.crt": server.certificate, "server.key": server.key };
  assert.equal((await certificates(host, renewed)).code, 0);
  hasSet(host, renewed);
  const next = fs.readlinkSync(host.file("etc/etcd/pki"));
  const seen = host.read("seen");
  assert.notEqual(next, old);
  assert.match(seen, new RegExp(`\\bpki -> ${old}$`, "m"), "until then the old set is whole and in use");
  assert.match(seen, new RegExp(` ${next}$`, "m"));
});

test("a set is on the disk and has its label before it is used", async (t) => {
  const host = preparedHost(t);
  const note = (what: string) =>
    `echo "${what} $(ls "$HOST_ROOT/etc/etcd" | tr -d 0-9a-f)" >>"$HOST_ROOT/seen"`;
  host.fake("restorecon", `case $2 in */etc/etcd/pki-*) ${note("label")} ;; esac`);
  host.fake("sync", `[ "$1" != -f ] || ${note("sync")}`);
  assert.equal((await certificates(host, pki)).code, 0);
  assert.equal(host.read("seen"), "label pki-\nsync pki-\n");
});

test("beside a running member a new leaf is used only once it has settled; before the first start nobody waits", async (t) => {
  const fresh = withLeaf("peer", authorities.peer, { from: 0 });
  const start = new X509Certificate(fresh["peer.crt"]).validFromDate.getTime() / 1000;
  const write = (host: Host, sent: Pki) => certificates(host, sent, {}, { CLOCK_AT: String(start + 2) });
  const stopped = preparedHost(t);
  assert.equal((await write(stopped, fresh)).code, 0);
  assert.equal(stopped.exists("sleeps"), false);
  const host = runningHost(t, pki);
  assert.equal((await write(host, fresh)).code, 0);
  assert.equal(host.read("sleeps"), "3\n");
  assert.equal((await write(host, pki)).code, 0);
  assert.equal(host.read("sleeps"), "3\n", "an old leaf is not waited for");
});

test("a step that was sent less than everything changes nothing", async (t) => {
  const host = hostWith(t, pki);
  const before = host.snapshot();
  for (const file of PKI_FILES) {
    const { [file]: _, ...rest } = pki;
    const { code, stderr } = await certificates(host, rest);
    assert.deepEqual([code, stderr], [1, `etcd-host: failed: the step sent no ${file}\n`]);
  }
  assert.deepEqual(host.snapshot(), before);
});

test("a file that nobody asked for is not written, wherever it points", async (t) => {
  const host = preparedHost(t);
  const stream = { "../../../evil": "x\n", "ca.key": "x\n", ...pki };
  assert.equal((await certificates(host, stream)).code, 0);
  hasSet(host, pki);
  assert.equal(host.exists("evil"), false);
});

test("a folder of certificates that is somebody else's is left alone", async (t) => {
  const host = preparedHost(t);
  host.write("etc/etcd/pki/ca.crt", "theirs");
  const before = host.snapshot();
  const { code, stderr } = await certificates(host, pki);
  assert.equal(code, 3);
  assert.match(stderr, /refused: \S+\/etc\/etcd\/pki is not from this program; move it away, then run again/);
  assert.deepEqual(host.snapshot(), before);
});
