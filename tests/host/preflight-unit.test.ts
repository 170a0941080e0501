// Would the member's unit start here?
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { ETCD_ID, Host, permissions } from "./host.ts";
import { type Case, prepare, testCases } from "./preflight.ts";

const hardened = (host: Host) => host.write("proc/sys/user/max_user_namespaces", "0\n");

const cases: readonly Case[] = [
  {
    check: "unit",
    title: "a system that allows no user namespaces",
    arrange: hardened,
    level: "refuse",
    line: /namespaces +user\.max_user_namespaces is 0 \(limit: the unit's sandbox needs one\)/,
  },
  {
    check: "unit",
    title: "a unit without a user namespace, on such a system",
    arrange: hardened,
    options: { "private-users": "no" },
    level: "ok",
    line: /namespaces +not used/,
  },
  {
    check: "unit",
    title: "a system that allows them",
    arrange: (host) => host.write("proc/sys/user/max_user_namespaces", "31191\n"),
    level: "ok",
    line: /namespaces +user\.max_user_namespaces is 31191/,
  },
  {
    check: "unit",
    title: "a kernel that does not count them",
    level: "ok",
    line: /namespaces +user\.max_user_namespaces is not set/,
  },
];

testCases(cases);

test("a hardened host is told what to set, before anything on it changes", async (t) => {
  const host = Host.create(t);
  hardened(host);
  const before = host.snapshot();
  const { code, stderr } = await prepare(host);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /namespaces: .*; allow user namespaces \(sysctl user\.max_user_namespaces\), or set etcd:unit: \{privateUsers: false\}\./,
  );
  assert.deepEqual(host.snapshot(), before);
  assert.equal((await prepare(host, { "private-users": "no" })).code, 0);
});

test("folders that etcd may write to are made, and are etcd's; made again, they stay as they are", async (t) => {
  const host = Host.create(t);
  const folders = [host.file("var/log/etcd"), host.file("srv/logs/etcd")];
  const writable = folders.join(" ");
  assert.equal((await prepare(host, { writable })).code, 0);
  for (const folder of folders) assert.equal(permissions(folder), `750 ${ETCD_ID}:${ETCD_ID}`);
  fs.chmodSync(host.file("var/log/etcd"), 0o755);
  assert.equal((await prepare(host, { writable })).code, 0);
  assert.equal(permissions(host.file("var/log/etcd")), `755 ${ETCD_ID}:${ETCD_ID}`);
});

test("a folder that is somebody else's is not given to etcd", async (t) => {
  const host = Host.create(t);
  fs.mkdirSync(host.file("var/log/etcd"), { recursive: true });
  const before = host.snapshot();
  const { code, stderr } = await prepare(host, { writable: host.file("var/log/etcd") });
  assert.equal(code, 3);
  assert.match(stderr, /folders: \S+var\/log\/etcd; give them to the user etcd \(chown\), or name others\./);
  assert.deepEqual(host.snapshot(), before);
});
