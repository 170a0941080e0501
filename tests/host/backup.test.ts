// One snapshot: verified, packed, kept and stored, or it is said by name why not, and nothing is kept as good.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  ago,
  backedUp,
  backup,
  packedName,
  SNAPSHOTS,
  STATE,
  takenByOther,
  withStore,
} from "./backing-up.ts";
import { changesAsked } from "./cluster.ts";
import type { Host } from "./host.ts";

const snapshots = (host: Host) => (host.exists(SNAPSHOTS) ? host.list(SNAPSHOTS) : []);
const recordIn = (host: Host) => /^etcd-host\/backup (.*)$/m.exec(host.read("answers/keys"))?.[1]?.split(" ");
const refusal = (host: Host) =>
  host
    .read(`${STATE}/backup-error`)
    .trim()
    .replace(/^\S+Z /, "");

test("what is kept is what etcd sent, with its digest, and nothing in clear or unfinished beside it", async (t) => {
  const { host } = await backedUp(t);
  const { code, stderr } = await backup(host);
  assert.equal(code, 0, stderr);
  const [name = "", digestFile] = snapshots(host);
  assert.match(name, packedName);
  assert.match(name, /-r123456-3\.6-/);
  assert.deepEqual(snapshots(host), [name, `${name}.sha256`]);
  const packed = fs.readFileSync(host.file(SNAPSHOTS, name));
  const digest = createHash("sha256").update(packed).digest("hex");
  assert.equal(host.read(`${SNAPSHOTS}/${digestFile}`), `${digest}  ${name}\n`);
  assert.match(gunzipSync(packed).subarray(0, 512).toString(), /^ +a snapshot$/);
  assert.equal(
    host.read(`${STATE}/last-backup`),
    `${name.slice(0, 16)} 123456 ${packed.length} ${digest} ${name} node1 here\n`,
  );
  assert.deepEqual(changesAsked(host).length, 1, "nothing is recorded, and no turn is taken");
  const { stdout } = await host.run(["snapshots"]);
  assert.equal(stdout, `here ${name} ${packed.length} ${digest}\n`);
});

test("encrypted it is, and what was in clear is gone", async (t) => {
  const { host } = await backedUp(t, { recipients: "age1us,age1them" });
  assert.equal((await backup(host)).code, 0);
  const [name = ""] = snapshots(host);
  assert.match(name, /\.db\.gz\.age$/);
  assert.match(host.read(`${SNAPSHOTS}/${name}`), /^age-encryption\.org\/v1\n-> age1us age1them\n/);
  assert.deepEqual(snapshots(host), [name, `${name}.sha256`]);
});

for (const [title, arrange, expected] of [
  [
    "a byte flipped on the way",
    (host: Host) => host.write("answers/after-save", 'sed -i "s/a snapshot/A snapshot/" "$3"'),
    /^the snapshot for the backup is not what the member sent: its sha256 differs/,
  ],
  [
    "cut off on the way",
    (host: Host) => host.write("answers/after-save", 'head -c 300 "$3" >"$3.cut"; mv "$3.cut" "$3"'),
    /^the snapshot for the backup is not what the member sent/,
  ],
  [
    "a database that cannot be read",
    (host: Host) => host.write("answers/unreadable", ""),
    /^the snapshot for the backup cannot be read back: Error: snapshot file integrity check failed/,
  ],
  [
    "an older revision than the cluster had agreed on",
    (host: Host) => host.write("answers/agreed", "200000"),
    /^the snapshot is of revision 123456, and the cluster was at 200000 before: it is not kept$/,
  ],
  [
    "etcd that does not run",
    (host: Host) => host.write("systemd/properties", "ActiveState=inactive\nSubState=dead\nMainPID=0\n"),
    /^etcd does not run on node1, so there is nothing to save/,
  ],
  [
    "a disk that fills up",
    (host: Host) => host.fake("gzip", "echo 'gzip: stdout: No space left on device' >&2; exit 1"),
    /^the snapshot cannot be packed: gzip: stdout: No space left on device$/,
  ],
] as const)
  test(`${title}: named, remembered, and nothing is kept`, async (t) => {
    const { host } = await backedUp(t);
    arrange(host);
    const { code, stderr } = await backup(host);
    assert.equal(code, 1, stderr);
    assert.match(refusal(host), expected);
    assert.deepEqual(snapshots(host), []);
    assert.match((await host.run(["facts"])).stdout, /^backup-error \d{4}-\S+Z \w/m);
  });

