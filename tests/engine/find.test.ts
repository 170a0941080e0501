// Where the engine comes from, with stand-ins for curl, go and pulumi: what is called, in which order, and what is said.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";

const script = path.resolve(import.meta.dirname, "../../lab/engine/find.ts");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "engine-find-"));
  await mkdir(path.join(folder, "bin"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A program on PATH that notes its call and then does this. */
async function fake(name: string, body: string, where = "bin"): Promise<void> {
  const file = path.join(folder, where, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\necho "${name} $*" >>${folder}/calls\n${body}\n`);
  await chmod(file, 0o755);
}

async function calls(): Promise<string[]> {
  const text = await readFile(path.join(folder, "calls"), "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}

interface Found {
  kind: string;
  bin: string;
  log: string;
}

/** The answer of the script, with nothing on PATH but the fakes. */
async function find(environment: Record<string, string> = {}): Promise<Found> {
  const env = {
    HOME: folder,
    ETCD_CACHE: path.join(folder, "cache"),
    PATH: path.join(folder, "bin"),
    ...environment,
  };
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, [script], { env }, (error, stdout, stderr) => {
      const [kind = "", bin = ""] = stdout.split("\n");
      if (error) reject(new Error(stderr));
      else resolve({ kind, bin, log: stderr });
    });
  });
}

const names = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-command", "pulumi-resource-tls"];
const offline = "exit 7";
const builds = 'while [ "$1" != -o ]; do shift; done; echo built >"$2"';

test("what is installed is taken first", async () => {
  await fake("pulumi", "echo v3.300.1");
  for (const name of names.slice(1)) await fake(name, "");
  const { kind, bin } = await find();
  assert.equal(kind, "installed");
  assert.deepEqual((await readdir(bin)).sort(), names);
  for (const name of names)
    assert.equal(await realpath(path.join(bin, name)), path.join(folder, "bin", name));
  // The second call asks nobody.
  assert.deepEqual(await find(), { kind, bin, log: "" });
  assert.deepEqual(await calls(), ["pulumi version"]);
});

test("plugins that Pulumi has fetched before count as installed, others it is asked to fetch", async () => {
  await fake(
    "pulumi",
    `[ "$1" = version ] && echo 3.276.0 || mkdir -p $PULUMI_HOME/plugins/resource-$4-v$5
    case "$1" in plugin) echo >$PULUMI_HOME/plugins/resource-$4-v$5/pulumi-resource-$4;; esac`.replaceAll(
      "mkdir",
      "/bin/mkdir",
    ),
  );
  await fake("pulumi-language-nodejs", "");
  await fake("pulumi-resource-command", "", ".pulumi/plugins/resource-command-v1.2.1");
  const { kind, bin } = await find();
  assert.equal(kind, "installed");
  assert.deepEqual((await readdir(bin)).sort(), names);
  assert.deepEqual(await calls(), ["pulumi version", "pulumi plugin install resource tls 5.6.1"]);
});

test("a CLI that is too old is not taken", async () => {
  await fake("pulumi", "echo v3.99.0");
  for (const name of names.slice(1)) await fake(name, "");
  await assert.rejects(
    find({ ETCD_ENGINE: "installed" }),
    /pulumi on PATH is 3\.99\.0; 3\.250\.0 or later is needed/,
  );
});

test("the oldest CLI can be asked for: built from its own module, and another one on PATH is not taken", async () => {
  await fake("pulumi", "echo v3.300.1");
  for (const name of names.slice(1)) await fake(name, "");
  await fake("curl", offline);
  await fake("go", `pwd >>${folder}/calls; ${builds}`);
  const { kind, bin, log } = await find({ ETCD_CLI: "3.250.0" });
  assert.equal(kind, "built");
  assert.match(log, /building Pulumi 3\.250\.0 from its Go module/);
  assert.ok((await calls()).some((call) => call.endsWith("/lab/engine/cli/v3.250.0")));
  assert.equal((await find({ ETCD_CLI: "3.250.0" })).bin, bin);
  assert.equal((await find()).kind, "installed");
  await assert.rejects(find({ ETCD_CLI: "3.99.0" }), /ETCD_CLI=3\.99\.0: it is one of 3\.250\.0, 3\.276\.0/);
});

/** A site with the release, whose list of checksums has this digest for every platform. */
async function fakeDownload(digest: string): Promise<void> {
  const platforms = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];
  const lines = ["linux-x64.zip", ...platforms.map((platform) => `${platform}.tar.gz`)].map(
    (rest) => `${rest === "linux-x64.zip" ? "0".repeat(64) : digest}  pulumi-v3.276.0-${rest}`,
  );
  await writeFile(path.join(folder, "checksums"), lines.join("\n"));
  await fake(
    "curl",
    `case "$*" in *-checksums.txt) exec /bin/cat ${folder}/checksums;; esac
    while [ $# -gt 0 ]; do [ "$1" != -o ] || echo archive >"$2"; shift; done`,
  );
}
const digestOfArchive = createHash("sha256").update("archive\n").digest("hex");

test("an archive that has not the published checksum is not unpacked", async () => {
  await fakeDownload("ab".repeat(32));
  await fake("tar", "");
  await assert.rejects(
    find({ ETCD_ENGINE: "downloaded" }),
    /pulumi-v3\.276\.0-\S+ does not have the checksum in https:\/\/github\.com\/pulumi\/\S+-checksums\.txt, and is not used/,
  );
  assert.ok(!(await calls()).some((call) => call.startsWith("tar")));
  assert.deepEqual(await readdir(path.join(folder, "cache/engine")).catch(() => []), []);
});

test("what can be downloaded is downloaded, once", async () => {
  const cli =
    'echo "echo pulumi \\$* >>$FOLDER/calls; home=\\$PULUMI_HOME/plugins/resource-\\$4-v\\$5; /bin/mkdir -p \\$home; echo >\\$home/pulumi-resource-\\$4"';
  await fakeDownload(digestOfArchive);
  await fake("tar", `${cli} >$4/pulumi; echo >$4/pulumi-language-nodejs; /bin/chmod +x $4/*`);
  const { kind, bin, log } = await find({ FOLDER: folder });
  assert.equal(kind, "downloaded");
  assert.match(log, /downloading Pulumi/);
  assert.deepEqual((await readdir(bin)).sort(), names);
  const before = await calls();
  assert.ok(
    before.some((call) =>
      /^curl .*https:\/\/get\.pulumi\.com\/releases\/sdk\/pulumi-v3\.276\.0-\S+\.tar\.gz$/.test(call),
    ),
  );
  assert.deepEqual(await find({ FOLDER: folder }), { kind, bin, log: "" });
  assert.deepEqual(await calls(), before);
});

test("where nothing can be downloaded it is built, once, with this repository's stand-ins", async () => {
  await fake("curl", offline);
  await fake("go", builds);
  const { kind, bin, log } = await find();
  assert.equal(kind, "built");
  assert.match(log, /building Pulumi 3\.276\.0 from its Go module/);
  assert.match(log, /stand-ins/);
  assert.doesNotMatch(log, /curl/);
  assert.equal(await readFile(path.join(bin, "pulumi"), "utf8"), "built\n");
  assert.match(
    await readFile(path.join(bin, "pulumi-resource-tls"), "utf8"),
    /lab\/engine\/tls-provider\.ts/,
  );
  // Also where it is on PATH already.
  const again = await find({ PATH: [bin, path.join(folder, "bin")].join(path.delimiter) });
  assert.deepEqual([again.kind, again.bin], [kind, bin]);
  assert.deepEqual(
    (await calls()).map((call) => call.split(" ")[0]),
    ["curl", "go"],
  );
});

test("a build that fails says what to do, and leaves nothing that looks built", async () => {
  await fake("curl", offline);
  await fake("go", "echo 'go: downloading x' >&2; echo 'dial tcp: i/o timeout' >&2; exit 1");
  await assert.rejects(find(), (error: Error) => {
    assert.match(error.message, /installed: there is no pulumi on PATH/);
    assert.match(error.message, /downloaded: https:\/\/github\.com\/pulumi\/\S+ cannot be had from here/);
    assert.match(error.message, /built: building Pulumi failed; check Go's module proxy .*\n.*i\/o timeout/);
    assert.doesNotMatch(error.message, /go: downloading/);
    return true;
  });
  await fake("go", builds);
  assert.equal((await find()).kind, "built");
});

test("a missing Go is named", async () => {
  await assert.rejects(
    find({ ETCD_ENGINE: "built" }),
    /building Pulumi needs Go 1\.26\.6 or later: install it .* or install Pulumi/,
  );
});

test("one variable forces the choice, and a wrong value is refused", async () => {
  await fake("pulumi", "echo v3.300.1");
  for (const name of names.slice(1)) await fake(name, "");
  await fake("go", builds);
  assert.equal((await find({ ETCD_ENGINE: "built" })).kind, "built");
  assert.equal((await find({ ETCD_ENGINE: "installed" })).kind, "installed");
  await assert.rejects(
    find({ ETCD_ENGINE: "downloaded" }),
    /github\.com\/pulumi\/\S+ cannot be had from here/,
  );
  await assert.rejects(
    find({ ETCD_ENGINE: "stolen" }),
    /ETCD_ENGINE=stolen: it is one of installed, downloaded, built/,
  );
});
