import assert from "node:assert/strict";
import { test } from "node:test";
import { releases } from "../../etcd/releases.ts";
import { config, problems } from "./configuration.ts";

const digest = "ab".repeat(32);

test("a known version comes with its digests", () => {
  const { release } = config();
  assert.equal(release.version, "3.6.14");
  assert.deepEqual(Object.keys(release.sha256), ["amd64", "arm64"]);
  assert.equal(release.mirror, "https://github.com/etcd-io/etcd/releases/download");
  assert.equal(release.proxy, "");
});

test("every digest of the table is 64 hexadecimal digits, and no two are alike", () => {
  const digests = Object.values(releases).flatMap((byArchitecture) => Object.values(byArchitecture));
  for (const one of digests) assert.match(one, /^[0-9a-f]{64}$/);
  assert.equal(new Set(digests).size, digests.length);
});

test("sha256 extends the table, and overrides it per architecture", () => {
  const extended = config({ version: "3.6.99", sha256: { "3.6.99": { arm64: digest.toUpperCase() } } });
  assert.deepEqual(extended.release.sha256, { arm64: digest });
  const overridden = config({ sha256: { "3.6.14": { amd64: digest } } });
  assert.deepEqual(overridden.release.sha256, { ...releases["3.6.14"], amd64: digest });
});

for (const [what, values, sentence] of [
  [
    "an unknown version",
    { version: "3.6.99" },
    "version: no sha256 is known for 3.6.99; npm run pin -- 3.6.99 takes it from the release's SHA256SUMS.",
  ],
  [
    "a leading v",
    { version: "v3.6.14" },
    'version: "v3.6.14" is not an etcd release; leave out the v: 3.6.14.',
  ],
  ["a minor alone", { version: "3.6" }, 'version: "3.6" is not an etcd release; write it like 3.6.14.'],
  [
    "a pre-release",
    { version: "3.7.0-rc.0" },
    'version: "3.7.0-rc.0" is not an etcd release; write it like 3.6.14.',
  ],
  [
    "a minor that has ended",
    { version: "3.4.45" },
    "version: etcd 3.4 no longer gets security fixes; use one of 3.5, 3.6, 3.7.",
  ],
  [
    "etcd 2",
    { version: "2.3.8" },
    "version: etcd 2.3 no longer gets security fixes; use one of 3.5, 3.6, 3.7.",
  ],
  [
    "a later major",
    { version: "4.0.0" },
    "version: etcd 4.0 is newer than 3.7, the newest whose flags are known here; use one of 3.5, 3.6, 3.7.",
  ],
  [
    "a minor that is not known",
    { version: "3.8.0" },
    "version: etcd 3.8 is newer than 3.7, the newest whose flags are known here; use one of 3.5, 3.6, 3.7.",
  ],
  [
    "a digest that is too long",
    { sha256: { "3.6.14": { amd64: `${digest}00` } } },
    "sha256.3.6.14.amd64: must be 64 hexadecimal digits (it has 66 characters).",
  ],
  [
    "a digest that is no hexadecimal number",
    { sha256: { "3.6.14": { amd64: "g".repeat(64) } } },
    "sha256.3.6.14.amd64: must be 64 hexadecimal digits (it has 64 characters).",
  ],
  [
    "an unknown architecture",
    { sha256: { "3.6.14": { x86: digest } } },
    "sha256.3.6.14.x86: no such setting; choose from amd64, arm64.",
  ],
  [
    "a digest without its version",
    { sha256: { amd64: digest } },
    'sha256.amd64: "amd64" is not an etcd release; write the key like "3.6.14".',
  ],
  [
    "a mirror that is no URL",
    { mirror: "mirror.lan" },
    'mirror: "mirror.lan" is not the URL of a server; write it like https://host.',
  ],
  [
    "a mirror that is a folder",
    { mirror: "file:///srv/etcd" },
    'mirror: "file:///srv/etcd" is not the URL of a server; write it like https://host.',
  ],
  [
    "a mirror with a password",
    { mirror: "https://me:secret@mirror.lan" },
    "mirror: contains a user or password, which every preview would show; use a server that needs none.",
  ],
  [
    "a mirror with a user",
    { mirror: "https://token@mirror.lan" },
    "mirror: contains a user or password, which every preview would show; use a server that needs none.",
  ],
  [
    "a mirror with a query",
    { mirror: "https://mirror.lan/?a=b" },
    'mirror: "https://mirror.lan/?a=b" has a ? or # part; give only the folder\'s URL.',
  ],
  [
    "a proxy that is no URL",
    { proxy: "proxy:3128" },
    'proxy: "proxy:3128" is not the URL of a server; write it like http://host.',
  ],
] as const) {
  test(`${what} is refused in one sentence`, () => {
    assert.deepEqual(problems(values), [sentence]);
  });
}

test("a version with known holes is read, an ended minor is refused whatever is allowed", () => {
  assert.equal(config({ version: "3.6.13" }).release.version, "3.6.13"); // cluster/changes.ts judges the step to it
  assert.deepEqual(problems({ version: "3.4.45", allow: ["version-below-security-floor"] }).length, 1);
});

test("mirror and proxy are taken as they are, without a slash at the end", () => {
  const { release } = config({ mirror: "http://192.168.1.1:8080/etcd/", proxy: "socks5h://proxy.lan:1080" });
  assert.equal(release.mirror, "http://192.168.1.1:8080/etcd");
  assert.equal(release.proxy, "socks5h://proxy.lan:1080");
});
