// A drill: a snapshot is restored beside the member and asked, and nothing of it stays but what it said.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { drill, drillingHost, LAST, SNAPSHOTS } from "./drilling.ts";
import type { Host } from "./host.ts";
import { DATA } from "./member.ts";
import { withAge } from "./packing.ts";
import { sha256 as SHA256, SNAPSHOT } from "./staging.ts";
import { FakeStore } from "./stores.ts";

const PACKED = "20261127T060000Z-r63-3.6-node1.db.gz";
const OLDER = "20261127T030000Z-r60-3.6-node1.db.gz";
const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");
const packed = (host: Host) => gzipSync(fs.readFileSync(host.file(SNAPSHOTS, SNAPSHOT)));
function keep(host: Host, name = PACKED, content = packed(host)): void {
  host.write(`${SNAPSHOTS}/${name}`, content, 0o600);
  host.write(`${SNAPSHOTS}/${name}.sha256`, `${digest(content)}  ${name}\n`, 0o600);
}
const report = (snapshot: string) => `snapshot ${snapshot}
taken 2026-11-27T06:00:00Z
age 3600
fetch 0.0
revision 63
unpack 0.0
restore 0.0
start 0.0
keys 12
bytes 32800
hash 4711
ahead 42
result ok
`;
/** Whatever came of it, nothing that was laid out is left, and no etcd that was started. */
function isGone(host: Host): void {
  assert.ok(!host.exists(`${SNAPSHOTS}/.drill`) && !host.exists("etcd-runs"));
  assert.deepEqual(
    host.list("run/etcd-host").filter((name) => name.startsWith(".drill")),
    [],
  );
}

for (const shell of ["dash", "bash"] as const)
  test(`the newest that is kept here restores, starts and answers, and the member is not touched (${shell})`, async (t) => {
    const host = await drillingHost(t);
    keep(host, OLDER);
    keep(host);
    const before = host.snapshot();
    const { code, stdout, stderr } = await drill(host, [], { shell });
    assert.deepEqual([code, stdout], [0, report(PACKED)], stderr);
    assert.equal(host.read(LAST), `2026-11-27T07:00:00Z ok ${PACKED}\n`);
    isGone(host);
    fs.rmSync(host.file(LAST));
    const notes = ["apart-with", "etcd-with", "etcdutl-calls", "written"];
    const after = Object.entries(host.snapshot()).filter(([file]) => !notes.includes(file));
    assert.deepEqual(
      Object.fromEntries(after),
      Object.fromEntries(Object.entries(before).filter(([file]) => !notes.includes(file))),
    );
    assert.deepEqual(host.systemdCalls(), []);
  });

test("what starts has a network of its own, another token, a raised revision, and no way to the member's data", async (t) => {
  const host = await drillingHost(t);
  await drill(host, [`--snapshot=${SNAPSHOT}`]);
  const apart = host.read("apart-with").split("\n");
  for (const setting of [
    "PrivateNetwork=yes",
    `InaccessiblePaths=-${host.file(DATA)}`,
    "OOMScoreAdjust=1000",
  ])
    assert.ok(apart.includes(setting), setting);
  assert.match(
    host.read("etcdutl-calls"),
    / --initial-cluster-token=drill .* --bump-revision=1000000000 --mark-compacted/,
  );
  const etcd = host.read("etcd-with").split("\n");
  assert.ok(etcd.includes(`--data-dir=${host.file(SNAPSHOTS)}/.drill/data`), etcd.join());
  assert.ok(etcd.includes("--client-cert-auth=true") && !etcd.join().includes("192.0.2.11"), etcd.join());
});

test("facts say how the last one ended", async (t) => {
  const host = await drillingHost(t);
  assert.doesNotMatch((await host.run(["facts"])).stdout, /^drill/m);
  await drill(host, [`--snapshot=${SNAPSHOT}`]);
  assert.match(
    (await host.run(["facts"])).stdout,
    new RegExp(`^drill 2026-11-27T07:00:00Z ok ${SNAPSHOT}$`, "m"),
  );
});

