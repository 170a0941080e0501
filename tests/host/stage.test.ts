// What a restore starts from is laid out beside the data, verified, while the member goes on.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { TOKENS } from "../unit/tokens.ts";
import { Host } from "./host.ts";
import { DATA } from "./member.ts";
import { PEER_URL, SNAPSHOT, STAGED, sha256, stage, stagingHost, TOKEN } from "./staging.ts";
import { FakeStore } from "./stores.ts";

const SAYS = /^staged 4711 63 12 20480 1000000000 none 0 [0-9a-f]{16}\n$/;

test("a host comes to the same token as the stack, and to the cluster's ID as etcd does", async (t) => {
  const host = Host.create(t);
  for (const { token, sha256: of, id, becomes } of TOKENS) {
    const { stdout } = await host.shell(`restored_token ${token} ${of} ${id}`);
    assert.equal(stdout, `${becomes}\n`);
  }
  const urls = [1, 2, 3].map((n) => `node${n}=https://192.168.1.10${n}:2380`).join();
  const { stdout } = await host.shell(`cluster_id_of etcd-cluster-1-89abcdef ${urls}`);
  assert.equal(stdout, "764d967c0b6a7ddc\n"); // as etcd 3.6.14 said of a snapshot that etcdutl had restored with them
});

test("it is laid out whole beside the data, for this member of the new cluster, and nothing is stopped", async (t) => {
  const host = await stagingHost(t);
  const { code, stdout, stderr } = await stage(host);
  assert.equal(code, 0, stderr);
  assert.match(stdout, SAYS);
  assert.equal(host.read(`${STAGED}/member/wal/restored.wal`), "restored\n");
  assert.deepEqual(host.systemdCalls(), []);
  assert.ok(!host.exists(`${STAGED}.part`));
  const restore = host
    .read("etcdutl-calls")
    .split("\n")
    .find((line) => line.startsWith("snapshot restore"));
  for (const option of [
    "--name=node1",
    `--initial-cluster-token=${TOKEN}`,
    `--initial-advertise-peer-urls=${PEER_URL}`,
    "--bump-revision=1000000000",
    "--mark-compacted",
  ])
    assert.ok(restore?.includes(` ${option}`), option);
  assert.equal(fs.statSync(host.file(`${STAGED}/member/wal`)).mode & 0o77, 0);
});

