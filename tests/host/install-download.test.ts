// install: the way of the archive to the host, by curl or wget, through whose proxy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { permissions } from "./host.ts";
import { install, installed, installsNothing, preparedHost, record } from "./installing.ts";
import { ARCHIVE, ARCHIVE_PATH, BINARIES, serveArchive, sha256, VERSION } from "./mirror.ts";

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
