// The store: objects are written once, and what it refuses is said in its own words.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { Host } from "./host.ts";
import { FakeStore } from "./stores.ts";

async function hostWithStore(t: TestContext) {
  const host = Host.create(t);
  const store = await FakeStore.start(t);
  store.configure(host);
  host.write("work/.keep", "");
  host.write("packed", "a packed snapshot");
  const ask = async (call: string, env: Readonly<Record<string, string>> = {}) => {
    const script = `work=$HOST_ROOT/work; problem=''; ${call} || echo "problem: $problem"`;
    const { stdout, stderr } = await host.shell(script, [], { env });
    assert.equal(stderr, "");
    return stdout;
  };
  const put = (key: string) => ask(`store_put "$HOST_ROOT/packed" ${key}`);
  return { host, store, ask, put };
}
const KEY = "token/hourly/20261127T060000Z-r1-3.6-node1.db.gz";

test("an object is signed, sent with its digest, only where there is none, and asked for afterwards", async (t) => {
  const { store, put, host } = await hostWithStore(t);
  assert.equal(await put(KEY), "");
  assert.equal(String(store.objects.get(`etcd/${KEY}`)), "a packed snapshot");
  const [sent, asked] = store.asked;
  assert.deepEqual([sent?.method, asked?.method], ["PUT", "HEAD"]);
  assert.equal(sent?.headers["if-none-match"], "*");
  const digest = createHash("sha256").update("a packed snapshot").digest("hex");
  assert.equal(sent?.headers["x-amz-content-sha256"], digest);
  assert.match(
    String(sent?.headers.authorization),
    /^AWS4-HMAC-SHA256 Credential=KEYID\/\d{8}\/eu-central-1\/s3\//,
  );
  assert.match(String(sent?.headers.authorization), /SignedHeaders=\S*x-amz-content-sha256/);
  assert.equal(await put(KEY), "", "the same file again is there");
  host.write("packed", "another");
  assert.equal(await put(KEY), `problem: the store already has another file by the name ${KEY}\n`);
  assert.equal(String(store.objects.get(`etcd/${KEY}`)), "a packed snapshot");
});

test("neither the key nor a proxy of the login is in an argument or in the environment", async (t) => {
  const { host, ask } = await hostWithStore(t);
  host.fake(
    "curl",
    'echo "$*" >>"$HOST_ROOT/curl-asked"; env >>"$HOST_ROOT/curl-asked"; exec /usr/bin/curl "$@"',
  );
  assert.equal(await ask('store_put "$HOST_ROOT/packed" a', { AWS_SECRET_ACCESS_KEY: "theirs" }), "");
  assert.match(host.read("curl-asked"), /--config \S+store\.curlrc/);
  assert.doesNotMatch(host.read("curl-asked"), /SECRET\b/);
});

test("what arrives short, or not at all, is not taken for stored", async (t) => {
  const { store, put } = await hostWithStore(t);
  store.instead = (key, body) => store.objects.set(key, body.subarray(0, 5));
  assert.equal(await put(KEY), `problem: ${KEY} has 5 bytes in the store, and was to have 17\n`);
  store.objects.clear();
  store.instead = () => {};
  assert.match(await put(KEY), /problem: the store \S+ answers 404 when it is asked for token/);
});

for (const [fault, expected] of [
  ["silent", /problem: the store \S+ does not answer: \(28\) Operation too slow/],
  ["cut", /problem: the store \S+ does not answer: \((52|55|56)\) /],
] as const)
  test(`a store that is ${fault} has nothing, and keeps nobody waiting for ever`, async (t) => {
    const { store, ask } = await hostWithStore(t);
    store.fault = fault;
    const put = `STORE_SECONDS=1 STORE_RETRIES=0; store_put "$HOST_ROOT/packed" ${KEY}`;
    assert.match(await ask(put), expected);
    assert.equal(store.objects.size, 0);
  });

for (const call of [
  "store_list token/",
  'store_get a.sha256 "$HOST_ROOT/got"',
  'store_put "$HOST_ROOT/packed" a',
])
  test(`a store that answers without end fills no disk: ${call.split(" ")[0]}`, async (t) => {
    const { host, store, ask } = await hostWithStore(t);
    store.fault = "endless";
    assert.match(await ask(`STORE_RETRIES=0; ${call}`), /problem: the store \S+ does not answer: \(23\) /);
    const largest = ["got", "work/store-answer"].map((file) =>
      host.exists(file) ? fs.statSync(host.file(file)).size : 0,
    );
    assert.ok(Math.max(...largest) <= 8 * 1024 ** 2, String(largest));
  });

