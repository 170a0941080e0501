import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { Host, permissions, type Result } from "./host.ts";
import { ARCHIVE, ARCHIVE_PATH, BINARIES, makeArchive, serveArchive, sha256, VERSION } from "./mirror.ts";

const installed = `opt/etcd/${VERSION}`;
const record = `var/lib/etcd-host/installed-${VERSION}`;

/** A prepared host of an amd64 machine. */
function preparedHost(t: TestContext): Host {
  const host = Host.create(t);
  host.fake("uname", "echo x86_64");
  host.write("var/lib/etcd-host/mark", "name=node1\nincarnation=0\n", 0o600);
  fs.mkdirSync(host.paths.OPT_DIR);
  return host;
}

/** The step as Pulumi runs it. */
function install(
  host: Host,
  mirror: string,
  changed: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const options = {
    name: "node1",
    incarnation: "0",
    owner: "urn:install",
    version: VERSION,
    "sha256-amd64": sha256(ARCHIVE),
    "sha256-arm64": "0".repeat(64),
    mirror,
    ...changed,
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  return host.run(["install", ...args], { env });
}

/** The step fails with this code and sentence, and leaves no file behind. */
async function installsNothing(
  host: Host,
  mirror: string,
  code: number,
  sentence: RegExp,
  changed = {},
): Promise<void> {
  const before = host.snapshot();
  const result = await install(host, mirror, changed);
  assert.equal(result.code, code, result.stderr);
  assert.match(result.stderr, sentence);
  assert.equal(result.stderr.trimEnd().split("\n").length, 1, "one line says it all");
  assert.deepEqual(host.snapshot(), before);
}

for (const [tool, other] of [
  ["curl", "wget"],
  ["wget", "curl"],
] as const) {
  test(`${tool} fetches a release; it is verified, unpacked and left with its digest`, async (t) => {
    const host = preparedHost(t);
    host.hide(other);
    const mirror = await serveArchive(t, ARCHIVE);
    const { code, stdout, stderr } = await install(host, mirror.url);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout, `installed etcd ${VERSION} in ${host.file(installed)}\n`);
    assert.deepEqual(host.list("opt/etcd"), [VERSION]);
    assert.deepEqual(host.list(installed), [
      ".digests",
      ".sha256",
      "README.md",
      "etcd",
      "etcdctl",
      "etcdutl",
    ]);
    for (const binary of ["etcd", "etcdctl", "etcdutl"]) {
      assert.equal(host.read(`${installed}/${binary}`), BINARIES[binary]);
      assert.equal(permissions(host.file(installed, binary)), "755 0:0");
    }
    assert.equal(permissions(host.file(installed)), "755 0:0");
    assert.equal(host.read("var/lib/etcd-host/owner-install"), "urn:install\n");
    assert.equal(
      host.read(record),
      `${sha256(ARCHIVE)}  archive\n${host.read("var/lib/etcd-host/declared-install")}`,
    );
    assert.equal(permissions(host.file(record)), "600 0:0");
    assert.match(
      host.read("var/lib/etcd-host/declared-install"),
      new RegExp(`^[0-9a-f]{64}  ${host.file(installed)}/etcd$`, "m"),
    );
    assert.deepEqual(host.list("usr/local/bin"), [], "the links are the member step's");
  });

  test(`${tool} goes through the proxy`, async (t) => {
    const host = preparedHost(t);
    host.hide(other);
    const proxy = await serveArchive(t, ARCHIVE);
    const { code, stderr } = await install(host, "http://mirror.invalid/etcd", { proxy: proxy.url });
    assert.equal(code, 0, stderr);
    assert.deepEqual(proxy.requests, [`http://mirror.invalid/etcd${ARCHIVE_PATH}`]);
  });

  test(`${tool} goes by the proxy of the host's environment, if the configuration has none`, async (t) => {
    const host = preparedHost(t);
    host.hide(other);
    const [proxy, theirs] = [await serveArchive(t, ARCHIVE), await serveArchive(t, ARCHIVE)];
    const env = { http_proxy: theirs.url.replace("//", "//user:secret@"), no_proxy: "other.invalid" };
    const { code, stdout, stderr } = await install(host, "http://mirror.invalid/etcd", {}, env);
    assert.equal(code, 0, stderr);
    assert.ok(
      stdout.endsWith(` with http_proxy=${theirs.url} in this host's environment, no_proxy=other.invalid\n`),
      stdout,
    );
    assert.deepEqual(theirs.requests, [`http://mirror.invalid/etcd${ARCHIVE_PATH}`]);
    const otherHost = preparedHost(t);
    otherHost.hide(other);
    await install(otherHost, "http://mirror.invalid/etcd", { proxy: proxy.url }, env);
    assert.equal(proxy.requests.length, 1);
    assert.equal(theirs.requests.length, 1);
  });

  test(`${tool} reaches no proxy: whose it is, is told, without its password`, async (t) => {
    const host = preparedHost(t);
    host.hide(other);
    const env = { https_proxy: "http://user:secret@127.0.0.1:9", all_proxy: "socks5://127.0.0.1:9" };
    const { code, stderr } = await install(host, "https://mirror.invalid/etcd", {}, env);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /cannot download \S+ with https_proxy=http:\/\/127\.0\.0\.1:9 in this host's environment: /,
    );
    assert.doesNotMatch(stderr, /secret/);
    const declared = { proxy: "http://user:secret@127.0.0.1:9" };
    const configured = await install(host, "https://mirror.invalid/etcd", declared, env);
    assert.match(configured.stderr, /cannot download \S+ by etcd:proxy \(http:\/\/127\.0\.0\.1:9\): /);
    assert.doesNotMatch(configured.stderr, /secret/);
  });

  test(`${tool} finds no such release, or no mirror: the reason is told, and nothing is installed`, async (t) => {
    const host = preparedHost(t);
    host.hide(other);
    const mirror = await serveArchive(t, ARCHIVE);
    const download = (reason: string) =>
      new RegExp(
        `^etcd-host: failed: cannot download http://127\\.0\\.0\\.1:\\d+/\\S+: .*${reason}.*; check etcd:mirror and etcd:proxy,`,
      );
    await installsNothing(host, `${mirror.url}/other`, 1, download("404"), { version: "3.6.13" });
    await installsNothing(host, "http://127.0.0.1:9", 1, download("([Rr]efused|Couldn't connect)"));
  });
}

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

