// Is this the host that it should be, and is it free for the member?
import fs from "node:fs";
import { type Case, mark, running, socket, started, testCases } from "./preflight.ts";

const cases: readonly Case[] = [
  { check: "system", title: "systemd runs", level: "ok", line: /^ok +systemd +252 / },
  {
    check: "system",
    title: "the oldest systemd",
    arrange: (host) => host.fake("systemctl", "echo 'systemd 239 (239-82.el8)'"),
    level: "ok",
    line: /^ok +systemd +239 \(limit: 239, as PID 1\)/,
  },
  {
    check: "system",
    title: "an older systemd",
    arrange: (host) => host.fake("systemctl", "echo 'systemd 219'"),
    level: "refuse",
    line: /systemd +219 \(limit: 239, as PID 1\)/,
  },
  {
    check: "system",
    title: "a host without systemd",
    arrange: (host) => fs.rmSync(host.paths.SYSTEMD_DIR, { recursive: true }),
    level: "refuse",
    line: /systemd/,
  },
  {
    check: "system",
    title: "a machine that etcd is not released for",
    arrange: (host) => host.fake("uname", "echo riscv64"),
    level: "refuse",
    line: /architecture +riscv64 \(limit: amd64 or arm64\)/,
  },
  {
    check: "system",
    title: "an ARM machine",
    arrange: (host) => host.fake("uname", "echo aarch64"),
    level: "ok",
    line: /architecture +aarch64/,
  },
  {
    check: "commands",
    title: "commands that are missing",
    arrange: (host) => host.hide("openssl", "curl", "wget"),
    level: "refuse",
    line: /commands +openssl curl-or-wget \(limit: none missing\)/,
  },
  {
    check: "commands",
    title: "wget in place of curl",
    arrange: (host) => host.hide("curl"),
    level: "ok",
    line: /commands +all there/,
  },
  {
    check: "owner",
    title: "a host of another member that has started here",
    arrange: (host) => {
      mark(host, "node2");
      started(host);
    },
    level: "refuse",
    line: /owner +node2 of cluster etcd-1-0a1b2c \(limit: this host runs no other member; destroy the stack that made it first\)/,
  },
  {
    check: "owner",
    title: "a host of another cluster's member of this name, which has data",
    arrange: (host) => {
      mark(host, "node1", { cluster: "etcd-2-0a1b2c" });
      host.write("var/lib/etcd/member/wal/0.wal", "");
    },
    level: "refuse",
    line: /owner +node1 of cluster etcd-2-0a1b2c /,
  },
  {
    check: "owner",
    title: "a host that was prepared for another member, which never started",
    arrange: (host) => mark(host, "node2"),
    level: "ok",
    line: /owner +nobody else /,
  },
  {
    check: "owner",
    title: "a host of this member",
    arrange: (host) => {
      mark(host, "node1");
      started(host);
    },
    level: "ok",
    line: /owner +nobody else /,
  },
  {
    check: "address",
    title: "an address that is not this host's",
    options: { listen: "192.0.2.12" },
    level: "refuse",
    line: /address +192\.0\.2\.12 \(limit: an address of this host, which has 127\.0\.0\.1 192\.0\.2\.11 2001:db8::11/,
  },
  {
    check: "address",
    title: "an address that only begins like this host's",
    options: { listen: "192.0.2.1" },
    level: "refuse",
    line: /address +192\.0\.2\.1 /,
  },
  {
    check: "address",
    title: "an IPv6 address",
    options: { listen: "2001:db8::11" },
    level: "ok",
    line: /address +2001:db8::11 /,
  },
  {
    check: "address",
    title: "listening on every address",
    options: { listen: "0.0.0.0", address: "etcd1.example" },
    level: "ok",
    line: /address +etcd1\.example, listening on all/,
  },
  {
    check: "address",
    title: "an address where ip is missing",
    arrange: (host) => {
      host.hide("ip");
      host.fake("hostname", "echo '192.0.2.11 2001:db8::11 '");
    },
    level: "ok",
    line: /address +192\.0\.2\.11 /,
  },
  {
    check: "ports",
    title: "a client port that is taken",
    arrange: (host) => host.write("proc/net/tcp", socket("00000000:094B", "0A")),
    level: "refuse",
    line: /ports +2379 \(limit: 2379, 2380 and 2381 free or ours\)/,
  },
  {
    check: "ports",
    title: "a peer port that is taken over IPv6, by a program that ss can name",
    arrange: (host) => {
      host.write("proc/net/tcp6", socket("00000000000000000000000000000000:094C", "0A"));
      host.fake("ss", `echo 'LISTEN 0 511 *:2380 *:* users:(("nginx",pid=812,fd=6))'`);
    },
    level: "refuse",
    line: /ports +2380 \(nginx, pid 812\)/,
  },
  {
    check: "ports",
    title: "a metrics port that is taken",
    arrange: (host) => host.write("proc/net/tcp", socket("0100007F:1F90", "0A")),
    options: { "metrics-url": "http://[::1]:8080" },
    level: "refuse",
    line: /ports +8080 /,
  },
  {
    check: "ports",
    title: "a connection from the client port",
    arrange: (host) => host.write("proc/net/tcp", socket("0B0200C0:094B", "01")),
    level: "ok",
    line: /ports +free or ours/,
  },
  {
    check: "ports",
    title: "a connection to somebody's client port",
    arrange: (host) => host.write("proc/net/tcp", socket("0B0200C0:D431", "0A", "0C0200C0:094B")),
    level: "ok",
    line: /ports +free or ours/,
  },
  {
    check: "ports",
    title: "ports that the running member has",
    arrange: (host) => {
      mark(host, "node1");
      running(host);
      host.write("proc/net/tcp", socket("00000000:094B", "0A"));
    },
    level: "ok",
    line: /ports +free or ours/,
  },
  {
    check: "ports",
    title: "ports that another program took while the member is down",
    arrange: (host) => {
      mark(host, "node1");
      host.write("proc/net/tcp", socket("00000000:094B", "0A"));
    },
    level: "refuse",
    line: /ports +2379/,
  },
  {
    check: "data",
    title: "data of an unknown owner",
    arrange: (host) => host.write("var/lib/etcd/member/snap/db", "theirs"),
    level: "refuse",
    line: /data +\S+\/var\/lib\/etcd holds data of an unknown owner /,
  },
  {
    check: "data",
    title: "data beside this member's own",
    arrange: (host) => {
      mark(host, "node1", { dataDir: "/srv/etcd" });
      host.write("var/lib/etcd/db", "theirs");
    },
    level: "refuse",
    line: /data +\S+\/var\/lib\/etcd holds data of an unknown owner /,
  },
  {
    check: "data",
    title: "this member's own data",
    arrange: (host) => {
      mark(host, "node1");
      host.write("var/lib/etcd/member/wal/0.wal", "ours");
    },
    level: "ok",
    line: /data +\S+ holds data of node1 /,
  },
  {
    check: "data",
    title: "data that was moved aside on a mount, and a file system's own folder",
    arrange: (host) => {
      host.write("var/lib/etcd/aside-20260101T000000Z/db", "old");
      host.write("var/lib/etcd/lost+found/inode", "");
    },
    level: "ok",
    line: /data +\S+ is empty/,
  },
  {
    check: "foreign",
    title: "an etcd that somebody else made a service",
    arrange: (host) => host.write(host.paths.UNIT_FILE, "theirs"),
    level: "refuse",
    line: /foreign +\S+\/etc\/systemd\/system\/etcd\.service \(limit: no etcd from elsewhere\)/,
  },
  {
    check: "foreign",
    title: "binaries that somebody else installed, on a host of this member too",
    arrange: (host) => {
      mark(host, "node1");
      for (const binary of ["etcd", "etcdutl"]) host.write(`usr/local/bin/${binary}`, "theirs");
    },
    level: "refuse",
    line: /foreign +\S+\/usr\/local\/bin\/etcd \S+\/usr\/local\/bin\/etcdutl /,
  },
  {
    check: "foreign",
    title: "this member's own unit and links",
    arrange: (host) => {
      mark(host, "node1");
      host.write(host.paths.UNIT_FILE, "ours");
      host.write("opt/etcd/3.6.14/etcd", "ours");
      fs.symlinkSync(host.file("opt/etcd/3.6.14/etcd"), host.file("usr/local/bin/etcd"));
    },
    level: "ok",
    line: /foreign +none /,
  },
];

testCases(cases);
