import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems, read } from "./configuration.ts";

const saysOf = (directory: unknown, more: Readonly<Record<string, unknown>> = {}) =>
  problems({ backup: { directory }, ...more });

test("snapshots go where it says; by default nothing is said to the hosts", () => {
  assert.deepEqual(config({ backup: undefined }).backup, {});
  for (const directory of ["/mnt/backups/etcd", "/var/lib/etcd-host/snapshots", "/var/lib/etcd-backups"])
    assert.deepEqual(config({ backup: { directory } }).backup, { directory });
  assert.deepEqual(config({ backup: { directory: "/backup/" } }).backup, { directory: "/backup" });
});

test("a folder inside the data would be set aside with its member", () => {
  for (const directory of ["/var/lib/etcd", "/var/lib/etcd/snapshots/"])
    assert.deepEqual(saysOf(directory), [
      `backup.directory: "${directory}" is in dataDir (/var/lib/etcd), which is set aside with its member; use a folder of its own, better on another disk.`,
    ]);
  assert.deepEqual(saysOf("/var/lib/etcd", { dataDir: "/srv/etcd" }), []);
  assert.equal(saysOf("/srv/etcd/backups", { dataDir: "/srv/etcd" }).length, 1);
});

for (const [directory, what] of [
  ["backups", "is not a plain absolute path"],
  ["/mnt/../etc", "is not a plain absolute path"],
  ["/mnt/my backups", "is not a plain absolute path"],
  ["/", "is not a folder that keeps files"],
  ["/etc", "is not a folder that keeps files"],
  ["/tmp/etcd", "is not a folder that keeps files"],
  ["/run/etcd", "is not a folder that keeps files"],
] as const)
  test(`${directory} ${what}`, () => {
    assert.deepEqual(saysOf(directory), [
      `backup.directory: "${directory}" ${what}; write it like /var/backups/etcd.`,
    ]);
  });

test("a key that is misspelt is named", () => {
  assert.deepEqual(problems({ backup: { directoy: "/mnt" } }), [
    "backup.directoy: no such setting; did you mean directory.",
  ]);
});

const RECIPIENT = `age1${"q".repeat(58)}`;
const STORE = { bucket: "backups", region: "eu-central-1" };
const KEY = { backupAccessKey: "ID:SECRET" };
const scheduleOf = (backup: object, more: object = {}, files = {}) =>
  config({ backup, ...more }, files).backup.schedule;

test("nothing is taken on a schedule unless it is asked for, and it is said; {} takes one every hour", () => {
  const off =
    "backup: no snapshot is taken on a schedule, so whoever loses the quorum may lose all of the data;";
  for (const backup of [undefined, { directory: "" }, { directory: "/mnt/backups" }]) {
    const { config: parsed, warnings } = read({ backup });
    assert.equal(parsed?.backup.schedule, undefined);
    assert.ok(warnings.join().startsWith(off), warnings.join());
  }
  const declined = read({ backup: { interval: "off" } });
  assert.deepEqual([declined.config?.backup, declined.warnings], [{}, []]);
  assert.deepEqual(scheduleOf({}), {
    interval: "1h",
    seconds: 3600,
    keep: 24,
    reserveMiB: 1024,
    maxAge: 10_800,
    recipients: [],
  });
  assert.deepEqual(read({ backup: {} }).warnings, []);
});

test("its times and numbers", () => {
  const given = {
    interval: "15m",
    keep: 3,
    reserveMiB: 0,
    maxAge: "2d",
    metricsFile: "/var/lib/x/etcd.prom",
  };
  assert.deepEqual(scheduleOf(given), {
    interval: "15m",
    seconds: 900,
    keep: 3,
    reserveMiB: 0,
    maxAge: 172_800,
    metricsFile: "/var/lib/x/etcd.prom",
    recipients: [],
  });
  const saying = (backup: object) => problems({ backup });
  assert.match(
    saying({ interval: "7m" }).join(),
    /"7m" does not divide an hour or a day; choose from 5m, 10m/,
  );
  assert.match(saying({ interval: 60 }).join(), /backup\.interval: must be a string/);
  assert.match(saying({ maxAge: "soon" }).join(), /"soon" is not a time; write it like 3h or 2d/);
  assert.match(saying({ interval: "6h", maxAge: "1h" }).join(), /1h is less than the interval/);
  assert.match(saying({ maxAge: "31d" }).join(), /31d is more than 30d, so nobody would hear/);
  assert.equal(scheduleOf({ maxAge: "30d" })?.maxAge, 30 * 86_400);
  assert.match(saying({ reserveMiB: 1_048_577 }).join(), /backup\.reserveMiB: must be from 0 to 1048576/);
  assert.match(saying({ keep: 0 }).join(), /backup\.keep: must be from 1 to 10000/);
  for (const metricsFile of ["/dev/shm/etcd.prom", "/tmp/etcd.prom", "/run/x/etcd.prom"])
    assert.match(
      saying({ metricsFile }).join(),
      /is in a folder that keeps no files; use one that node_exporter reads/,
    );
  assert.match(saying({ metricsFile: "etcd.prom" }).join(), /is not a plain absolute path of a \.prom file/);
});