test("as JSON it says the same", async (t) => {
  const host = await drillingHost(t);
  const { stdout } = await drill(host, [`--snapshot=${SNAPSHOT}`, "--json"]);
  assert.deepEqual(JSON.parse(stdout), {
    snapshot: SNAPSHOT,
    taken: "2026-11-27T06:00:00Z",
    age: 3600,
    fetch: 0,
    revision: 63,
    unpack: 0,
    restore: 0,
    start: 0,
    keys: 12,
    bytes: 32_800,
    hash: 4711,
    ahead: 42,
    result: "ok",
  });
});

test("with a store the newest one there is fetched, though one lies here, and compared with its sha256", async (t) => {
  const host = await drillingHost(t);
  const store = await FakeStore.start(t);
  store.configure(host);
  keep(host);
  const key = `etcd-1-0a1b2c/hourly/${PACKED}`;
  const content = packed(host);
  store.objects.set(`etcd/etcd-1-0a1b2c/daily/${OLDER}`, content);
  store.objects.set(`etcd/etcd-1-0a1b2c/daily/${OLDER}.sha256`, Buffer.from(`${digest(content)}  x\n`));
  store.objects.set(`etcd/${key}`, content);
  store.objects.set(`etcd/${key}.sha256`, Buffer.from(`${digest(content)}  ${PACKED}\n`));
  store.objects.set("etcd/etcd-1-0a1b2c/hourly/20261127T063000Z-r70-3.6-node1.db.gz", content); // not whole yet
  const { code, stdout, stderr } = await drill(host);
  assert.deepEqual([code, stdout], [0, report(key)], stderr);
  isGone(host);
  store.objects.set(`etcd/${key}.sha256`, Buffer.from(`${"0".repeat(64)}  ${PACKED}\n`));
  const other = await drill(host);
  assert.equal(other.code, 5);
  assert.match(
    other.stdout,
    /^result the snapshot \S+ does not hold: its sha256 is [0-9a-f]{64}, and was to be 0{64}$/m,
  );
  store.objects.delete(`etcd/${key}`);
  const gone = await drill(host, [`--snapshot=${key}`]);
  assert.equal(gone.code, 5);
  assert.match(
    gone.stdout,
    /^result the snapshot \S+ cannot be fetched: the store \S+ answers 404 NoSuchKey$/m,
  );
});

test("an encrypted one takes the key from stdin, and leaves it nowhere", async (t) => {
  const host = await drillingHost(t);
  withAge(host);
  const text = `age-encryption.org/v1\n-> age1them\n${packed(host).toString("base64")}\n`;
  keep(host, `${PACKED}.age`, Buffer.from(text));
  const without = await drill(host);
  assert.equal(without.code, 3);
  assert.match(without.stderr, /is encrypted, and no key came on stdin/);
  const { code, stdout, stderr } = await drill(host, [], { stdin: "age1them\n" });
  assert.deepEqual([code, stdout], [0, report(`${PACKED}.age`)], stderr);
  isGone(host);
  const wrong = await drill(host, [], { stdin: "age1other\n" });
  assert.equal(wrong.code, 5);
  assert.match(wrong.stdout, /^result .*it cannot be decrypted: age: error: no identity matched/m);
});

for (const [what, spoil, sentence] of [
  [
    "it is not what a member sent",
    (host: Host) => fs.writeFileSync(host.file(SNAPSHOTS, SNAPSHOT), "x"),
    /is not what a member sent/,
  ],
  [
    "it is of another minor",
    (host: Host) => host.write("format", "3.5.0"),
    /is of etcd 3\.5, and here is 3\.6\.14: a restore of it takes a version 3\.5\.x/,
  ],
  [
    "it cannot be laid out",
    (host: Host) => host.write("broken", ""),
    /cannot be restored: Error: no space left on device/,
  ],
  [
    "no member starts from it",
    (host: Host) => host.write("refused-start", ""),
    /does not start: fatal: discovery failed: no space left/,
  ],
  [
    "its revision has not gone up",
    (host: Host) => host.write("revision", "63"),
    /is at revision 63, and was to be at 1000000063/,
  ],
  [
    "nothing can be written",
    (host: Host) => host.write("no-writes", ""),
    /takes no write: Error: etcdserver: mvcc: database space exceeded/,
  ],
] as const)
  test(`it does not hold, and says why: ${what}`, async (t) => {
    const host = await drillingHost(t);
    spoil(host);
    const { code, stdout } = await drill(host, [`--snapshot=${SNAPSHOT}`]);
    assert.equal(code, 5);
    const [, result = ""] = /^result (.*)$/m.exec(stdout) ?? [];
    assert.match(result, sentence);
    assert.equal(host.read(LAST), `2026-11-27T07:00:00Z failed ${SNAPSHOT} ${result}\n`);
    isGone(host);
  });

