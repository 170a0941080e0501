// A machine with a data volume that only pretends: files say what is on it and what is mounted, and nothing is.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import type { TestContext } from "node:test";
import { ETCD_ID, Host, type Result } from "./host.ts";

export const VOLUME = "vol-0abcdef1234567890";
const LINK = "nvme-Amazon_Elastic_Block_Store_vol0abcdef1234567890";

/** Notes its call. */
const noted = (command: string) => `echo "${command} $*" >>"$HOST_ROOT/tools"`;

const BLKID = `
case $* in
  *'-s TYPE '*) [ ! -s "$HOST_ROOT/blkid/type" ] || { cat "$HOST_ROOT/blkid/type"; exit 0; } ;;
esac
exit "$(cat "$HOST_ROOT/blkid/code")"`;

const MKFS = `${noted("mkfs.ext4")}
for last; do :; done
[ ! -e "$HOST_ROOT/mkfs-fails" ] || exit 1
echo ext4 >"$HOST_ROOT/blkid/type"`;

const MOUNTPOINT = 'grep -qxF -- "$2" "$HOST_ROOT/mounted"';

/** A mount unit that is enabled now is mounted, but for the one that \`mount-fails\` names. */
const SYSTEMCTL = `
case $* in
  'enable --quiet --now '*.mount)
    printf '%s\\n' "$*" >>"$SYSTEMD/calls"
    where=$(sed -n 's/^Where=//p' "$HOST_ROOT/etc/systemd/system/$4")
    ! grep -qxF -- "$where" "$HOST_ROOT/mount-fails" 2>/dev/null || exit 1
    grep -qxF -- "$where" "$HOST_ROOT/mounted" || echo "$where" >>"$HOST_ROOT/mounted"
    ;;
  *) exec "$FAKES/systemctl" "$@" ;;
esac`;

/** A glance at the disk shows what is in the folder \`on-disk\`. */
const MOUNT = `
[ "$1 $2" = '-o ro' ] && [ "$3" = "$HOST_ROOT/disk" ] || exit 1
cp -R "$HOST_ROOT/on-disk/." "$4"`;
const UMOUNT = 'find "$1" -mindepth 1 -delete';

const CHOWN = `
[ "$1 $2" = '-R etcd:etcd' ] || exec "$FAKES/chown" "$@"
shift 2
exec /bin/chown -R ${ETCD_ID}:${ETCD_ID} "$@"`;

/** The volume is attached and blank. */
export function machine(t: TestContext): Host {
  const host = Host.create(t);
  const fakes = `FAKES='${import.meta.dirname}/fakes'\n`;
  host.write("mounted", "");
  host.write("blkid/code", "2");
  host.write("blkid/type", "");
  host.fake("blkid", BLKID);
  host.fake("mkfs.ext4", MKFS);
  host.fake("mountpoint", MOUNTPOINT);
  host.fake("mount", MOUNT);
  host.fake("umount", UMOUNT);
  fs.mkdirSync(host.file("on-disk"));
  host.fake("resize2fs", `${noted("resize2fs")}\n[ ! -e "$HOST_ROOT/resize-fails" ]`);
  host.fake("systemctl", `${fakes}${SYSTEMCTL}`);
  host.fake("cloud-init", `${noted("cloud-init")}\nexit 0`);
  host.fake("chown", `${fakes}${CHOWN}`);
  host.write("disk", Buffer.alloc(2 * 1024 * 1024));
  return host;
}

/** Shows the volume as udev does: the node is of no device. */
export function attach(host: Host): string {
  const link = host.file("dev/disk/by-id", LINK);
  const script = 'mkdir -p "$(dirname "$2")" && mknod "$1" b 7 250 && ln -s "$1" "$2"';
  const { status, stderr } = spawnSync("sh", ["-c", script, "sh", host.file("fakes/disk"), link]);
  assert.equal(status, 0, String(stderr));
  return link;
}

/** A few lines among the program's functions; `$device` is a file in place of the disk. */
export function onVolume(host: Host, snippet: string): Promise<Result> {
  const around = `device=$HOST_ROOT/disk ATTACH_SECONDS=0; mkdir -p "$RUN_DIR"`;
  return host.shell(`${around}\n${snippet}`, [
    `--volume=${VOLUME}`,
    `--data-dir=${host.file("var/lib/etcd")}`,
  ]);
}

/** All of it, with that file for the disk. */
export function mountVolume(host: Host): Promise<Result> {
  return onVolume(host, "wait_for_volume() { :; }\nmount_volume");
}

/** What was asked of the tools that change a disk. */
export function toolCalls(host: Host): readonly string[] {
  if (!host.exists("tools")) return [];
  return host.read("tools").trimEnd().replaceAll(host.root, "").split("\n");
}

export function mounted(host: Host): readonly string[] {
  return host.read("mounted").replaceAll(host.root, "").split("\n").filter(Boolean);
}

/** The sentence is the only thing said, and the tools that change a disk were not called. */
export function assertRefused(
  host: Host,
  { code, stdout, stderr }: Result,
  sentence: RegExp,
  exit = 3,
): void {
  assert.equal(code, exit, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^etcd-host: (refused|failed): .*\n$/);
  assert.match(stderr, sentence);
  assert.deepEqual(toolCalls(host), []);
}
