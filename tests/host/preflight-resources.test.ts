// Has the host what etcd needs: disk, memory, files, a clock, open ports?
import { type Case, inSeconds, mark, running, testCases } from "./preflight.ts";

const cases: readonly Case[] = [
  {
    check: "space",
    title: "a disk that is nearly full",
    env: { DISK_FREE_KIB: "307200" },
    level: "refuse",
    line: /disk +300 MiB free for \S+ \(limit: 600 MiB\)/,
  },
  {
    check: "space",
    title: "a disk that is smaller than the db may grow",
    env: { DISK_FREE_KIB: "1048576" },
    level: "warn",
    line: /disk-quota +1024 MiB free \(limit: 4096 MiB: twice quotaBackendBytes\)/,
  },
  {
    check: "writable",
    title: "a directory that cannot be written",
    options: { "data-dir": "/proc/etcd" },
    level: "refuse",
    line: /writable +\/proc \(limit: none read-only\)/,
  },
  {
    check: "memory",
    title: "less memory than half of what the db may take",
    options: { quota: `${16 * 1024 ** 3}` },
    level: "refuse",
    line: /memory +7812 MiB \(limit: 8192 MiB: half of quotaBackendBytes/,
  },
  {
    check: "memory",
    title: "less memory than the db may take",
    options: { quota: `${8 * 1024 ** 3}` },
    level: "warn",
    line: /memory-quota +7812 MiB \(limit: 8192 MiB: quotaBackendBytes, which etcd maps into memory\)/,
  },
  {
    check: "memory",
    title: "swap",
    arrange: (host) => host.write("proc/meminfo", "MemTotal: 8000000 kB\nSwapTotal: 2097152 kB\n"),
    level: "warn",
    line: /swap +2048 MiB \(limit: 0: swapping delays heartbeats\)/,
  },
  {
    check: "memory",
    title: "few open files",
    arrange: (host) =>
      host.write(
        "proc/1/limits",
        "Max open files            1024                 4096                 files\n",
      ),
    level: "warn",
    line: /files +4096 \(limit: 65536 open files\)/,
  },
  {
    check: "memory",
    title: "unlimited open files",
    arrange: (host) =>
      host.write(
        "proc/1/limits",
        "Max open files            unlimited            unlimited            files\n",
      ),
    level: "ok",
    line: /files +unlimited/,
  },
  {
    check: "clock",
    title: "a clock that is behind",
    options: { "not-before": inSeconds(3600) },
    level: "refuse",
    line: /clock +\S+, 3[56]\d\d s behind the CA's notBefore \(limit: 5 s\)/,
  },
  {
    check: "clock",
    title: "a clock that is off by less than matters",
    options: { "not-before": inSeconds(4) },
    level: "ok",
    line: /clock /,
  },
  {
    check: "clock",
    title: "a clock that is ahead, which health judges",
    env: { CLOCK_OFF: "86400" },
    level: "ok",
    line: /clock +\S+, 0 s behind/,
  },
  {
    check: "clock",
    title: "no time service",
    arrange: (host) => host.write("systemd/active", "sshd\n"),
    level: "warn",
    line: /time-sync +none /,
  },
  {
    check: "clock",
    title: "chrony",
    arrange: (host) => host.write("systemd/active", "chronyd\n"),
    level: "ok",
    line: /time-sync +chronyd /,
  },
  {
    check: "disk_speed",
    title: "a slow disk",
    env: { DD_SECONDS: "0.9" },
    level: "warn",
    line: /disk-speed +30\.0 ms per synced 8 KiB write \(limit: 10 ms\)/,
  },
  {
    check: "disk_speed",
    title: "a disk beside a running member, which is not measured",
    arrange: (host) => {
      mark(host, "node1");
      running(host);
    },
    env: { DD_SECONDS: "0.9" },
    level: "ok",
    line: /disk-speed +not measured: a member runs here/,
  },
  {
    check: "firewall",
    title: "a firewall that is closed",
    arrange: (host) => host.fake("firewall-cmd", "case $* in *2380/tcp) exit 1 ;; esac"),
    level: "warn",
    line: /firewalld +2380 \(limit: 2379 and 2380 open\)/,
  },
  {
    check: "firewall",
    title: "a firewall that is open",
    arrange: (host) => host.fake("firewall-cmd", "exit 0"),
    level: "ok",
    line: /firewalld +ports open/,
  },
];

testCases(cases);