test("the newest are kept, as many as are asked for; what has another name is somebody else's", async (t) => {
  const { host } = await backedUp(t, { keep: "2" });
  for (const name of ["etcd-3.5-20260101T000000Z-node1.db", "mine.db.gz"])
    host.write(`${SNAPSHOTS}/${name}`, "x");
  for (let n = 1; n <= 4; n++)
    for (const ending of ["", ".sha256"])
      host.write(`${SNAPSHOTS}/2026010${n}T060000Z-r${n}-3.6-node1.db.gz${ending}`, "x");
  assert.equal((await backup(host)).code, 0);
  const kept = snapshots(host).filter((name) => !name.endsWith(".sha256"));
  assert.deepEqual(kept.slice(0, 1), ["20260104T060000Z-r4-3.6-node1.db.gz"]);
  assert.match(kept[1] ?? "", packedName);
  assert.deepEqual(kept.slice(2), ["etcd-3.5-20260101T000000Z-node1.db", "mine.db.gz"]);
});

test("into the store, and then into the record; the first of a day apart", async (t) => {
  const { host, store } = await withStore(t);
  assert.equal((await backup(host, "--by-timer")).code, 0);
  const [name = ""] = snapshots(host);
  const key = `token-1/daily/${name}`;
  assert.deepEqual([...store.objects.keys()], [`etcd/${key}`, `etcd/${key}.sha256`]);
  assert.deepEqual(store.objects.get(`etcd/${key}`), fs.readFileSync(host.file(SNAPSHOTS, name)));
  const [time, revision, , digest, recorded, member] = recordIn(host) ?? [];
  assert.deepEqual([time, revision, recorded, member], [name.slice(0, 16), "123456", key, "node1"]);
  assert.deepEqual(
    changesAsked(host).map((change) => change.split(" ")[0]),
    ["lock", "snapshot", "put", "lock"],
  );
  const again = await backup(host);
  assert.equal(again.code, 0, again.stderr);
  assert.match([...store.objects.keys()][2] ?? "", /^etcd\/token-1\/hourly\//);
  const listed = await host.run(["snapshots", "--stored"]);
  assert.match(listed.stdout, new RegExp(`^store ${key} \\d+ ${digest}$`, "m"));
});

for (const [title, seconds, taken] of [
  ["younger than nine tenths of the interval: nothing to do", 2000, false],
  ["older: a snapshot is taken", 3300, true],
  ["of a clock that is far ahead: a snapshot is taken", -1200, true],
] as const)
  test(`the last backup of any member is ${title}`, async (t) => {
    const { host, store } = await withStore(t);
    const record = ago(seconds);
    takenByOther(host, store, record);
    const { code, stdout } = await backup(host, "--by-timer");
    assert.equal(code, 0);
    assert.equal(store.objects.size > 1, taken);
    assert.equal(stdout, taken ? "" : `the last backup is of ${record}: nothing to do\n`);
    const facts = await host.run(["facts"]);
    if (!taken) assert.match(host.read(`${STATE}/last-backup`), / node2 store\n$/);
    if (!taken) assert.match(facts.stdout, /^backup \d{4}-\d\d-\d\dT\S+Z 1 1 store node2$/m);
  });

test("without a store each member takes its own, by its own last one", async (t) => {
  const { host } = await backedUp(t);
  assert.equal((await backup(host)).code, 0);
  assert.match((await backup(host, "--by-timer")).stdout, /^the last backup is of \S+: nothing to do\n$/);
  assert.match((await backup(host, "--if-older=3600")).stdout, /nothing to do/);
  assert.equal(snapshots(host).length, 2);
  assert.match(
    (await host.run(["facts"])).stdout,
    /^backup-every 3600 10800 \d{4}-\S+Z\nbackup \d{4}-\S+Z 123456 \d+ here node1$/m,
  );
});

test("while another member has the turn, it waits; then it has nothing to do", async (t) => {
  const { host, store } = await withStore(t);
  host.write("answers/lock-held", "");
  const running = host.shell("cmd_backup", ["--by-timer"], {
    env: { DISK_FREE_KIB: String(8 * 1024 ** 2) },
  });
  while (!host.exists("asked") || !host.read("asked").includes(" lock --ttl=15 etcd-host/backup-turn "))
    await new Promise((resolve) => setTimeout(resolve, 20));
  takenByOther(host, store, ago(5));
  fs.rmSync(host.file("answers/lock-held"));
  const { code, stdout } = await running;
  assert.equal(code, 0);
  assert.match(stdout, /nothing to do/);
  assert.equal(store.objects.size, 1);
});

test("whoever waits too long for the turn ends without a fault", async (t) => {
  const { host } = await withStore(t);
  host.write("answers/lock-held", "");
  const { code, stderr } = await host.shell(
    'sed -i "s/^interval=.*/interval=0/" "$STATE_DIR/upkeep"; cmd_backup',
    [],
  );
  assert.equal(code, 4, stderr);
  assert.equal(host.exists(`${STATE}/backup-error`), false);
  fs.rmSync(host.file("answers/lock-held"));
});

for (const [title, arrange, expected] of [
  [
    "wrong secret",
    (store: { refusals: object }) => Object.assign(store.refusals, { PUT: [403, "SignatureDoesNotMatch"] }),
    /answers 403 SignatureDoesNotMatch; correct etcd:backupAccessKey/,
  ],
  [
    "bucket gone",
    (store: { refusals: object }) => Object.assign(store.refusals, { PUT: [404, "NoSuchBucket"] }),
    /answers 404 NoSuchBucket; correct etcd:backup\.store$/,
  ],
  [
    "wrong clock",
    (store: { refusals: object }) => Object.assign(store.refusals, { PUT: [403, "RequestTimeTooSkewed"] }),
    /RequestTimeTooSkewed; the clock of this host is wrong$/,
  ],
] as const)
  test(`the store refuses (${title}): the snapshot stays here, nothing is recorded, and it is said`, async (t) => {
    const { host, store } = await withStore(t);
    arrange(store);
    const { code } = await backup(host);
    assert.equal(code, 1);
    assert.match(refusal(host), new RegExp(`^the snapshot is in ${host.file(SNAPSHOTS)} only: the store `));
    assert.match(refusal(host), expected);
    assert.equal(recordIn(host), undefined);
    assert.equal(snapshots(host).length, 2);
    assert.match(host.read(`${STATE}/last-backup`), / here\n$/);
  });

test("without a quorum: no turn, no record, nothing in the store, and a snapshot that says so", async (t) => {
  const { host, store } = await withStore(t);
  host.write("answers/unanswered/get", "always\n");
  const noRead =
    'read_record() { agreed_revision="" last_time=""; echo "Error: context deadline exceeded" >"$work/record.log"; return 1; }';
  const { code, stderr } = await host.shell(`${noRead}\ncmd_backup`, ["--by-timer"], {
    env: { DISK_FREE_KIB: String(8 * 1024 ** 2) },
  });
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /the cluster does not answer, so the snapshot has what this member knows: Error: context deadline/,
  );
  assert.match(snapshots(host)[0] ?? "", /-r123456-3\.6-node1-noquorum\.db\.gz$/);
  assert.equal(store.objects.size, 0);
  assert.deepEqual(changesAsked(host).length, 1);
});

test("an alarm blocks the turn and the record, and no snapshot", async (t) => {
  const { host, store } = await withStore(t);
  host.write("answers/alarms", "memberID:8211f1d0f64f3269 alarm:NOSPACE\n");
  const { code, stderr } = await backup(host, "--by-timer");
  assert.equal(code, 0, stderr);
  assert.equal(store.objects.size, 2);
  assert.equal(recordIn(host), undefined);
});
