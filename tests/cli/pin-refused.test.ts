// npm run pin: releases, sums and files that it refuses, each in one sentence.
import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { digest, FILE, type Setting, stackOn, sums } from "./pinned.ts";

const refusals: readonly (readonly [what: string, wanted: string, setting: Setting, says: RegExp])[] = [
  ["a minor that is not known", "3.8.0", {}, /^refused: etcd 3\.8 is newer than 3\.7, .* use one of 3\.5/],
  ["what is no release", "v3.6.16", {}, /^refused: "v3\.6\.16" is not an etcd release; leave out the v/],
  [
    "a downgrade",
    "3.5.35",
    {},
    /^refused: 3\.6\.14 is declared; going back from 3\.6 to 3\.5 is etcd's downgrade procedure; add downgrade to etcd:allow/,
  ],
  [
    "a minor skipped",
    "3.7.3",
    { lines: ["etcd:version: 3.5.35"] },
    /^refused: 3\.5\.35 is declared; etcd goes up one minor at a time; go to 3\.6 first/,
  ],
  [
    "a version with known holes",
    "3.6.15",
    {},
    /^refused: 3\.6\.15 has known security holes that 3\.6\.16 closes; /,
  ],
  [
    "sums without one of the architectures",
    "3.6.16",
    { served: { "3.6.16": sums("3.6.16").replace(/^.*arm64.*\n/m, "") } },
    /^refused: .* cannot be used: it has no digest of 64 hexadecimal digits for etcd-v3\.6\.16-linux-arm64\.tar\.gz;/,
  ],
  [
    "a digest cut short",
    "3.6.16",
    { served: { "3.6.16": sums("3.6.16", "ab".repeat(31)) } },
    /no digest of 64 hexadecimal digits for etcd-v3\.6\.16-linux-amd64\.tar\.gz/,
  ],
  [
    "an archive named twice",
    "3.6.16",
    { served: { "3.6.16": sums("3.6.16") + sums("3.6.16", digest("ee")) } },
    /names etcd-v3\.6\.16-linux-amd64\.tar\.gz more than once/,
  ],
  [
    "another digest than the one declared",
    "3.6.16",
    {
      served: { "3.6.16": sums("3.6.16") },
      lines: ["etcd:version: 3.6.14", `etcd:sha256: { 3.6.16: { arm64: ${digest("0f")} } }`],
    },
    /has another digest for arm64 than Pulumi\.prod\.yaml, though an archive never changes once it is released/,
  ],
];
for (const [what, wanted, setting, says] of refusals)
  test(`${what} is refused in one sentence, and the file stays as it is`, async (t) => {
    const { pin, file, text } = await stackOn(t, setting);
    const { code, stdout, stderr } = await pin(wanted);
    assert.match(stderr, says);
    assert.match(stderr, /; nothing was changed\.\n$/);
    assert.deepEqual([code, stdout, file()], [3, "", text]);
  });

test("a file that is missing, or is no stack's, is named", async (t) => {
  const { folder, pin } = await stackOn(t, {});
  for (const [text, says] of [
    ["config: [\n", /^Pulumi\.prod\.yaml: Flow sequence/],
    [
      "config:\n  etcd:mirror: nowhere\n",
      /^Pulumi\.prod\.yaml: mirror: "nowhere" is not the URL of a server/,
    ],
  ] as const) {
    folder.write(FILE, text);
    const { code, stderr } = await pin("3.6.16");
    assert.match(stderr, says);
    assert.deepEqual([code, folder.read(FILE)], [1, text]);
  }
  fs.rmSync(join(folder.dir, FILE));
  assert.match((await pin("3.6.16")).stderr, /^Pulumi\.prod\.yaml cannot be read: ENOENT/);
});
