import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ETCD_ID, Host, permissions } from "./host.ts";

test("write_file gives the file its content, mode and owner", async (t) => {
  const host = Host.create(t);
  const content = `line\n${"x".repeat(300_000)}\nno newline at the end`;
  const { code } = await host.shell('write_file "$HOST_ROOT/file" 640 root:etcd', [], { stdin: content });
  assert.equal(code, 0);
  assert.equal(host.read("file"), content);
  assert.equal(permissions(host.file("file")), `640 0:${ETCD_ID}`);
  assert.deepEqual(newFiles(host), []);
});

test("while write_file reads, the old content is there, whole", async (t) => {
  const host = Host.create(t);
  host.write("file", "old\n");
  await host.shell(
    '{ echo new; cat "$HOST_ROOT/file" >"$HOST_ROOT/seen"; echo end; } | write_file "$HOST_ROOT/file" 600 root:root',
  );
  assert.equal(host.read("seen"), "old\n");
  assert.equal(host.read("file"), "new\nend\n");
});

test("what is written is on the disk before it takes its name, and then gets the label of its place", async (t) => {
  const host = Host.create(t);
  host.write("file", "old\n");
  host.fake(
    "sync",
    'if [ -d "$1" ]; then what="its folder"; else what=$(cat "$1"); fi; echo "$what while the file is $(cat "$HOST_ROOT/file")" >>"$HOST_ROOT/seen"',
  );
  host.fake("restorecon", 'echo "label of $(basename "$2"): $(cat "$2")" >>"$HOST_ROOT/seen"');
  await host.shell('write_file "$HOST_ROOT/file" 600 root:root', [], { stdin: "new\n" });
  assert.equal(
    host.read("seen"),
    "new while the file is old\nits folder while the file is new\nlabel of file: new\n",
  );
});

test("where sync knows no files, everything is flushed", async (t) => {
  const host = Host.create(t);
  host.fake("sync", 'echo "sync $*" >>"$HOST_ROOT/seen"; [ $# = 0 ]');
  await host.shell("sync_file /a; sync_tree /b");
  assert.equal(host.read("seen"), "sync /a\nsync \nsync -f /b\nsync \n");
});

test("a write that fails at any point leaves the old file and nothing else", async (t) => {
  for (const command of ["cat", "chown", "chmod", "mv"]) {
    const host = Host.create(t);
    host.write("file", "old\n", 0o600);
    host.fake(command, "exit 1");
    const before = host.snapshot();
    const { code, stderr } = await host.shell(
      'write_file "$HOST_ROOT/file" 644 root:root; say "went on"',
      [],
      { stdin: "new\n" },
    );
    assert.deepEqual(
      [code, stderr],
      [
        1,
        `etcd-host: failed: cannot write ${host.file("file")}; see the line above (a full or read-only disk?)\n`,
      ],
    );
    assert.deepEqual(host.snapshot(), before, command);
  }
});

test("a disk that fills up while a file is written leaves the old file and nothing else", async (t) => {
  const host = Host.create(t);
  host.write("file", "old\n", 0o600);
  const before = host.snapshot();
  const { code } = await host.shell('ulimit -f 8; write_file "$HOST_ROOT/file" 644 root:root', [], {
    stdin: "x".repeat(100_000),
  });
  assert.equal(code, 1);
  assert.deepEqual(host.snapshot(), before);
});

test("data is moved aside beside its directory, under the time it happened", async (t) => {
  const host = withData(t);
  const { code, stderr } = await moveAside(host);
  assert.equal(code, 0);
  assert.deepEqual(host.list("data"), ["etcd.aside-20260102T030405Z"]);
  assert.equal(host.read("data/etcd.aside-20260102T030405Z/member/wal/0.wal"), "log");
  assert.equal(
    stderr,
    `etcd-host: the data of ${host.file("data/etcd")} is kept in ${host.file("data/etcd.aside-20260102T030405Z")}\n`,
  );
});

