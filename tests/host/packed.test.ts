// Packed snapshots: what comes out is what etcd sent, to the byte, or it is said why not.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Host, permissions } from "./host.ts";
import { withAge, withEtcdutl } from "./packing.ts";
import { sent } from "./sent.ts";

const SNAPSHOTS = "var/lib/etcd-host/snapshots";
const NAME = "20261127T060000Z-r123456-3.6-node1.db.gz";

function hostWith(t: TestContext): Host {
  const host = Host.create(t);
  withEtcdutl(host);
  withAge(host);
  host.write("work/.keep", "");
  fs.mkdirSync(host.file(SNAPSHOTS), { recursive: true });
  host.write("raw", sent());
  host.write("key", "age1them\n");
  return host;
}
const inWork = (host: Host, lines: string, shell?: "dash" | "bash") =>
  host.shell(
    `work=$HOST_ROOT/work; problem=''; ${lines} || echo "problem: $problem"`,
    [],
    shell === undefined ? {} : { shell },
  );
const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");
const unpack = (host: Host, file: string, digest: string, key = "key") =>
  inWork(
    host,
    `age_identity='${key && host.file(key)}'; unpack_packed '${host.file(file)}' ${digest} "$HOST_ROOT/out" && echo "$snapshot_revision $snapshot_minor"`,
  );

for (const shell of ["dash", "bash"] as const)
  for (const [ending, recipients] of [
    ["", ""],
    [".age", "age1us age1them"],
  ] as const)
    test(`packed${ending} and unpacked it is the same, with its digest beside it (${shell})`, async (t) => {
      const host = hostWith(t);
      const file = `${SNAPSHOTS}/${NAME}${ending}`;
      const packed = await inWork(
        host,
        `pack_snapshot "$HOST_ROOT/raw" '${host.file(file)}' ${recipients}`,
        shell,
      );
      assert.deepEqual([packed.stdout, packed.stderr, packed.code], ["", "", 0]);
      assert.deepEqual(host.list(SNAPSHOTS), [`${NAME}${ending}`, `${NAME}${ending}.sha256`]);
      const digest = sha256(fs.readFileSync(host.file(file)));
      assert.equal(host.read(`${file}.sha256`), `${digest}  ${NAME}${ending}\n`);
      assert.equal(permissions(host.file(file)), "600 0:0");
      const { stdout } = await unpack(host, file, digest);
      assert.equal(stdout, "123456 3.6\n");
      assert.deepEqual(fs.readFileSync(host.file("out")), fs.readFileSync(host.file("raw")));
      if (ending !== "") assert.match(host.read(file), /^age-encryption\.org\/v1\n-> age1us age1them\n/);
    });

test("each damage is named, and so is what is missing", async (t) => {
  const host = hostWith(t);
  const whole = sent();
  const flipped = Buffer.from(whole);
  flipped[12_345] = (flipped[12_345] ?? 0) ^ 1;
  const encrypted = (content: Buffer, to = "age1them") =>
    Buffer.from(`age-encryption.org/v1\n-> ${to}\n${gzipSync(content).toString("base64")}\n`);
  const cases: readonly (readonly [Buffer, RegExp, string?])[] = [
    [gzipSync(flipped), /: it is not what a member sent: the sha256 at its end differs$/],
    [encrypted(flipped), /: it is not what a member sent: the sha256 at its end differs$/],
    [gzipSync(whole).subarray(0, 5000), /: it cannot be decompressed: gzip: stdin: unexpected end of file$/],
    [Buffer.from("no archive"), /: it cannot be decompressed: .*not in gzip format$/],
    [encrypted(whole, "age1us"), /: it cannot be decrypted: age: error: no identity matched/],
    [encrypted(whole), /: it is encrypted, and no key was given to decrypt it \(pulumi config set/, ""],
  ];
  for (const [content, expected, key] of cases) {
    host.write("packed", content);
    const { stdout } = await unpack(host, "packed", sha256(content), key);
    assert.match(stdout.trim(), expected);
  }
  const other = sha256(Buffer.from("another"));
  assert.match(
    (await unpack(host, "packed", other)).stdout,
    new RegExp(`: its sha256 is [0-9a-f]{64}, and was to be ${other}\n$`),
  );
  host.write("packed", gzipSync(whole));
  host.write("answers/unreadable", "");
  assert.match(
    (await unpack(host, "packed", sha256(gzipSync(whole)))).stdout,
    /problem: it cannot be read back: Error: snapshot file integrity check failed\n$/,
  );
});

test("one of 3.5 says no format: it is 3.5", async (t) => {
  const host = hostWith(t);
  const content = gzipSync(sent());
  host.write("packed", content);
  host.write("answers/without-format", "");
  assert.equal((await unpack(host, "packed", sha256(content))).stdout, "123456 3.5\n");
});

test("one of a cluster that is seconds old says none either: it is of the version that the cluster has agreed on", async (t) => {
  const host = hostWith(t);
  host.write("answers/without-format", "");
  for (const [agreed, minor] of [
    ["3.6.0", "3.6"],
    ["3.5.0", "3.5"],
  ] as const) {
    const content = gzipSync(sent(undefined, `clusterVersion${agreed}`));
    host.write("packed", content);
    assert.equal((await unpack(host, "packed", sha256(content))).stdout, `123456 ${minor}\n`);
  }
});

test("what cannot be packed leaves no file that has a name", async (t) => {
  const host = hostWith(t);
  const file = host.file(SNAPSHOTS, NAME);
  host.fake("gzip", "echo 'gzip: stdout: No space left on device' >&2; exit 1");
  for (const [ending, recipient] of [
    ["", ""],
    [".age", "age1us"],
  ] as const) {
    const { stdout } = await inWork(host, `pack_snapshot "$HOST_ROOT/raw" '${file}${ending}' ${recipient}`);
    assert.equal(stdout, "problem: the snapshot cannot be packed: gzip: stdout: No space left on device\n");
    assert.deepEqual(
      host.list(SNAPSHOTS).filter((name) => !name.startsWith(".new-")),
      [],
    );
  }
});

test("a name is looked for on this host first, then in the store", async (t) => {
  const host = hostWith(t);
  const fetch = () => inWork(host, `fetch_packed token/hourly/${NAME} "$HOST_ROOT/fetched"`);
  assert.match((await fetch()).stdout, new RegExp(`problem: there is no \\S+/${NAME}, and no store to ask`));
  host.write(`${SNAPSHOTS}/${NAME}`, "packed");
  assert.equal((await fetch()).stdout, "");
  assert.equal(host.read("fetched"), "packed");
});
