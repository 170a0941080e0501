// A snapshot of a member that answers nothing any more, and a snapshot that another host has.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { DATA, setState } from "./member.ts";
import { SNAPSHOT, sha256, stagingHost } from "./staging.ts";

const FOLDER = "var/lib/etcd-host/snapshots";
const DATABASE = Buffer.alloc(8192, "a page");
const digest = (bytes: Buffer) => createHash("sha256").update(bytes);

for (const [what, isRunning] of [
  ["stopped", false],
  ["running, and serves nobody", true],
] as const)
  test(`the database of a member that is ${what} becomes a snapshot with a digest as etcd appends it`, async (t) => {
    const host = await stagingHost(t);
    host.write(`${DATA}/member/snap/db`, DATABASE);
    if (!isRunning) setState(host, "inactive", "dead", 0);
    const { code, stdout, stderr } = await host.run(["snapshot", "--from-data"]);
    assert.equal(code, 0, stderr);
    const [, name = "", said] =
      /\/(etcd-3\.6-\d{8}T\d{6}Z-node1\.db), sha256 ([0-9a-f]{64})\n$/.exec(stdout) ?? [];
    const whole = Buffer.concat([DATABASE, digest(DATABASE).digest()]);
    assert.equal(host.read(`${FOLDER}/${name}`), whole.toString("utf8"));
    assert.equal(said, digest(whole).digest("hex"));
    assert.match(host.read("systemd/properties"), isRunning ? /^MainPID=4711$/m : /^MainPID=0$/m);
    assert.equal(host.read(`${DATA}/member/snap/db`), DATABASE.toString("utf8"));
  });

test("without a database, or with one that cannot be read back, there is no snapshot that looks like one", async (t) => {
  const host = await stagingHost(t);
  setState(host, "inactive", "dead", 0);
  const none = await host.run(["snapshot", "--from-data"]);
  assert.deepEqual([none.code, none.stderr.includes("node1 has no database in ")], [3, true]);
  host.write(`${DATA}/member/snap/db`, DATABASE);
  host.binary("etcdutl", "#!/bin/sh\necho 'panic: page 2 already freed' >&2; exit 2\n");
  const broken = await host.run(["snapshot", "--from-data"]);
  assert.equal(broken.code, 1);
  assert.match(
    broken.stderr,
    /failed: the database of node1 cannot be read back: panic: page 2 already freed/,
  );
  assert.deepEqual(host.list(FOLDER), [SNAPSHOT]);
});

test("a copy is taken whole or not at all, once, and never in place of another file", async (t) => {
  const [from, to] = [await stagingHost(t), await stagingHost(t)];
  const named = `--snapshot=${SNAPSHOT}`;
  assert.equal((await from.run(["has-copy", named])).stdout, `holds ${sha256}\n`);
  const { stdout } = await from.run(["send-copy", named]);
  assert.ok(stdout.length > 0);
  to.write(`${FOLDER}/${SNAPSHOT}`, "another");
  const refused = await to.run(["take-copy", named, `--sha256=${sha256}`], { stdin: "x" });
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /is another file of that name; move it away, then run again/);
  assert.equal(to.read(`${FOLDER}/${SNAPSHOT}`), "another");
  const other = "--snapshot=b.db";
  const cut = await to.run(["take-copy", other, `--sha256=${sha256}`], { stdin: "x" });
  assert.equal(cut.code, 1);
  assert.deepEqual(to.list(FOLDER), [SNAPSHOT]);
  const of = digest(Buffer.from("whole")).digest("hex");
  for (const _ of [1, 2])
    assert.equal((await to.run(["take-copy", other, `--sha256=${of}`], { stdin: "whole" })).code, 0);
  assert.equal(to.read(`${FOLDER}/b.db`), "whole");
  for (const name of ["x", "folder/x"])
    assert.equal((await to.run(["has-copy", `--snapshot=${name}`])).code, 2, name);
});