test("data is moved within a directory that is a mount of its own", async (t) => {
  const host = withData(t);
  host.fake("mountpoint", "exit 0");
  host.write("data/etcd/.hidden", "h");
  host.write("data/etcd/lost+found/inode", "of the file system");
  await moveAside(host);
  assert.deepEqual(host.list("data/etcd"), ["aside-20260102T030405Z", "lost+found"]);
  assert.equal(host.read("data/etcd/aside-20260102T030405Z/member/wal/0.wal"), "log");
  assert.equal(host.read("data/etcd/aside-20260102T030405Z/.hidden"), "h");
  const before = host.snapshot();
  assert.deepEqual(await moveAside(host), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(host.snapshot(), before, "there was nothing more to move");
});

test("a name that is taken is not overwritten, for a mount neither", async (t) => {
  for (const [mounted, aside] of [
    ["1", "data/etcd.aside-20260102T030405Z"],
    ["0", "data/etcd/aside-20260102T030405Z"],
  ] as const) {
    const host = withData(t);
    host.fake("mountpoint", `exit ${mounted}`);
    host.write(`${aside}/member/wal/0.wal`, "an earlier log");
    const { code, stderr } = await moveAside(host);
    assert.equal(code, 0, stderr);
    const [, kept = ""] = /is kept in (\S+)\n/.exec(stderr) ?? [];
    assert.equal(host.read(`${aside}/member/wal/0.wal`), "an earlier log");
    assert.equal(host.read(path.join(kept, "member/wal/0.wal")), "log");
  }
});

test("data behind a link is seen, and stays on its disk when it is moved aside", async (t) => {
  const host = Host.create(t);
  host.write("disk/etcd/member/wal/0.wal", "log");
  fs.mkdirSync(host.file("data"));
  fs.symlinkSync(host.file("disk/etcd"), host.file("data/etcd"));
  assert.equal((await moveAside(host)).code, 0);
  assert.deepEqual(host.list("disk/etcd"), ["aside-20260102T030405Z"]);
  assert.equal(host.read("disk/etcd/aside-20260102T030405Z/member/wal/0.wal"), "log");
});

test("where there is no data, nothing is moved", async (t) => {
  const host = Host.create(t);
  assert.deepEqual(await moveAside(host), { code: 0, stdout: "", stderr: "" });
  fs.mkdirSync(host.file("data/etcd/lost+found"), { recursive: true });
  const before = host.snapshot();
  assert.deepEqual(await moveAside(host), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(host.snapshot(), before);
});

test("a step is owned only by the very owner, name and incarnation that claimed it", async (t) => {
  const host = Host.create(t);
  fs.mkdirSync(host.paths.STATE_DIR);
  const mine = { name: "node1", incarnation: "1", owner: "urn:a" };
  const owns = async (identity: typeof mine, step = "member") =>
    (await host.shell(`if owns_step ${step}; then say yes; fi`, options(identity))).stdout === "yes\n";
  assert.equal(await owns(mine), false, "nobody has prepared it");
  await host.shell("write_mark; claim_step member", [...options(mine), "--data-dir=/data"]);
  assert.equal(await owns(mine), true);
  assert.equal(await owns(mine, "install"), false);
  assert.equal(await owns({ ...mine, owner: "urn:b" }), false);
  assert.equal(await owns({ ...mine, owner: "" }), false);
  assert.equal(await owns({ ...mine, name: "node11" }), false);
  assert.equal(await owns({ ...mine, incarnation: "2" }), false);
  assert.equal(permissions(`${host.paths.STATE_DIR}/mark`), "600 0:0");
});

test("a step that is done takes its own note back, and the first and the last one of a host all of them", async (t) => {
  const host = Host.create(t);
  fs.mkdirSync(host.paths.STATE_DIR);
  const notes = ["left-certificates", "left-install", "left-member"];
  const left = async (step: string) => {
    for (const note of notes) host.write(`var/lib/etcd-host/${note}`, "urn:a\n");
    await host.shell(`claim_step ${step}`, ["--owner=urn:a"]);
    return host.list("var/lib/etcd-host").filter((file) => !file.startsWith("owner-"));
  };
  assert.deepEqual(await left("install"), ["left-certificates", "left-member"]);
  assert.deepEqual(await left("certificates"), ["left-install", "left-member"]);
  assert.deepEqual(await left("prepare"), []);
  assert.deepEqual(await left("member"), []);
  assert.deepEqual(await left("prepare"), ["prepared-again"], "and says that it came after the member");
  assert.deepEqual(await left("member"), []);
});

test("a step for another member than the one the host was prepared for is refused", async (t) => {
  const host = Host.create(t);
  fs.mkdirSync(host.paths.STATE_DIR);
  await host.shell("write_mark", ["--name=node1", "--incarnation=0", "--data-dir=/data"]);
  assert.equal((await host.shell("need_this_member", ["--name=node1"])).code, 0);
  const { code, stderr } = await host.shell("need_this_member", ["--name=node2"]);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: this host is prepared for 'node1', not for node2; run 'pulumi up' with a new checkId/,
  );
});

function options(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}
function newFiles(host: Host): string[] {
  return host.list(".").filter((file) => file.startsWith(".new-"));
}
function withData(t: Parameters<typeof Host.create>[0]): Host {
  const host = Host.create(t);
  host.write("data/etcd/member/wal/0.wal", "log");
  return host;
}
function moveAside(host: Host) {
  host.fake("date", "echo 20260102T030405Z");
  return host.shell('move_aside "$HOST_ROOT/data/etcd"');
}