test("a packed snapshot is unpacked on the way, and nothing but what the member starts from stays", async (t) => {
  const host = await stagingHost(t);
  const packed = gzipSync(fs.readFileSync(host.file("var/lib/etcd-host/snapshots", SNAPSHOT)));
  const name = "20261127T060000Z-r63-3.6-node2.db.gz";
  host.write(`var/lib/etcd-host/snapshots/${name}`, packed);
  const digest = createHash("sha256").update(packed).digest("hex");
  const { code, stdout, stderr } = await stage(host, {
    snapshot: `etcd-1-0a1b2c3d/hourly/${name}`,
    sha256: digest,
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, SAYS);
  assert.equal(
    createHash("sha256")
      .update(fs.readFileSync(host.file(`${STAGED}/member/snap/db`)))
      .digest("hex"),
    sha256,
  );
  assert.ok(!host.exists(`${STAGED}.part`));
});

test("again it is the same, without any work; a copy for another restore goes, and so does half of one", async (t) => {
  const host = await stagingHost(t);
  host.write(`${DATA}.staged-etcd-1-00000000/member/x`, "old");
  host.write(`${STAGED}.part/data/member/x`, "half");
  await stage(host);
  assert.ok(!host.exists(`${DATA}.staged-etcd-1-00000000`));
  host.write("etcdutl-calls", "");
  assert.match((await stage(host)).stdout, SAYS);
  assert.equal(host.read("etcdutl-calls"), "");
});

for (const [what, spoil, sentence] of [
  [
    "another file than the one that was approved",
    () => ({ sha256: "0".repeat(64) }),
    `node1 could not verify the snapshot ${SNAPSHOT}: its sha256 is ${sha256}, approved was ${"0".repeat(64)}; nothing was stopped`,
  ],
  [
    "a file that is nowhere",
    () => ({ snapshot: "20261127T060000Z-r63-3.6-node2.db.gz" }),
    /node1 has no snapshot 20261127T060000Z-r63-3.6-node2.db.gz: there is no \S+, and no store to ask for it \(etcd:backup.store\). Copy it to every host \(npm run copy-snapshot -- \S+\), then run again; nothing was stopped/,
  ],
  [
    "a snapshot of another minor",
    (host: Host) => host.write("format", "3.5.0"),
    /is of etcd 3.5, and declared is 3.6.14; restore it with a version 3.5.x, then change the version in an up of its own; nothing was stopped/,
  ],
] as const)
  test(`refused before anything stops: ${what}`, async (t) => {
    const host = await stagingHost(t);
    const { code, stderr } = await stage(host, spoil(host) ?? {});
    assert.equal(code, 3);
    if (typeof sentence === "string") assert.equal(stderr, `etcd-host: refused: ${sentence}\n`);
    else assert.match(stderr, sentence);
    assert.ok(!host.exists(STAGED) && !host.exists(`${STAGED}.part`));
    assert.deepEqual(host.systemdCalls(), []);
  });

test("without room for both, or cut off in the middle, nothing is laid out that looks whole", async (t) => {
  const host = await stagingHost(t);
  host.fake("df", 'echo "Filesystem 1024-blocks Used Available"; echo "/dev/vda1 1 1 1000000"');
  const full = await stage(host);
  assert.equal(full.code, 3);
  assert.match(
    full.stderr,
    /node1 has 976 MiB free for \S+; the snapshot needs \d+ to be laid out and leaves 1024 alone, since the old data stays/,
  );
  host.fake("df", 'echo "Filesystem 1024-blocks Used Available"; echo "/dev/vda1 1 1 30000000"');
  host.write("broken", "");
  const broken = await stage(host);
  assert.equal(broken.code, 1);
  assert.match(
    broken.stderr,
    /node1 could not restore the snapshot: Error: no space left on device; nothing was stopped/,
  );
  assert.ok(!host.exists(STAGED));
});

test("a snapshot with authentication on is found out here, where this host could not ask the restored cluster", async (t) => {
  const host = await stagingHost(t);
  host.write(
    `var/lib/etcd-host/snapshots/auth.db`,
    Buffer.concat([Buffer.from("authEnabled\u0001"), Buffer.alloc(500)]),
  );
  const whole = host.file("var/lib/etcd-host/snapshots/auth.db");
  fs.appendFileSync(whole, createHash("sha256").update(fs.readFileSync(whole)).digest());
  const digest = createHash("sha256").update(fs.readFileSync(whole)).digest("hex");
  const { code, stderr } = await stage(host, { snapshot: "auth.db", sha256: digest });
  assert.equal(code, 3, stderr);
  assert.match(stderr, /authentication is on in the snapshot, and etcd:rbac is not set/);
});

test("with another list of members, or another bump, it is laid out anew, and says of which cluster", async (t) => {
  const host = await stagingHost(t);
  const { stdout: first } = await stage(host);
  const members = `node1=${PEER_URL},node2=https://192.168.1.202:2380`;
  const { stdout: moved } = await stage(host, { "initial-cluster": members });
  assert.match(moved, SAYS);
  assert.notEqual(moved, first);
  const { stdout: raised } = await stage(host, { "initial-cluster": members, "bump-revision": "2000000000" });
  assert.match(raised, / 2000000000 none 0 /);
  const restores = host.read("etcdutl-calls").match(/^snapshot restore.*$/gm) ?? [];
  assert.equal(restores.length, 3);
  assert.match(String(restores[2]), /--bump-revision=2000000000/);
});

test("a snapshot that is not of the revision in its name is refused", async (t) => {
  const host = await stagingHost(t);
  const packed = gzipSync(fs.readFileSync(host.file("var/lib/etcd-host/snapshots", SNAPSHOT)));
  const name = "20261127T060000Z-r999-3.6-node2.db.gz";
  host.write(`var/lib/etcd-host/snapshots/${name}`, packed);
  const digest = createHash("sha256").update(packed).digest("hex");
  const { code, stderr } = await stage(host, { snapshot: name, sha256: digest });
  assert.equal(code, 3);
  assert.match(stderr, /is of revision 63, which is not what its name says; nothing was stopped/);
});

test("a new machine is told of the store, and has the snapshot from there", async (t) => {
  const host = await stagingHost(t);
  const store = await FakeStore.start(t);
  const packed = gzipSync(fs.readFileSync(host.file("var/lib/etcd-host/snapshots", SNAPSHOT)));
  fs.rmSync(host.file("var/lib/etcd-host/snapshots", SNAPSHOT));
  const name = "etcd-1-0a1b2c3d/hourly/20261127T060000Z-r63-3.6-node2.db.gz";
  store.objects.set(`etcd/${name}`, packed);
  const digest = createHash("sha256").update(packed).digest("hex");
  const told = { store: store.url, "store-prefix": "etcd", "store-region": "eu-central-1" };
  const stdin = "== identity\nAGE-SECRET-KEY-1\n== store.key\nKEYID:SECRET\n";
  const { code, stdout, stderr } = await stage(host, { snapshot: name, sha256: digest, ...told }, stdin);
  assert.equal(code, 0, stderr);
  assert.match(stdout, SAYS);
  assert.ok(!host.exists("etc/etcd/store.curlrc"), "its timers are told by their own step");
});

test("by hand the token, the peers and this member come from what the host was told last", async (t) => {
  const host = await stagingHost(t);
  const { code, stderr } = await host.run(["stage", SNAPSHOT]);
  assert.equal(code, 0, stderr);
  const [, token = ""] =
    /the cluster etcd-1-0a1b2c becomes (etcd-1-[0-9a-f]{8}), with node1=/.exec(stderr) ?? [];
  assert.ok(host.exists(`${DATA}.staged-${token}/member`), stderr);
  assert.ok(stderr.includes(`etcd:restore: {snapshot: ${SNAPSHOT}, sha256: ${sha256}, id: 1}`));
  const again = await host.run(["stage", SNAPSHOT]);
  assert.ok(again.stderr.includes(`becomes ${token}`), again.stderr);
});
