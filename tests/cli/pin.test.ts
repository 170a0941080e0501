// npm run pin: a release and its digests in a stack's file, from a mirror that serves SHA256SUMS.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { settingsIn, withRelease } from "../../cli/pin/stack-file.ts";
import { releases } from "../../etcd/releases.ts";
import { config } from "../unit/configuration.ts";
import { StandIns } from "./stand-ins.ts";

const digest = (fill: string) => fill.repeat(32);
const FILE = "Pulumi.prod.yaml";

/** As etcd's releases have it. */
function sums(version: string, amd64 = digest("ab"), arm64 = digest("cd")): string {
  const line = (one: string, os: string) => `${one}  etcd-v${version}-${os}\n`;
  return [
    line(digest("11"), "darwin-amd64.zip"),
    line(amd64, "linux-amd64.tar.gz"),
    line(arm64, "linux-arm64.tar.gz"),
    line(digest("22"), "linux-s390x.tar.gz"),
  ].join("");
}

async function listening(t: TestContext, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

interface Setting {
  /** SHA256SUMS by version. */
  readonly served?: Readonly<Record<string, string>>;
  readonly lines?: readonly string[];
}

/** A stack on such a mirror; its file declares a patch with a comment, and more lines. */
async function stackOn(t: TestContext, { served = {}, lines = ["etcd:version: 3.6.14"] }: Setting) {
  const folder = new StandIns(t);
  const answering = createServer((request, response) => {
    const [, version = ""] = /^\/v([^/]+)\/SHA256SUMS$/.exec(request.url ?? "") ?? [];
    response.writeHead(version in served ? 200 : 404).end(served[version]);
  });
  const mirror = await listening(t, answering);
  const text = [
    "# of the team",
    "config:",
    '  aws:allowedAccountIds: ["111122223333"] # ours',
    `  etcd:mirror: ${mirror}`,
    ...lines.map((line) => `  ${line}`),
    "  etcd:nodes: # three",
    "    - { name: node1, address: 192.168.1.101 }",
    "",
  ].join("\n");
  folder.write(FILE, text);
  const pin = (...args: string[]) => folder.run("pin", "--stack", "team/etcd/prod", ...args);
  return { folder, mirror, text, pin, file: () => folder.read(FILE) };
}

test("a release and the digests of both architectures are written, and nothing else of the file changes", async (t) => {
  const { pin, file, text, mirror } = await stackOn(t, {
    served: { "3.6.16": sums("3.6.16") },
    lines: ["etcd:version: 3.6.14 # reviewed by two"],
  });
  const { code, stdout, stderr } = await pin("3.6.16");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    file(),
    text.replace(
      "  etcd:version: 3.6.14 # reviewed by two\n",
      `  etcd:version: 3.6.16 # reviewed by two
  etcd:sha256:
    "3.6.16":
      amd64: ${digest("ab")}
      arm64: ${digest("cd")}
`.replaceAll('"', ""),
    ),
  );
  const { mirror: _, ...settings } = settingsIn(file());
  const { release } = config({ version: settings.version, sha256: settings.sha256 });
  assert.deepEqual(release.sha256, { amd64: digest("ab"), arm64: digest("cd") });
  assert.match(
    stdout,
    /^Pulumi\.prod\.yaml: etcd 3\.6\.14 → 3\.6\.16\n {2}amd64 (ab){32}\n {2}arm64 (cd){32}$/m,
  );
  assert.ok(stdout.includes(`Trusted: ${mirror}/v3.6.16/SHA256SUMS, the mirror of this stack, without TLS`));
  assert.match(stdout, /not signed/);
  assert.match(stdout, /Next: git diff Pulumi\.prod\.yaml, then npm run plan/);

  const again = await pin("3.6.16");
  assert.deepEqual(
    [again.code, again.stdout],
    [0, "Pulumi.prod.yaml declares 3.6.16 already: nothing was changed.\n"],
  );
});

