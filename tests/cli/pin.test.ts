// npm run pin: what it writes into the stack's file, and what it leaves as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsIn, withRelease } from "../../cli/pin/stack-file.ts";
import { releases } from "../../etcd/releases.ts";
import { config } from "../unit/configuration.ts";
import { digest, stackOn, sums } from "./pinned.ts";

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
