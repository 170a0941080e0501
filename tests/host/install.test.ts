// install: what it makes of what is on the host already, and what it leaves there.
import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import type { Host } from "./host.ts";
import { install, installed, preparedHost, record } from "./installing.ts";
import { ARCHIVE, ARCHIVE_PATH, BINARIES, makeArchive, serveArchive, sha256, VERSION } from "./mirror.ts";

test("a second run downloads nothing and changes nothing", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  const before = host.snapshot();
  const { code, stdout } = await install(host, mirror.url);
  assert.deepEqual([code, stdout], [0, `etcd ${VERSION} is installed\n`]);
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(mirror.requests, [ARCHIVE_PATH]);
});

test("a release that has lost a file, was edited, or is of another archive, is replaced whole", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  const before = host.snapshot();
  fs.rmSync(host.file(installed, "etcdutl"));
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.deepEqual(host.snapshot(), before);
  host.write(`${installed}/etcd`, "edited", 0o755);
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.deepEqual(host.snapshot(), before);
  host.write(record, host.read(record).replace(/^\w+/, "0123"), 0o600);
  host.write(`${installed}/more`, "");
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.deepEqual(host.list(installed), [".digests", ".sha256", "README.md", "etcd", "etcdctl", "etcdutl"]);
  assert.equal(mirror.requests.length, 4);
});

test("what runs is declared from the record, whatever becomes of the folder's own", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  const declared = host.read("var/lib/etcd-host/declared-install");
  fs.rmSync(host.file(installed, ".digests"));
  const { code, stderr } = await install(host, mirror.url);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(host.read("var/lib/etcd-host/declared-install"), declared);
});

/** A folder of the version with binaries of somebody else. */
function plantedHost(t: TestContext): Host {
  const host = preparedHost(t);
  for (const binary of ["etcd", "etcdctl", "etcdutl"])
    host.write(`${installed}/${binary}`, "#!/bin/sh\necho theirs\n", 0o755);
  return host;
}

test("a folder that somebody made is no installation, whatever it says of itself; nothing of it is lost", async (t) => {
  const host = plantedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  host.fake("date", "echo 20261128T000000Z");
  const { code, stderr } = await install(host, mirror.url);
  assert.equal(code, 0, stderr);
  const aside = `${installed}.aside-20261128T000000Z`;
  assert.equal(
    stderr,
    `etcd-host: ${host.file(installed)}, which this program did not make, is kept in ${host.file(aside)}\n`,
  );
  assert.equal(host.read(`${aside}/etcdctl`), "#!/bin/sh\necho theirs\n");
  assert.equal(host.read(`${installed}/etcdctl`), BINARIES.etcdctl);
});

test("a folder with the digest of the declared archive and those of other binaries is no installation", async (t) => {
  const host = plantedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  host.write(`${installed}/.sha256`, `${sha256(ARCHIVE)}\n`);
  await host.shell(`cd "$OPT_DIR/${VERSION}"; sha256sum "$PWD"/etcd* >.digests`);
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.equal(host.read(`${installed}/etcdctl`), BINARIES.etcdctl);
  assert.deepEqual(mirror.requests, [ARCHIVE_PATH]);
});

test("a link in place of the folder or of a binary is replaced, and what it leads to left alone", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  fs.renameSync(host.file(installed, "etcdctl"), host.file("etcdctl"));
  fs.symlinkSync(host.file("etcdctl"), host.file(installed, "etcdctl"));
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.ok(fs.lstatSync(host.file(installed, "etcdctl")).isFile());
  fs.renameSync(host.file(installed), host.file("theirs"));
  fs.symlinkSync(host.file("theirs"), host.file(installed));
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.ok(fs.lstatSync(host.file(installed)).isDirectory());
  assert.equal(host.read("theirs/etcdctl"), BINARIES.etcdctl);
});