test("the entry of another version stays, and so do the comments in it", async (t) => {
  const { pin, file } = await stackOn(t, {
    served: { "3.6.17": sums("3.6.17") },
    lines: [
      "etcd:sha256: # from the release pages",
      '  "3.6.16": # compared with kubespray',
      `    amd64: ${digest("0f")}`,
      "etcd:version: 3.6.16",
    ],
  });
  assert.equal((await pin("3.6.17")).code, 0);
  assert.match(file(), /# compared with kubespray/);
  assert.deepEqual(settingsIn(file()).sha256, {
    "3.6.16": { amd64: digest("0f") },
    "3.6.17": { amd64: digest("ab"), arm64: digest("cd") },
  });
  assert.match(file(), /^ {2}etcd:nodes: # three$/m);
});

test("what this program knows is not downloaded, and a stale entry of it goes", async (t) => {
  const { pin, file, text } = await stackOn(t, {
    lines: [
      "etcd:version: 3.6.13",
      `etcd:sha256: { 3.6.14: { amd64: ${digest("0f")} } }`,
      "etcd:allow: [version-below-security-floor]",
    ],
  });
  assert.ok(releases["3.6.14"]?.arm64);
  const { code, stdout } = await pin("3.6.14");
  assert.equal(code, 0);
  assert.match(stdout, /nothing was downloaded/);
  assert.equal(file(), text.replace("3.6.13", "3.6.14").replace(/ {2}etcd:sha256.*\n/, ""));
});

test("what is declared already is no step to it, though it has known holes", async (t) => {
  const { pin, file, text } = await stackOn(t, {});
  const { code, stdout } = await pin("3.6.14");
  assert.deepEqual([code, file()], [0, text]);
  assert.match(stdout, /declares 3\.6\.14 already: nothing was changed/);
});

test("a file that declares no version gets one", async (t) => {
  const { pin, file } = await stackOn(t, { served: { "3.6.16": sums("3.6.16") }, lines: [] });
  assert.equal((await pin("3.6.16")).code, 0);
  const { version, sha256, nodes } = settingsIn(file());
  assert.deepEqual([version, Object.keys(Object(sha256))], ["3.6.16", ["3.6.16"]]);
  assert.deepEqual(nodes, [{ name: "node1", address: "192.168.1.101" }]);
});

test("of a version that this program knows for one architecture, the other is added", async (t) => {
  const known = releases["3.7.2"]?.amd64;
  assert.ok(known);
  const allow = "etcd:allow: [version-below-security-floor]";
  const { pin, file } = await stackOn(t, {
    served: { "3.7.2": sums("3.7.2", known) },
    lines: ["etcd:version: 3.7.1", allow],
  });
  assert.equal((await pin("3.7.2")).code, 0);
  assert.deepEqual(settingsIn(file()).sha256, { "3.7.2": { arm64: digest("cd") } });

  const other = await stackOn(t, {
    served: { "3.7.2": sums("3.7.2") },
    lines: ["etcd:version: 3.7.1", allow],
  });
  const { code, stderr } = await other.pin("3.7.2");
  assert.equal(code, 3);
  assert.match(stderr, /has another digest for amd64 than this program, though an archive never changes/);
});

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

test("newest: the patches are asked for one after the other, past one that is missing", async (t) => {
  const served = Object.fromEntries(["3.6.14", "3.6.16", "3.6.18"].map((one) => [one, sums(one)]));
  const { pin, file } = await stackOn(t, { served: { ...served, "3.7.3": sums("3.7.3") } });
  assert.equal((await pin("newest")).code, 0);
  assert.equal(settingsIn(file()).version, "3.6.18");
  const { code, stdout } = await pin("newest");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^3\.6\.18 is the newest patch that http:\S+ has of its minor: nothing was changed\.$/m,
  );
});

test("newest: a mirror that has no sums at all says nothing of what is the newest", async (t) => {
  const { pin } = await stackOn(t, {});
  const { code, stderr } = await pin("newest");
  assert.equal(code, 1);
  assert.match(stderr, /has no SHA256SUMS of the declared 3\.6\.14, so what it lacks says nothing/);
});

test("what cannot be downloaded is no release that is missing", async (t) => {
  const forbidding = await listening(
    t,
    createServer((_, response) => response.writeHead(403).end("<h1>no</h1>")),
  );
  const { folder, pin, text } = await stackOn(t, { served: { "3.6.14": sums("3.6.14") } });
  const { stderr } = await pin("3.6.16");
  assert.match(stderr, /has no SHA256SUMS of 3\.6\.16: is there such a release\?/);
  folder.write(FILE, text.replace(/etcd:mirror: .*/, `etcd:mirror: ${forbidding}`));
  for (const word of ["3.6.16", "newest"]) {
    const { code, stderr } = await pin(word);
    assert.equal(code, 1);
    assert.match(stderr, /^cannot download http:\S+SHA256SUMS: the answer is HTTP 403$/m);
  }
  folder.write(FILE, text.replace(/etcd:mirror: .*/, "etcd:mirror: http://127.0.0.1:1"));
  assert.match((await pin("3.6.16")).stderr, /^cannot download http:\S+: curl: \(7\) /);
});

test("the stack's proxy is the way, whatever the environment says", async (t) => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(sums("3.6.16"));
  });
  const url = await listening(t, proxy);
  const { pin, file } = await stackOn(t, {
    lines: ["etcd:version: 3.6.14", `etcd:proxy: ${url}`],
  });
  assert.equal((await pin("3.6.16")).code, 0);
  assert.match(asked.join(), /^http:\/\/127\.0\.0\.1:\d+\/v3\.6\.16\/SHA256SUMS$/);
  assert.equal(settingsIn(file()).version, "3.6.16");
});

test("comments and lines around what is written stay where they are", () => {
  const text = `config:
    # first
    etcd:version: "3.6.14" # why

    # about sums
    etcd:sha256: {
      3.6.16: { amd64: x }
    }
    # next

    etcd:nodes: []`;
  assert.equal(
    withRelease(text, "3.6.17", { amd64: "a", arm64: "b" }),
    `config:
    # first
    etcd:version: 3.6.17 # why

    # about sums
    etcd:sha256:
      3.6.16: { amd64: x }
      3.6.17:
        amd64: a
        arm64: b
    # next

    etcd:nodes: []
`,
  );
  assert.match(withRelease(text, "3.6.16", undefined), /# about sums\n {4}# next\n\n {4}etcd:nodes: \[\]\n$/);
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