test("who may not ask a cluster with authentication is told so, and nothing is waited for", async (t) => {
  const host = await drillingHost(t);
  host.write("no-access", "");
  const { code, stdout } = await drill(host, [`--snapshot=${SNAPSHOT}`]);
  assert.equal(code, 5);
  assert.match(stdout, /^result .* starts, and answers nobody here: etcd's authentication is on, /m);
  isGone(host);
});

test("another file than was said does not hold, and its own part runs by itself nowhere", async (t) => {
  const host = await drillingHost(t);
  const other = "0".repeat(64);
  const { code, stdout } = await drill(host, [`--snapshot=${SNAPSHOT}`, `--sha256=${other}`]);
  assert.equal(code, 5);
  assert.match(stdout, new RegExp(`^result .* its sha256 is ${SHA256}, and was to be ${other}$`, "m"));
  const options = ["--name=node1", "--version=3.6.14", `--snapshot=${SNAPSHOT}`, `--sha256=${SHA256}`];
  const alone = await host.run(["drill-apart", ...options]);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /drill-apart is a part of drill/);
  assert.ok(!host.exists("etcd-with"));
});

test("one that restores and is older than it may be is not good enough", async (t) => {
  const host = await drillingHost(t);
  keep(host, OLDER);
  const { code, stdout } = await drill(host);
  assert.equal(code, 5);
  assert.match(stdout, /^keys 12$/m);
  assert.match(stdout, /^result it restores, and is too old: 240 min, and 180 min are allowed$/m);
});

for (const [what, spoil, sentence, options] of [
  [
    "no snapshot at all",
    () => {},
    /there is no snapshot, neither on node1 nor in a store; etcd-host backup saves one/,
    [],
  ],
  [
    "one that is elsewhere",
    () => {},
    /node1 has no snapshot x\.db: 'npm run backups' says who has it/,
    ["--snapshot=x.db"],
  ],
  [
    "no room",
    (host: Host) => host.fake("df", 'echo head; echo "/dev/vda1 1 1 1400000"'),
    /node1 has 1367 MiB free in \S+; the drill needs 350 and leaves 1024 alone/,
    [`--snapshot=${SNAPSHOT}`],
  ],
  [
    "no network of its own",
    (host: Host) => host.write("without-networks", ""),
    /systemd on node1 makes no network of its own for a drill/,
    [`--snapshot=${SNAPSHOT}`],
  ],
] as const)
  test(`refused, and the last one stays the last: ${what}`, async (t) => {
    const host = await drillingHost(t);
    spoil(host);
    host.write(LAST, "before\n");
    const { code, stderr } = await drill(host, options);
    assert.equal(code, 3, stderr);
    assert.match(stderr, sentence);
    assert.equal(host.read(LAST), "before\n");
    assert.ok(!host.exists("etcd-with"));
    isGone(host);
  });

test("without a quorum it is not known how far the cluster is ahead, and the drill goes on", async (t) => {
  const host = await drillingHost(t);
  host.write("silent", "");
  const { code, stdout, stderr } = await drill(host, [`--snapshot=${SNAPSHOT}`, `--sha256=${SHA256}`]);
  assert.deepEqual([code, stdout], [0, report(SNAPSHOT).replace("ahead 42\n", "")], stderr);
  assert.match(stderr, /the cluster does not answer, so it is not known how much was written since/);
});

test("what a killed run left is ended and removed first", async (t) => {
  const host = await drillingHost(t);
  host.write(`${SNAPSHOTS}/.drill/data/member/x`, "left");
  const { code } = await drill(host, ["--snapshot=x.db"]);
  assert.equal(code, 3);
  assert.deepEqual(host.systemdCalls(), ["stop etcd-drill.service"]);
  isGone(host);
});