test("the folder of the releases is root's, before anything is downloaded into it", async (t) => {
  const host = preparedHost(t);
  fs.chownSync(host.paths.OPT_DIR, 1000, 1000);
  fs.chmodSync(host.paths.OPT_DIR, 0o777);
  host.fake("curl", `stat -c '%a %u' "$HOST_ROOT/opt/etcd" >"$HOST_ROOT/seen"; exit 1`);
  assert.equal((await install(host, "http://127.0.0.1:9")).code, 1);
  assert.equal(host.read("seen"), "755 0\n");
});

test("a run that is killed before the release has its name leaves none that may run, and the next installs it", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  const other = makeArchive({ ...BINARIES, etcdctl: "another" });
  const next = await serveArchive(t, other);
  const changed = { "sha256-amd64": sha256(other) };
  host.fake("mv", `case "$*" in *"/release "*) kill -KILL $PPID; exit ;; esac; exec /bin/mv "$@"`);
  const killed = await install(host, next.url, changed);
  assert.equal(killed.code, null, killed.stderr);
  const mayRun = async () => (await host.shell(`is_verified ${VERSION} etcdctl`)).code === 0;
  assert.equal(await mayRun(), false);
  host.fake("mv", 'exec /bin/mv "$@"');
  assert.equal((await install(host, next.url, changed)).code, 0);
  assert.equal(host.read(`${installed}/etcdctl`), "another");
  assert.equal(await mayRun(), true);
});

test("a release that an older program installed, which kept a record of the last one only, is not downloaded again", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  const before = host.snapshot();
  fs.rmSync(host.file(record));
  assert.equal((await host.shell(`is_verified ${VERSION} etcdctl`)).code, 0, "it runs until then");
  assert.equal((await install(host, mirror.url)).stdout, `etcd ${VERSION} is installed\n`);
  assert.deepEqual(host.snapshot(), before);
});

test("what a killed run left is removed by the next", async (t) => {
  const host = preparedHost(t);
  host.write("opt/etcd/.new-x1y2z3/archive", "half");
  host.write("opt/etcd/3.6.13/etcd", "another version");
  const mirror = await serveArchive(t, ARCHIVE);
  assert.equal((await install(host, mirror.url)).code, 0);
  assert.deepEqual(host.list("opt/etcd"), ["3.6.13", VERSION]);
});

test("the release is on the disk before it takes its name; under SELinux its binaries are then labelled as programs", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  const note = (what: string) => `echo "${what} $(ls "$HOST_ROOT/opt/etcd")" >>"$HOST_ROOT/seen"`;
  host.fake("sync", `[ "$1" != -f ] || ${note("sync")}`);
  host.fake("restorecon", `[ "$2" != "$HOST_ROOT/${installed}" ] || ${note("label")}`);
  host.fake("selinuxenabled", "exit 0");
  host.fake("chcon", 'echo "$*" >>"$HOST_ROOT/seen"');
  assert.equal((await install(host, mirror.url)).code, 0);
  const binaries = ["etcd", "etcdctl", "etcdutl"].map((binary) => host.file(installed, binary));
  assert.equal(host.read("seen"), `sync \nlabel ${VERSION}\n-t bin_t ${binaries.join(" ")}\n`);
});

test("the links are switched to the version, and only where they differ", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await install(host, mirror.url);
  fs.symlinkSync("/opt/etcd/3.6.13/etcd", host.file("usr/local/bin/etcd"));
  host.write("usr/local/bin/etcdctl", "somebody's own");
  const link = () => host.shell("link_version", [`--version=${VERSION}`]);
  assert.equal((await link()).code, 0);
  for (const binary of ["etcd", "etcdctl", "etcdutl"])
    assert.equal(fs.readlinkSync(host.file("usr/local/bin", binary)), host.file(installed, binary));
  const inode = () => fs.lstatSync(host.file("usr/local/bin/etcd")).ino;
  const before = inode();
  assert.equal((await link()).code, 0);
  assert.equal(inode(), before);
  assert.deepEqual(host.list("usr/local/bin"), ["etcd", "etcdctl", "etcdutl"]);
});