test("an archive that is not the declared one is refused before it is unpacked", async (t) => {
  const host = preparedHost(t);
  host.fake("tar", ': >"$HOST_ROOT/unpacked"');
  const mirror = await serveArchive(t, ARCHIVE);
  const wrong = "1".repeat(64);
  const sentence = new RegExp(
    `refused: the archive \\S+ has sha256 ${sha256(ARCHIVE)}, declared is ${wrong}: nothing was installed; check etcd:mirror`,
  );
  await installsNothing(host, mirror.url, 3, sentence, { "sha256-amd64": wrong });
});

test("an architecture without a digest is refused, and nothing is downloaded", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await installsNothing(
    host,
    mirror.url,
    3,
    /refused: no sha256 is known for etcd 3\.6\.14 on amd64; add it to etcd:sha256/,
    { "sha256-amd64": "" },
  );
  assert.deepEqual(mirror.requests, []);
});

test("a truncated archive, although it is the declared one, leaves nothing", async (t) => {
  const host = preparedHost(t);
  const half = ARCHIVE.subarray(0, ARCHIVE.length / 2);
  const mirror = await serveArchive(t, half);
  const sentence =
    /failed: cannot unpack etcd 3\.6\.14 in \S+: .+; 29296 MiB are free there; nothing was installed/;
  await installsNothing(host, mirror.url, 1, sentence, { "sha256-amd64": sha256(half) });
});

test("an archive of something else leaves nothing", async (t) => {
  const host = preparedHost(t);
  const { etcdctl: _, ...others } = BINARIES;
  const archive = makeArchive(others);
  const mirror = await serveArchive(t, archive);
  const sentence =
    /failed: the archive has no etcdctl: is etcd:mirror a mirror of etcd's releases\? nothing was installed/;
  await installsNothing(host, mirror.url, 1, sentence, { "sha256-amd64": sha256(archive) });
});

test("a disk that fills up while the release is unpacked leaves nothing, and is named", async (t) => {
  const host = preparedHost(t);
  const archive = makeArchive({ ...BINARIES, etcd: "\0".repeat(4_000_000) });
  const mirror = await serveArchive(t, archive);
  // a process may write files of 1 MB here; tar then hears the same as on a full disk
  host.fake("tar", 'trap "" XFSZ; ulimit -f 2000; exec /bin/tar "$@"');
  await installsNothing(
    host,
    mirror.url,
    1,
    /cannot unpack etcd 3\.6\.14 in \S+: .*Wrote only .*; 29296 MiB are free there/,
    { "sha256-amd64": sha256(archive) },
  );
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

test("a host of another member is left alone", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await installsNothing(host, mirror.url, 3, /prepared for 'node1', not for node2/, { name: "node2" });
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
