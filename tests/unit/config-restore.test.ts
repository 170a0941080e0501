import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems } from "./configuration.ts";

const sha256 = "9f".repeat(32);
const snapshot = "etcd-cluster-1-1a2b3c4d/hourly/20261127T060000Z-r123456-3.6-node2.db.gz.age";
const saysOf = (restore: unknown) => problems({ restore });

test("a restore names its snapshot and the digest that was reviewed; without it there is none", () => {
  assert.equal(config().restore, undefined);
  assert.equal(config({ restore: {} }).restore, undefined);
  assert.deepEqual(config({ restore: { snapshot, sha256 } }).restore, {
    snapshot,
    sha256,
    id: 1,
    bumpRevision: 1_000_000_000,
  });
  const all = { snapshot: "etcd-3.6-20261127T060000Z-node1.db", sha256, id: 3, bumpRevision: 2_000_000_000 };
  assert.deepEqual(config({ restore: all }).restore, all);
});

test("what is missing, or is no name and no digest, is said", () => {
  assert.deepEqual(saysOf({ id: 2 }), [
    "restore.snapshot: is missing; npm run backups lists them.",
    "restore.sha256: is missing; it is in the file of the snapshot's name with .sha256 at its end.",
  ]);
  for (const name of ["/root/x.db", "../x.db", "a b.db", "x.db.zst", "$(id).db", "a//b.db", "-x.db"])
    assert.match(
      saysOf({ snapshot: name, sha256 }).join(),
      /^restore\.snapshot: .* is not the name of a snapshot: a file name, or its path in the store/,
      name,
    );
  for (const digest of ["9f", sha256.toUpperCase(), `${sha256}0`])
    assert.match(saysOf({ snapshot, sha256: digest }).join(), /^restore\.sha256: .* is not a sha256/);
  assert.match(saysOf({ snapshot, sha256, id: 0 }).join(), /^restore\.id: must be from 1 to/);
  assert.match(
    saysOf({ snapshot, sha256, snapshots: 1 }).join(),
    /^restore\.snapshots: no such setting; did you mean snapshot/,
  );
});