test("the store is the bucket's own URL, at AWS or elsewhere", () => {
  const placeOf = (store: object) => scheduleOf({ store, encryption: "store" }, KEY)?.store;
  assert.deepEqual(placeOf(STORE), {
    url: "https://backups.s3.eu-central-1.amazonaws.com",
    region: "eu-central-1",
    prefix: "etcd",
    proxy: "",
  });
  assert.deepEqual(
    placeOf({
      bucket: "b.ackups",
      endpoint: "https://minio:9000/",
      prefix: "a/b",
      sse: "aws:kms",
      kmsKeyId: "k",
    }),
    {
      url: "https://minio:9000/b.ackups",
      region: "us-east-1",
      prefix: "a/b",
      proxy: "",
      sse: "aws:kms",
      kmsKeyId: "k",
    },
  );
  assert.equal(
    placeOf({ ...STORE, endpoint: "https://s3.example.com", pathStyle: false })?.url,
    "https://backups.s3.example.com",
  );
  const certificate = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  const key = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n";
  const files = {
    "/ca.pem": `of us\n${certificate("AAAA\nBB==")}${key}${certificate("CCCC")}`,
    "/key.pem": key,
  };
  const withCa = { store: { ...STORE, caFile: "/ca.pem" }, encryption: "store" };
  assert.equal(
    scheduleOf(withCa, KEY, files)?.store?.ca,
    `${certificate("AAAA\nBB==")}${certificate("CCCC")}`,
    "and nothing else of that file",
  );
  const noCa = { ...withCa, store: { ...STORE, caFile: "/key.pem" } };
  assert.match(
    read({ backup: noCa, ...KEY }, files).problems.join(),
    /"\/key\.pem" is no certificate in PEM/,
  );
});

test("who can read the snapshots of a store has to be said", () => {
  const saying = (backup: object, more: object = KEY) => problems({ backup, ...more });
  assert.match(
    saying({ store: STORE }).join(),
    /backup\.encryption: is missing: snapshots hold every key in clear/,
  );
  assert.deepEqual(scheduleOf({ store: STORE, encryption: [RECIPIENT] }, KEY)?.recipients, [RECIPIENT]);
  assert.deepEqual(scheduleOf({ encryption: [RECIPIENT] })?.recipients, [RECIPIENT]);
  assert.match(saying({ encryption: "store" }).join(), /is "store", and there is no store/);
  assert.match(saying({ encryption: ["age1short"] }).join(), /"age1short" is not an age recipient/);
  const secret = saying({ encryption: [`AGE-SECRET-KEY-1${"Q".repeat(58)}`] }).join();
  assert.match(secret, /encryption\[0\]: is a secret key, which no host may have/);
  assert.doesNotMatch(secret, /QQQQ/);
});

test("what is wrong with a store, each by name", () => {
  const saying = (store: object, more: object = KEY) =>
    problems({ backup: { store, encryption: "store" }, ...more }).join("\n");
  assert.match(saying({}), /store\.bucket: is missing[\s\S]*store\.region: is missing/);
  assert.match(
    saying(STORE, {}),
    /backupAccessKey: is missing, and the store needs it: pulumi config set --secret/,
  );
  const wrong = saying(STORE, { backupAccessKey: "no colon" });
  assert.equal(wrong, "backupAccessKey: the value is not of the form ID:SECRET.");
  assert.match(saying({ ...STORE, accessKey: "x" }), /store\.accessKey: a key does not belong here/);
  for (const prefix of ["/etcd/", "../other", "a/./b", ".."])
    assert.match(saying({ ...STORE, prefix }), /is not a plain path without a slash/);
  for (const kmsKeyId of ["k\nurl=https://other", "k\r\nx-amz-acl: public-read", "a key"])
    assert.match(
      saying({ ...STORE, sse: "aws:kms", kmsKeyId }),
      /kmsKeyId: .* is no id, alias or ARN of a key/,
    );
  assert.equal(saying({ ...STORE, sse: "aws:kms", kmsKeyId: "arn:aws:kms:eu-central-1:1:key/k-1" }), "");
  assert.match(saying({ ...STORE, endpoint: "s3.example.com" }), /is not the URL of a store/);
  assert.match(saying({ ...STORE, kmsKeyId: "k" }), /is used with sse: aws:kms only/);
  assert.match(saying({ ...STORE, caFile: "/none.pem" }), /store\.caFile: "\/none\.pem" does not exist/);
  assert.match(
    problems({ backup: { bucket: "b" } }).join(),
    /backup\.bucket: goes into backup\.store, with bucket/,
  );
  const { warnings } = read({
    backup: { store: { ...STORE, endpoint: "http://s3" }, encryption: "store" },
    ...KEY,
  });
  assert.match(warnings.join(), /store\.endpoint: over http everybody on the way can read/);
});
