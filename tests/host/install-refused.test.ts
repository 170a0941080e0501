// install: an archive or a host that it makes nothing of, and of which it leaves nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { installsNothing, preparedHost } from "./installing.ts";
import { ARCHIVE, BINARIES, makeArchive, serveArchive, sha256 } from "./mirror.ts";

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

test("a host of another member is left alone", async (t) => {
  const host = preparedHost(t);
  const mirror = await serveArchive(t, ARCHIVE);
  await installsNothing(host, mirror.url, 3, /prepared for 'node1', not for node2/, { name: "node2" });
});