test("a store that lists the same page again and again is named", async (t) => {
  const { store, ask } = await hostWithStore(t);
  store.page = 1;
  for (const name of ["a", "b"]) store.objects.set(`etcd/token/hourly/${name}`, Buffer.alloc(1));
  store.fault = "again";
  assert.match(
    await ask("store_list token/"),
    /problem: the store \S+ lists the same names again and again\n/,
  );
});

test("what the store says is shown without what is no letter", async (t) => {
  const { store, ask } = await hostWithStore(t);
  store.refusals.GET = [403, "Access\u001b[2JDenied"];
  assert.equal(await ask("store_list token/"), `problem: the store ${store.url} answers 403 AccessJDenied\n`);
});

for (const [status, code, hint] of [
  [403, "RequestTimeTooSkewed", "; the clock of this host is wrong"],
  [403, "SignatureDoesNotMatch", "; correct etcd:backupAccessKey, or what its user may do there"],
  [404, "NoSuchBucket", "; correct etcd:backup.store"],
  [409, "OperationAborted", ""],
] as const)
  test(`a refusal is said in the store's words: ${code}`, async (t) => {
    const { store, ask, put } = await hostWithStore(t);
    store.refusals.PUT = store.refusals.GET = [status, code];
    const expected = `problem: the store ${store.url} answers ${status} ${code}${hint}\n`;
    assert.equal(await put(KEY), expected);
    assert.equal(await ask('store_get a "$HOST_ROOT/got"'), expected);
    assert.equal(await ask("store_list token/"), expected);
  });

test("a store that nobody listens for is not one without snapshots", async (t) => {
  const { host, ask } = await hostWithStore(t);
  host.write("etc/etcd/store.conf", "url=http://127.0.0.1:9/bucket\nprefix=etcd\nregion=r\n");
  for (const call of ["store_list token/", 'store_get a "$HOST_ROOT/got"', 'store_put "$HOST_ROOT/packed" a'])
    assert.match(
      await ask(call),
      /problem: the store http:\/\/127\.0\.0\.1:9\/bucket does not answer: \(7\) Failed/,
    );
  assert.equal(host.exists("got"), false);
});

test("what is got is what was put, and what is not there leaves no file", async (t) => {
  const { host, ask, put } = await hostWithStore(t);
  await put(KEY);
  assert.equal(await ask(`fetch_packed ${KEY} "$HOST_ROOT/got"`), "");
  assert.equal(host.read("got"), "a packed snapshot");
  assert.match(await ask('store_get token/none "$HOST_ROOT/none"'), /answers 404 NoSuchKey\n/);
  assert.equal(host.exists("none"), false);
});

test("all pages are listed, by names without the prefix", async (t) => {
  const { store, ask } = await hostWithStore(t);
  store.page = 2;
  const keys = Array.from({ length: 5 }, (_, n) => `token/hourly/2026112${n}T060000Z-r1-3.6-node1.db.gz`);
  for (const key of keys) store.objects.set(`etcd/${key}`, Buffer.alloc(10));
  store.objects.set("etcd/other/hourly/x", Buffer.alloc(1));
  assert.equal(await ask("store_list token/"), keys.map((key) => `${key} 10\n`).join(""));
});

test("a curl that cannot sign is refused by name", async (t) => {
  const { host, put } = await hostWithStore(t);
  for (const [version, able] of [
    ["7.76.1", false],
    ["7.87.0", false],
    ["7.88.1", true],
    ["8.5.0", true],
  ] as const) {
    host.fake(
      "curl",
      `[ "$1" != --version ] || { echo 'curl ${version} (x86_64)'; exit 0; }; exec /usr/bin/curl "$@"`,
    );
    assert.equal(
      await put(`token/${version}`),
      able
        ? ""
        : `problem: curl ${version.replace(/\.\d+$/, "")} on this host cannot sign for S3; install 7.88 or newer\n`,
    );
  }
});

test("what the bucket is to encrypt with is said with each upload", async (t) => {
  const { host, store, put } = await hostWithStore(t);
  const conf = host.read("etc/etcd/store.conf");
  host.write("etc/etcd/store.conf", `${conf}sse=aws:kms\nkms_key=arn:aws:kms:eu-central-1:1:key/k\n`);
  assert.equal(await put(KEY), "");
  const headers = store.asked[0]?.headers ?? {};
  assert.equal(headers["x-amz-server-side-encryption"], "aws:kms");
  assert.equal(headers["x-amz-server-side-encryption-aws-kms-key-id"], "arn:aws:kms:eu-central-1:1:key/k");
});

test("more than one upload takes is refused before it is sent", async (t) => {
  const { store, ask } = await hostWithStore(t);
  assert.match(
    await ask('STORE_MOST_BYTES=16; store_put "$HOST_ROOT/packed" a'),
    /problem: the snapshot has 0 MiB packed, and one upload takes 0; defragment/,
  );
  assert.deepEqual(store.asked, []);
});
