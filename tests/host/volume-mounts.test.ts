// The data volume of a machine that the program makes: mounted where etcd's data and this program's record are.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { ETCD_ID, type Host, permissions, type Result } from "./host.ts";
import { prepareOptions } from "./preflight.ts";
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

const unitOf = (host: Host, dir: string) =>
  `${host.file(dir).slice(1).replaceAll("-", "\\x2d").replaceAll("/", "-")}.mount`;
const dirs = ["var/lib/etcd-volume", "var/lib/etcd", "var/lib/etcd-host"];

test("a blank volume is mounted in three places, now and at every boot, and grown to its size", async (t) => {
  const host = machine(t);
  const { code, stdout, stderr } = await mountVolume(host);
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
  assert.deepEqual(
    mounted(host),
    dirs.map((dir) => `/${dir}`),
  );
  assert.deepEqual(toolCalls(host), ["mkfs.ext4 -q -m 0 -L etcd /disk", "resize2fs /disk"]);
  assert.deepEqual(
    host.systemdCalls(),
    dirs.flatMap((dir) => ["daemon-reload", `enable --quiet --now ${unitOf(host, dir)}`]),
  );
  const unit = (dir: string) =>
    Object.fromEntries(
      [...host.read(`etc/systemd/system/${unitOf(host, dir)}`).matchAll(/^(\w+)=(.*)$/gm)].map(
        ([, key, value]) => [key, value?.replaceAll(host.root, "")],
      ),
    );
  const common = { Description: "etcd data volume", WantedBy: "multi-user.target" };
  const expected = [
    { RequiresMountsFor: "/", What: "/disk", Type: "ext4", Options: "noatime,nodev,nosuid" },
    {
      RequiresMountsFor: "/var/lib/etcd-volume",
      What: "/var/lib/etcd-volume/data",
      Type: "none",
      Options: "bind",
    },
    {
      RequiresMountsFor: "/var/lib/etcd-volume",
      What: "/var/lib/etcd-volume/host",
      Type: "none",
      Options: "bind",
    },
  ];
  for (const [index, dir] of dirs.entries()) {
    const found = unit(dir);
    assert.deepEqual(
      { ...found, RequiresMountsFor: found.RequiresMountsFor || "/" },
      { ...common, Where: `/${dir}`, ...expected[index] },
    );
    assert.equal(permissions(host.file("etc/systemd/system", unitOf(host, dir))), "644 0:0");
  }
});

test("what is mounted already stays as it is: its disk is looked at, and only its size", async (t) => {
  const host = machine(t);
  await mountVolume(host);
  host.write("tools", "");
  host.write("systemd/calls", "");
  const before = host.snapshot();
  const again = await onVolume(host, "wait_for_volume() { :; }\nis_mounted_volume() { :; }\nmount_volume");
  assert.deepEqual([again.code, again.stderr], [0, ""]);
  assert.deepEqual(toolCalls(host), ["resize2fs /disk"]);
  assert.deepEqual(
    host.systemdCalls(),
    dirs.slice(1).map((dir) => `enable --quiet --now ${unitOf(host, dir)}`),
  );
  const { tools: _, ...rest } = host.snapshot();
  const { tools: __, ...same } = before;
  assert.deepEqual(rest, same);
});

test("a machine that comes after another one finds the file system and the data, and makes neither", async (t) => {
  const host = machine(t);
  host.write("blkid/type", "ext4\n");
  host.write("disk", Buffer.alloc(1024, 1));
  assert.equal((await mountVolume(host)).code, 0);
  assert.deepEqual(toolCalls(host), ["resize2fs /disk"]);
  assert.equal(mounted(host).length, 3);
});

test("another disk that is mounted there is refused, and nothing is done to either", async (t) => {
  const host = machine(t);
  host.write("mounted", `${host.paths.VOLUME_DIR}\n`);
  fs.mkdirSync(host.paths.VOLUME_DIR);
  const before = host.snapshot();
  const sentence =
    /refused: a disk other than vol-0abcdef1234567890 is mounted at .*; unmount it, then run again/;
  assertRefused(host, await mountVolume(host), sentence);
  assert.deepEqual(host.snapshot(), before);
});

