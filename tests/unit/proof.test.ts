import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Deployed, FORM } from "../../cluster/deployed.ts";
import { isProven, parseProof, recordKept, recordText } from "../../cluster/proof.ts";

const record: Deployed = {
  form: FORM,
  version: "3.6.14",
  token: "etcd-cluster-1-1a2b3c4d",
  dataDir: "/var/lib/etcd",
  adminHost: "node1",
  nodes: {},
  former: { node4: { incarnation: 3, lost: true } },
};
const stdin = `digest 1\nmember node1 u c 1\ntold node1 2\n${recordText(record)}`;
const sent = stdin.slice(stdin.indexOf("{"));
const recorded = createHash("sha256").update(sent).digest("hex");
const proof = { version: "3.6.14", clusterId: "1", members: [], health: "healthy" };
const said = (more: object) => `motd\n== proof of etcd-host: ${JSON.stringify({ ...proof, ...more })}\nbye\n`;

test("the record that a step was sent is kept with it, if that is what it proved", () => {
  assert.deepEqual(recordKept(stdin, said({ recorded })), record);
  assert.equal(recordKept(stdin.replace("node4", "node5"), said({ recorded })), undefined);
  assert.equal(recordKept(stdin, said({ recorded: "0" })), undefined);
  assert.equal(recordKept(stdin, ""), undefined);
  assert.equal(recordKept("", ""), undefined);
});

test("an etcd-host of before printed the record itself, and nothing else", () => {
  assert.deepEqual(recordKept("", JSON.stringify({ ...proof, deployed: record })), record);
});

test("what was proven is what was sent, byte by byte", () => {
  const read = parseProof(said({ recorded }));
  assert.ok(read);
  assert.ok(isProven(record, read));
  assert.ok(!isProven({ ...record, former: {} }, read));
});
