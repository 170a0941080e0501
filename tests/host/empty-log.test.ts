// A founder whose etcd ended before it had written anything: its log is of no use, and nothing was acknowledged.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { DATA, memberOptions, readyHost, UNIT } from "./member.ts";

const WAL = `${DATA}/member/wal/0000000000000000-0000000000000000.wal`;
const start = (host: ReturnType<typeof readyHost>) =>
  host.run(["start", ...memberOptions(host)], { stdin: UNIT });

for (const [title, bytes, served, begins] of [
  ["an empty log begins anew", 52, false, true],
  ["a log with the list of members goes on", 396, false, false],
  ["a log of a member that has served is never touched", 52, true, false],
] as const)
  test(`a founder with ${title}`, async (t) => {
    const host = readyHost(t);
    await start(host);
    fs.rmSync(host.file(DATA, "member/wal/0.wal"));
    host.write(WAL, "x".repeat(bytes) + "\0".repeat(4096));
    if (served) host.write("var/lib/etcd-host/served", "");
    const { stderr } = await start(host);
    const aside = host.list("var/lib").filter((name) => name.startsWith("etcd.aside-"));
    assert.equal(aside.length, begins ? 1 : 0, stderr);
    assert.equal(/it begins anew/.test(stderr), begins, stderr);
  });
