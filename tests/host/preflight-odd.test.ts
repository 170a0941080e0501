// Hosts that somebody has used or hardened before: what would fail later is found before anything changes.
import fs from "node:fs";
import type { Host } from "./host.ts";
import { type Case, mark, running, testCases } from "./preflight.ts";

/** A line of /proc/mounts for a folder of the host. */
function mounted(host: Host, folder: string, type: string, options: string): string {
  return `/dev/vdb1 ${host.file(folder)} ${type} ${options} 0 0\n`;
}
const withMounts = (host: Host, ...mounts: string[]) =>
  host.write("proc/mounts", `/dev/vda1 / ext4 rw,relatime 0 0\n${mounts.join("")}`);
const closed = (folder: string, mode: number) => (host: Host) => {
  fs.mkdirSync(host.file(folder), { recursive: true });
  fs.chmodSync(host.file(folder), mode);
};
const ETCD = "etcd:x:64321:64321::/var/lib/etcd:/usr/sbin/nologin\n";
const withUser = (host: Host) => host.write("etc/passwd", `root:x:0:0::/root:/bin/sh\n${ETCD}`);

const noexec: readonly Case[] = [
  {
    check: "mounts",
    title: "the binaries' folder on a mount that nothing may run from",
    arrange: (host) => withMounts(host, mounted(host, "opt", "ext4", "rw,nosuid,noexec,relatime")),
    level: "refuse",
    line: /noexec +\S+\/opt \(limit: /,
  },
  {
    check: "mounts",
    title: "this program's own folder on such a mount, by a link",
    arrange: (host) => {
      fs.renameSync(host.file("usr/local/sbin"), host.file("sbin"));
      fs.symlinkSync(host.file("sbin"), host.file("usr/local/sbin"));
      withMounts(host, mounted(host, "sbin", "ext4", "noexec"));
    },
    level: "refuse",
    line: /noexec +\S+\/sbin /,
  },
  {
    check: "mounts",
    title: "a mount over another one, of which the last counts",
    arrange: (host) =>
      withMounts(host, mounted(host, "opt", "ext4", "rw,noexec"), mounted(host, "opt", "xfs", "rw")),
    level: "ok",
    line: /noexec +none /,
  },
  {
    check: "mounts",
    title: "folders that only begin like such a mount, and data on one",
    arrange: (host) =>
      withMounts(
        host,
        mounted(host, "op", "ext4", "noexec"),
        mounted(host, "var", "ext4", "rw,nodev,noexec"),
      ),
    level: "ok",
    line: /noexec +none /,
  },
  {
    check: "mounts",
    title: "data in memory, gone at the next boot",
    arrange: (host) => withMounts(host, mounted(host, "var/lib", "tmpfs", "rw")),
    level: "refuse",
    line: /file-system +\S+\/var\/lib\/etcd is on tmpfs /,
  },
  {
    check: "mounts",
    title: "data on a network file system",
    arrange: (host) => withMounts(host, mounted(host, "var/lib", "nfs4", "rw")),
    level: "warn",
    line: /file-system +\S+\/var\/lib\/etcd is on nfs4 /,
  },
];

const passable: readonly Case[] = [
  {
    check: "open",
    title: "folders that everybody may pass",
    level: "ok",
    line: /closed +none /,
  },
  {
    check: "open",
    title: "the folder above the data, for root alone",
    arrange: closed("srv/data", 0o700),
    options: { "data-dir": "/nowhere" },
    level: "ok",
    line: /closed +none /,
  },
  ...(["opt", "etc/etcd", "var/lib", "var"] as const).flatMap((folder) =>
    [0o700, 0o750].map(
      (mode): Case => ({
        check: "open",
        title: `/${folder} with mode ${mode.toString(8)}`,
        arrange: closed(folder, mode),
        level: "refuse",
        line: new RegExp(`closed +\\S+/${folder} \\(limit: every folder on the way`),
      }),
    ),
  ),
  {
    check: "open",
    title: "a folder that is closed to all but etcd, which is there already",
    arrange: (host) => {
      withUser(host);
      closed("var/lib", 0o710)(host);
      fs.chownSync(host.file("var/lib"), 0, 64321);
    },
    level: "ok",
    line: /closed +none /,
  },
  {
    check: "open",
    title: "a link to data in a closed folder",
    arrange: (host) => {
      closed("srv/vault", 0o700)(host);
      fs.mkdirSync(host.file("srv/vault/etcd"));
      fs.symlinkSync(host.file("srv/vault/etcd"), host.file("var/lib/etcd"));
    },
    level: "refuse",
    line: /closed +\S+\/srv\/vault /,
  },
  {
    check: "open",
    title: "a link to data in a folder that the unit hides from etcd",
    arrange: (host) => fs.symlinkSync("/home/etcd", host.file("var/lib/etcd")),
    level: "refuse",
    line: /closed +\/home\/etcd /,
  },
  {
    check: "open",
    title: "a host without setpriv, where it cannot be asked",
    arrange: (host) => {
      closed("opt", 0o700)(host);
      host.fake("setpriv", "exit 127");
    },
    level: "ok",
    line: /closed +none /,
  },
];

const accounts: readonly Case[] = [
  {
    check: "user",
    title: "a user etcd from before",
    arrange: withUser,
    level: "ok",
    line: /user +etcd with uid 64321 is kept /,
  },
  {
    check: "user",
    title: "a user etcd that is root by another name",
    arrange: (host) => host.write("etc/passwd", "etcd:x:0:0::/root:/bin/sh\n"),
    level: "refuse",
    line: /user +etcd with uid 0 /,
  },
  {
    check: "user",
    title: "a list of users that cannot be changed",
    arrange: (host) => {
      fs.rmSync(host.file("etc/passwd"));
      fs.symlinkSync("/proc/nowhere/passwd", host.file("etc/passwd")); // as unwilling as a file with chattr +i
    },
    level: "refuse",
    line: /user +etcd is to be made in \S+\/etc\/passwd \(limit: writable/,
  },
  {
    check: "space",
    title: "a disk without inodes",
    arrange: (host) =>
      host.fake(
        "df",
        'case $1 in -Pi) set -- 50000 49100 900 ;; *) set -- 40000000 1000000 30000000 ;; esac; printf "F\\n/dev/vda1 $1 $2 $3 98%% /\\n"',
      ),
    level: "refuse",
    line: /inodes +900 inodes free for \S+ \(limit: 1000\)/,
  },
  {
    check: "space",
    title: "a file system that does not count inodes",
    arrange: (host) =>
      host.fake(
        "df",
        'case $1 in -Pi) set -- 0 0 0 ;; *) set -- 40000000 1000000 30000000 ;; esac; printf "F\\n/dev/vda1 $1 $2 $3 - /\\n"',
      ),
    level: "ok",
    line: /inodes +any number of inodes free/,
  },
  {
    check: "space",
    title: "little room for the binaries, on a disk of their own",
    arrange: (host) =>
      host.fake(
        "df",
        'case $2 in */opt) f=102400 ;; *) f=30000000 ;; esac; printf "F\\n/dev/vda1 40000000 1 $f 98%% /\\n"',
      ),
    level: "refuse",
    line: /binaries-disk +100 MiB free for \S+\/opt\/etcd \(limit: 250 MiB\)/,
  },
  {
    check: "space",
    title: "the same where binaries are installed",
    arrange: (host) => {
      host.write("var/lib/etcd-host/owner-install", "urn:install\n");
      host.fake(
        "df",
        'case $2 in */opt) f=102400 ;; *) f=30000000 ;; esac; printf "F\\n/dev/vda1 40000000 1 $f 98%% /\\n"',
      );
    },
    level: "warn",
    line: /binaries-disk +100 MiB free/,
  },
  {
    check: "ssh_limit",
    title: "a firewall that lets six connections in half a minute through",
    arrange: (host) => {
      host.write("etc/ufw/ufw.conf", "ENABLED=yes\n");
      host.write(
        "etc/ufw/user.rules",
        "### RULES ###\n\n### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n",
      );
    },
    level: "warn",
    line: /ssh-limit +ufw limits port 22 .*'connection refused'/,
  },
];

const foreign: readonly Case[] = [
  {
    check: "foreign",
    title: "a unit of a package",
    arrange: (host) =>
      host.write(
        "systemd/properties",
        "ActiveState=inactive\nSubState=dead\nMainPID=0\nFragmentPath=/lib/systemd/system/etcd.service\n",
      ),
    level: "refuse",
    line: /foreign +\/lib\/systemd\/system\/etcd\.service /,
  },
  {
    check: "foreign",
    title: "a unit that is masked",
    arrange: (host) => fs.symlinkSync("/dev/null", host.paths.UNIT_FILE),
    level: "refuse",
    line: /foreign +\S+\/etc\/systemd\/system\/etcd\.service /,
  },
  {
    check: "foreign",
    title: "links to an etcd elsewhere",
    arrange: (host) => fs.symlinkSync("/srv/etcd-3.4/etcdctl", host.file("usr/local/bin/etcdctl")),
    level: "refuse",
    line: /foreign +\S+\/usr\/local\/bin\/etcdctl /,
  },
  {
    check: "foreign",
    title: "a link that was turned elsewhere on a prepared host, which the member's step puts right",
    arrange: (host) => {
      mark(host, "node1");
      fs.symlinkSync("/srv/etcd-3.4/etcdctl", host.file("usr/local/bin/etcdctl"));
    },
    level: "ok",
    line: /foreign +none /,
  },
  {
    check: "foreign",
    title: "a unit that may be set aside",
    arrange: (host) => host.write(host.paths.UNIT_FILE, "theirs"),
    options: { allow: "foreign-etcd" },
    level: "warn",
    line: /foreign +\S+\/etcd\.service: set aside /,
  },
  {
    check: "foreign",
    title: "one that runs, although it may be set aside",
    arrange: (host) => {
      host.write(host.paths.UNIT_FILE, "theirs");
      running(host);
    },
    options: { allow: "foreign-etcd" },
    level: "refuse",
    line: /foreign +\S+\/etcd\.service, and it runs /,
  },
  {
    check: "foreign",
    title: "one with data where packages keep it, although it may be set aside and ours goes elsewhere",
    arrange: (host) => {
      host.write(host.paths.UNIT_FILE, "theirs");
      host.write("var/lib/etcd/default/member/snap/db", "theirs");
    },
    options: { allow: "foreign-etcd", "data-dir": "/srv/etcd" },
    level: "refuse",
    line: /foreign +\S+\/etcd\.service, and \S+\/var\/lib\/etcd holds data /,
  },
];

testCases([...noexec, ...passable, ...accounts, ...foreign]);
