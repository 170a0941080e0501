// Snapshots: whole or not at all, where the stack says, and the newest of them kept.
import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import type { FakeCluster } from "./cluster.ts";
import { FAKES, Host, permissions } from "./host.ts";
import { roll, rollingCluster } from "./rolling.ts";
import { sent } from "./sent.ts";

const MIB = 1024 ** 2;
const SNAPSHOTS = "var/lib/etcd-host/snapshots";

/** A cluster one minor below the declared one: its step saves a snapshot first. */
async function olderCluster(t: TestContext): Promise<FakeCluster> {
  const cluster = await rollingCluster(t, () => ({ clusterVersion: () => "3.5.0" }));
  for (const member of cluster.members) member.version = "3.5.33";
  cluster.answer();
  cluster.host.binary("etcdutl", "#!/bin/sh\n");
  return cluster;
}

const flipped = (whole: Buffer, at: number) => {
  const copy = Buffer.from(whole);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

for (const shell of ["dash", "bash"] as const)
  test(`a snapshot is what etcd sent, to the byte (${shell})`, async (t) => {
    const host = Host.create(t);
    const whole = sent();
    const files: Readonly<Record<string, Buffer>> = {
      whole,
      "one bit of a value flipped": flipped(whole, 12_345),
      "one bit of the digest flipped": flipped(whole, whole.length - 1),
      "the last 8 KiB cut off": whole.subarray(0, whole.length - 8192),
      "the digest cut off": whole.subarray(0, whole.length - 32),
      "cut in the middle of a page": whole.subarray(0, 1000),
      "longer than it was": Buffer.concat([whole, Buffer.alloc(512)]),
      empty: Buffer.alloc(0),
    };
    for (const [title, content] of Object.entries(files)) {
      host.write("snapshot", content);
      const { stdout } = await host.shell('is_whole "$HOST_ROOT/snapshot" && echo whole', [], { shell });
      assert.equal(stdout, title === "whole" ? "whole\n" : "", title);
    }
  });

test("one that arrives damaged has no name that anybody would restore, and no member is restarted", async (t) => {
  const { host } = await olderCluster(t);
  const whole = sent();
  for (const damaged of [flipped(whole, 4711), whole.subarray(0, whole.length - 8192)]) {
    host.write("damaged", damaged);
    host.write("answers/after-save", 'cp ../damaged "$3"');
    const { code, stderr } = await roll(host);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /failed: the snapshot before the change of the minor is not what the member sent: its sha256 differs; nothing was changed, run again\n$/,
    );
    assert.deepEqual(host.list(SNAPSHOTS), []);
    assert.deepEqual(host.systemdCalls(), []);
  }
});

test("saving has the time, and needs the room, that the database asks for", async (t) => {
  const { host } = await olderCluster(t);
  const large = `"DBSize" : ${6144 * MIB}`;
  host.write("answers/status", host.read("answers/status").replaceAll('"DBSize" : 20480', large));
  const full = await roll(host, {}, { env: { DISK_FREE_KIB: String(6343 * 1024) } });
  assert.equal(full.code, 3);
  assert.match(full.stderr, /needs 6344 MiB in \S+\/snapshots, and 6343 MiB are free; free some, then run/);
  assert.equal((await roll(host)).code, 0);
  assert.match(host.read("asked"), / --command-timeout=1836s snapshot save /);
});

test("they lie where the stack says, with the mode that the folder there has", async (t) => {
  const { host } = await olderCluster(t);
  const mark = host.read("var/lib/etcd-host/mark");
  host.write("var/lib/etcd-host/mark", `${mark}snapshots=${host.file("mnt/backups")}\n`);
  fs.mkdirSync(host.file("mnt/backups"), { recursive: true, mode: 0o755 });
  host.fake("df", `echo "$*" >>"$HOST_ROOT/measured"; exec ${FAKES}/df "$@"`);
  const { code, stderr } = await roll(host);
  assert.equal(code, 0, stderr);
  const [name = ""] = host.list("mnt/backups");
  assert.match(name, /^etcd-3\.5-\w+-node1\.db$/);
  assert.equal(permissions(host.file("mnt/backups", name)), "600 0:0");
  assert.equal(permissions(host.file("mnt/backups")), "755 0:0");
  assert.match(host.read("measured"), new RegExp(`^-Pk ${host.file("mnt/backups")}$`, "m"));
  assert.equal(host.exists(SNAPSHOTS), false);
});

test("the newest five are kept; what the program has not saved and verified is never touched", async (t) => {
  const { host } = await rollingCluster(t);
  const somebodys = ["etcd-3.5-20250101T000000Z.db", "mine.db"];
  for (const name of somebodys) host.write(`${SNAPSHOTS}/${name}`, "somebody's");
  const saved = (n: number) => `${SNAPSHOTS}/etcd-3.5-2026010${n}T000000Z-node1.db`;
  for (let n = 1; n <= 8; n++) {
    host.write(saved(n), "a snapshot");
    if (n === 7) fs.rmSync(host.file(saved(6))); // an operator moved it: it counts no more
    const { code, stderr } = await host.shell(
      `work=$HOST_ROOT/work; mkdir -p "$work"; prune_snapshots '${host.file(saved(n))}'`,
    );
    assert.deepEqual([code, stderr === ""], [0, n <= 5 || n === 7], stderr);
  }
  const kept = [3, 4, 5, 7, 8].map((n) => saved(n).slice(SNAPSHOTS.length + 1));
  assert.deepEqual(host.list(SNAPSHOTS), [...somebodys, ...kept].sort());
});

test("a snapshot for the workstation goes to stdout, of the healthy member, and nothing of it stays", async (t) => {
  const cluster = await olderCluster(t);
  const { host } = cluster;
  const { code, stdout, stderr } = await host.run(["send-snapshot"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^ +a snapshot/);
  assert.deepEqual(host.list(SNAPSHOTS), []);
  assert.match(host.read("asked"), /--endpoints=https:\/\/127\.0\.0\.1:2379 .* snapshot save /);
  assert.equal((await host.run(["send-snapshot", "--endpoints=https://192.0.2.12:2379"])).code, 1);
  assert.match(host.read("asked"), /--endpoints=https:\/\/192\.0\.2\.12:2379 endpoint status -w fields\n$/);
});

test("without a healthy member it is refused, and says how to take it of one all the same", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("answers/silent", "");
  const { code, stdout, stderr } = await host.run(["send-snapshot"]);
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(
    stderr,
    /refused: no member is healthy, so a snapshot may lack the last writes; add --endpoints=URL/,
  );
});

test("a snapshot is not read by an etcdutl that no declared archive had", async (t) => {
  const cluster = await olderCluster(t);
  const { host } = cluster;
  const theirs = '#!/bin/sh\n: >"$HOST_ROOT/ran"\n';
  host.write("opt/etcd/3.6.14/etcdutl", theirs, 0o755);
  host.write("usr/local/bin/etcdutl", theirs, 0o755);
  const { code, stderr } = await host.shell("work=$RUN_DIR; query_cluster; save_snapshot 3.5", []);
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /the snapshot before the change of the minor cannot be checked: no etcdutl on this host is what was installed/,
  );
  assert.equal(host.exists("ran"), false);
});