test("a mount that fails is told of with the unit to look at", async (t) => {
  const host = machine(t);
  host.write("mount-fails", `${host.file("var/lib/etcd")}\n`);
  const { code, stderr } = await mountVolume(host);
  assert.equal(code, 1);
  const unit = unitOf(host, "var/lib/etcd");
  assert.equal(
    stderr,
    `etcd-host: failed: ${host.file("var/lib/etcd")} could not be mounted; see 'systemctl status ${unit}' on this machine\n`,
  );
});

test("a file system that cannot be grown fails the step, so that the next run tries again", async (t) => {
  const host = machine(t);
  host.write("resize-fails", "");
  const { code, stderr } = await mountVolume(host);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^etcd-host: failed: the file system of vol-0abcdef1234567890 could not be grown to the size of .*run again\n$/,
  );
});

for (const command of ["blkid", "mkfs.ext4", "resize2fs", "systemd-escape"])
  test(`an image without ${command} is refused before the volume is waited for`, async (t) => {
    const host = machine(t);
    fs.rmSync(host.file("fakes", command), { force: true });
    host.hide(command);
    const result = await onVolume(host, "mount_volume");
    assertRefused(
      host,
      result,
      new RegExp(`refused: this machine lacks ${command}, which the data volume needs; use `),
    );
  });

test("data of a machine on which etcd had another number is given to this one's, unless etcd runs", async (t) => {
  const host = machine(t);
  const member = host.file("var/lib/etcd/member");
  host.write("var/lib/etcd/member/wal/0.wal", "");
  const owners = () => ["", "/wal", "/wal/0.wal"].map((file) => fs.statSync(`${member}${file}`).uid);
  host.write("systemd/properties", "ActiveState=active\nSubState=running\nMainPID=4711\n");
  assert.equal((await onVolume(host, "adopt_data")).code, 0);
  assert.deepEqual(owners(), [0, 0, 0]);
  host.write("systemd/properties", "ActiveState=inactive\nSubState=dead\nMainPID=0\n");
  assert.equal((await onVolume(host, "adopt_data")).code, 0);
  assert.deepEqual(owners(), [ETCD_ID, ETCD_ID, ETCD_ID]);
});

/** All of its first step. */
function prepareMachine(host: Host, ...more: readonly string[]): Promise<Result> {
  attach(host);
  host.write(
    "fakes/head",
    '#!/bin/sh\ncase $3 in */nvme-*) exit 0 ;; esac\nexec /usr/bin/head "$@"\n',
    0o755,
  );
  const options = prepareOptions(host, {
    volume: VOLUME,
    "volume-size": "20",
    machine: "i-0abcdef1234567890",
  });
  return host.run(["prepare", ...options, ...more]);
}

test("a machine whose host key was exchanged loses the first one, and another keeps what it has", async (t) => {
  const key = "etc/ssh/ssh_host_ecdsa_key";
  for (const [options, isKept] of [
    [[], true],
    [["--drop-first-key"], false],
  ] as const) {
    const host = machine(t);
    for (const file of [key, `${key}.pub`]) host.write(file, "");
    assert.equal((await prepareMachine(host, ...options)).code, 0);
    assert.deepEqual([host.exists(key), host.exists(`${key}.pub`)], [isKept, isKept]);
  }
});

test("a machine with a volume is prepared: the first boot, the volume, and then what every host gets", async (t) => {
  const host = machine(t);
  const { code, stdout, stderr } = await prepareMachine(host);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^ok +data /m);
  const device = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abcdef1234567890";
  assert.deepEqual(toolCalls(host), [
    "cloud-init status --wait",
    `mkfs.ext4 -q -m 0 -L etcd ${device}`,
    `resize2fs ${device}`,
  ]);
  assert.equal(mounted(host).length, 3);
  assert.match(host.read("var/lib/etcd-host/mark"), /^name=node1$/m);
});

test("a given host is not asked for a first boot, nor for a volume", async (t) => {
  const host = machine(t);
  const { code, stderr } = await host.run(["prepare", ...prepareOptions(host)]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual([toolCalls(host), mounted(host), host.systemdCalls()], [[], [], []]);
});
