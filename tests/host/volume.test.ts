// The data volume of a machine that the program makes: found, and taken only if nothing is lost by it.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import type { Host } from "./host.ts";
import {
  assertRefused,
  attach,
  machine,
  mounted,
  mountVolume,
  onVolume,
  toolCalls,
  VOLUME,
} from "./volumes.ts";

const boots: readonly { title: string; fake: string; code: number; stderr: RegExp }[] = [
  { title: "is over", fake: "exit 0", code: 0, stderr: /^$/ },
  {
    title: "ended with warnings",
    fake: "exit 2",
    code: 0,
    stderr: /^etcd-host: cloud-init ended with warnings on this machine; see 'cloud-init status --long'\n$/,
  },
  {
    title: "failed",
    fake: "exit 1",
    code: 3,
    stderr: /^etcd-host: refused: cloud-init failed on this machine, so it may lack what it needs; see /,
  },
  {
    title: "takes too long",
    fake: "exec /bin/sleep 5",
    code: 1,
    stderr: /^etcd-host: failed: cloud-init still runs after 0\.1 s; see .* then run again\n$/,
  },
];

for (const { title, fake, code, stderr } of boots)
  test(`a first boot that ${title}`, async (t) => {
    const host = machine(t);
    host.fake("cloud-init", `echo "$*" >"$HOST_ROOT/asked-cloud-init"\n${fake}`);
    const result = await onVolume(host, "BOOT_SECONDS=0.1; wait_for_first_boot");
    assert.equal(result.code, code);
    assert.match(result.stderr, stderr);
    assert.equal(host.read("asked-cloud-init"), "status --wait\n");
  });

test("a machine without cloud-init has no first boot to wait for", async (t) => {
  const host = machine(t);
  fs.rmSync(host.file("fakes/cloud-init"));
  host.hide("cloud-init");
  const { code, stdout, stderr } = await onVolume(host, "wait_for_first_boot");
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
});

test("the volume is the device that udev names after it", async (t) => {
  const host = machine(t);
  const link = attach(host);
  const { code, stdout } = await onVolume(host, 'wait_for_volume; printf %s "$device"');
  assert.deepEqual([code, stdout], [0, link]);
});

test("a volume that shows late is waited for, and one that does not show is told of", async (t) => {
  const host = machine(t);
  const late = onVolume(host, 'ATTACH_SECONDS=60; : >"$HOST_ROOT/waits"; wait_for_volume');
  while (!host.exists("sleeps")) await new Promise((resolve) => setTimeout(resolve, 10));
  attach(host);
  assert.equal((await late).code, 0);

  const never = machine(t);
  const result = await onVolume(never, "wait_for_volume");
  const sentence =
    /failed: the volume vol-0abcdef1234567890 does not show as .*\/nvme-Amazon_Elastic_Block_Store_vol0abcdef1234567890 after 0 s; see /;
  assertRefused(never, result, sentence, 1);
});

test("a device's number is written as stat writes that of a mounted file system", async (t) => {
  const host = machine(t);
  for (const [major, minor, number] of [
    ["103", "5", "10305"],
    ["ca", "10", "ca10"],
    ["103", "12c", "11032c"],
  ]) {
    host.fake("stat", `case $* in *%t*) echo 0x${major} ;; *%T*) echo 0x${minor} ;; esac`);
    assert.equal((await onVolume(host, 'device_number "$device"')).stdout, number);
  }
});

test("a blank volume gets the one file system that this program makes", async (t) => {
  const host = machine(t);
  const { code, stdout, stderr } = await onVolume(host, "prepare_file_system");
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
  assert.deepEqual(toolCalls(host), ["mkfs.ext4 -q -m 0 -L etcd /disk"]);
});

test("a volume that has it keeps it", async (t) => {
  const host = machine(t);
  host.write("blkid/type", "ext4\n");
  assert.equal((await onVolume(host, "prepare_file_system")).code, 0);
  assert.deepEqual(toolCalls(host), []);
});

test("a file system that cannot be made is told of", async (t) => {
  const host = machine(t);
  host.write("mkfs-fails", "");
  const { code, stderr } = await onVolume(host, "prepare_file_system");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: no file system could be made on the volume vol-0abcdef1234567890; see the lines above/,
  );
});

/** What is on the disk of somebody, who would lose it. */
const theirs: readonly { title: string; arrange: (host: Host) => void; sentence: RegExp }[] = [
  {
    title: "a file system of another type",
    arrange: (host) => host.write("blkid/type", "xfs\n"),
    sentence:
      /holds a file system of type xfs, not the ext4 that this program creates; nothing was changed on it\n/,
  },
  {
    title: "a part of a volume group",
    arrange: (host) => host.write("blkid/type", "LVM2_member\n"),
    sentence: /holds a file system of type LVM2_member, not the ext4 /,
  },
  {
    title: "a table of partitions, which has no type of a file system",
    arrange: (host) => host.write("blkid/code", "0"),
    sentence: /holds something that is not a file system; nothing was changed on it\n/,
  },
  {
    title: "signatures of more than one kind",
    arrange: (host) => host.write("blkid/code", "8"),
    sentence: /holds something that is not a file system/,
  },
  {
    title: "data without any signature",
    arrange: (host) => host.write("disk", Buffer.concat([Buffer.alloc(1024 * 1024 - 1), Buffer.from("x")])),
    sentence: /holds something that is not a file system/,
  },
  {
    title: "nothing that could be read",
    arrange: (host) => host.write("blkid/code", "4"),
    sentence: /holds something that is not a file system/,
  },
];

for (const { title, arrange, sentence } of theirs)
  test(`a volume with ${title} is refused, and left as it is`, async (t) => {
    const host = machine(t);
    arrange(host);
    const before = host.snapshot();
    assertRefused(host, await mountVolume(host), sentence);
    assert.deepEqual(host.snapshot(), before);
    assert.deepEqual(mounted(host), []);
    assert.deepEqual(host.systemdCalls(), []);
  });

const ours = ["lost+found", "data/member/x", "host/mark"];

test("a volume with this program's folders is its own", async (t) => {
  const host = machine(t);
  host.write("blkid/type", "ext4\n");
  for (const file of ours) host.write(`on-disk/${file}`, "");
  assert.equal((await mountVolume(host)).code, 0);
});

test("a volume with somebody's files is refused before it is mounted", async (t) => {
  const host = machine(t);
  host.write("blkid/type", "ext4\n");
  for (const file of [...ours, "a.txt", ".hidden"]) host.write(`on-disk/${file}`, "");
  const before = host.snapshot();
  const result = await mountVolume(host);
  assertRefused(
    host,
    result,
    /the volume vol-0abcdef1234567890 holds files of unknown origin \(.*a\.txt.*\); nothing /,
  );
  assert.match(result.stderr, /\.hidden/);
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(mounted(host), []);
});

for (const [dir, file] of [
  ["var/lib/etcd", "member/wal/0.wal"],
  ["var/lib/etcd-host", "mark"],
  ["var/lib/etcd-volume", "data/member"],
] as const)
  test(`files at ${dir}, which the volume would hide, are refused unless they are on a mount already`, async (t) => {
    const host = machine(t);
    host.write(`${dir}/${file}`, "");
    const before = host.snapshot();
    const result = await mountVolume(host);
    const sentence = new RegExp(
      `${dir} holds files that the volume ${VOLUME} would hide; move them away, then run again`,
    );
    assertRefused(host, result, sentence);
    assert.deepEqual(host.snapshot(), before);
    host.write("mounted", `${host.file(dir)}\n`);
    assert.equal((await onVolume(host, "need_no_data_below")).code, 0);
  });
