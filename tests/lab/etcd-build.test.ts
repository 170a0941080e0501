import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";

const build = fileURLToPath(new URL("../../lab/etcd/build", import.meta.url));
const VERSION = "3.6.14";

/** Runs the build in a cache of its own, with a `go` that does this instead of compiling. */
function buildWith(t: TestContext, go: string) {
  const folder = mkdtempSync(join(tmpdir(), "etcd-build-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "go"), `#!/bin/sh\ncase $1 in env) echo go1.99; exit ;; esac\n${go}\n`);
  chmodSync(join(folder, "go"), 0o755);
  const PATH = [folder, env.PATH].join(delimiter);
  const { status, stdout, stderr } = spawnSync(build, [VERSION], {
    encoding: "utf8",
    env: { ...env, PATH, ETCD_CACHE: folder },
  });
  return { folder, status, stdout, stderr };
}

test("a build that went well ends with 0 and the path of its archive, also the first time", (t) => {
  const out =
    'while [ "$1" != -o ]; do shift; done; for name in server etcdctl etcdutl; do echo $name >"$2$name"; done';
  const { folder, status, stdout, stderr } = buildWith(t, out);
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^${folder}/etcd/v${VERSION}/etcd-v${VERSION}-linux-\\w+\\.tar\\.gz\n$`));
  assert.ok(existsSync(stdout.trim()));
});

test("a build that fails shows what Go said, without its downloads, and leaves no archive", (t) => {
  const { status, stdout, stderr } = buildWith(
    t,
    "echo 'go: downloading x' >&2; echo 'no such module' >&2; exit 1",
  );
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /no such module\netcd: etcd 3\.6\.14 does not compile: see the lines above\n$/);
  assert.doesNotMatch(stderr, /downloading/);
});
