import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Issued,
  issuedAfter,
  type Leaf,
  refuseNewKeys,
  refuseReusedIssues,
  refuseRevocation,
  revokedBy,
} from "../../cluster/issued.ts";
import { config, threeNodes } from "./configuration.ts";

type Values = Readonly<Record<string, unknown>>;

const revoking = (changes: Values = {}) => config({ revocation: true, ...changes });
const app = (issue = 1) => ({ clients: [{ name: "app1", issue }] });
const entry = (serial: string, issue = 1, ends = "2027-01-01T00:00:00Z") => ({ serial, issue, ends });
const leaf = (serial: string, starts = "2026-06-01T00:00:00Z"): Leaf => ({
  serial,
  starts,
  ends: "2027-06-01T00:00:00Z",
});
const recorded: Issued = { app1: [entry("1"), entry("2")], "node2-operator": [entry("3")] };

test("what is asked for is not revoked, and without the setting nothing is", () => {
  assert.deepEqual(revokedBy(revoking(app()), recorded), []);
  assert.equal(revokedBy(config(), recorded), undefined);
});

test("a client that is taken out is revoked, with every certificate that it had", () => {
  assert.deepEqual(revokedBy(revoking(), recorded), [{ name: "app1", serials: ["1", "2"] }]);
});

test("a raised issue revokes the issues before it", () => {
  const both = { ...recorded, app1: [entry("1"), entry("9", 2)] };
  assert.deepEqual(revokedBy(revoking(app(2)), both), [{ name: "app1", serials: ["1"] }]);
});

for (const [what, nodes] of [
  ["a raised issue", threeNodes.map((node, index) => (index === 1 ? { ...node, issue: 2 } : node))],
  ["a loss", threeNodes.map((node, index) => (index === 1 ? { ...node, lost: true } : node))],
  ["a removal", [threeNodes[0]]],
] as const)
  test(`a host's own certificates are revoked by ${what} of it`, () => {
    const hosts = {
      "node2-operator": [entry("3")],
      "node2-server": [entry("4")],
      "node1-server": [entry("5")],
    };
    assert.deepEqual(revokedBy(revoking({ nodes }), hosts), [
      { name: "node2-operator", serials: ["3"] },
      { name: "node2-server", serials: ["4"] },
    ]);
  });

test("a run records what it issued, and again the same where it issued nothing", () => {
  const first = issuedAfter(config(app()), undefined, { app1: leaf("1"), "node1-server": leaf("2") });
  assert.deepEqual(first, {
    app1: [{ serial: "1", issue: 1, ends: leaf("1").ends }],
    "node1-server": [{ serial: "2", issue: 1, ends: leaf("2").ends }],
  });
  assert.deepEqual(issuedAfter(config(app()), first, { app1: leaf("1"), "node1-server": leaf("2") }), first);
});

test("a renewal keeps the certificate before it, until one comes that begins after its end", () => {
  const before: Issued = { app1: [entry("1", 1, "2026-07-01T00:00:00Z")] };
  const kept = issuedAfter(config(app()), before, { app1: leaf("2") });
  assert.deepEqual(
    kept.app1?.map(({ serial }) => serial),
    ["1", "2"],
  );
  assert.deepEqual(issuedAfter(config(app()), kept, { app1: leaf("2", "2026-08-01T00:00:00Z") }), kept);
  const later = issuedAfter(config(app()), kept, { app1: leaf("3", "2026-07-01T00:00:01Z") });
  assert.deepEqual(
    later.app1?.map(({ serial }) => serial),
    ["2", "3"],
  );
});

test("what was revoked stays revoked for good: an entry less would be another restart", () => {
  const gone = issuedAfter(revoking(), recorded, {});
  assert.deepEqual(gone.app1, [
    { ...entry("1"), dropped: true },
    { ...entry("2"), dropped: true },
  ]);
  const years = issuedAfter(revoking(), gone, { "node1-server": leaf("7", "2036-01-01T00:00:00Z") });
  assert.deepEqual(years.app1, gone.app1);
  assert.deepEqual(revokedBy(revoking(), years), revokedBy(revoking(), gone));
});

test("a number is never given to another key: neither one below it, nor that of a client that comes back", () => {
  const sentence = (name: string, last: number) =>
    `issue: the certificates that ${name} had of issue ${last} are revoked, and a number is never given to another key; give ${name} issue: ${last + 1}.`;
  const gone = issuedAfter(revoking(), recorded, {});
  assert.deepEqual(refuseReusedIssues(revoking(app()), gone), [sentence("app1", 1)]);
  assert.deepEqual(refuseReusedIssues(revoking(app(2)), gone), []);
  assert.deepEqual(refuseReusedIssues(config(app()), gone), []);
  const raised = { app1: [entry("1"), entry("9", 2)] };
  assert.deepEqual(refuseReusedIssues(revoking(app(1)), raised), [sentence("app1", 2)]);
  const lost = { "node2-operator": [{ ...entry("3"), dropped: true as const }] };
  assert.deepEqual(refuseReusedIssues(revoking(), lost), [sentence("node2", 1)]);
});

const node2Lost = threeNodes.map((node, index) => (index === 1 ? { ...node, lost: true } : node));

test("two members are not restarted to revoke what a third one had, unless a pause is allowed", () => {
  const lost = revoking({ nodes: node2Lost });
  assert.match(
    refuseRevocation(lost, true, recorded).join(),
    /^revocation: the certificates of node2 are revoked by a restart of the two members that are left, .* replace node2 in this up instead .* or accept a pause with allow: \[two-node-restart\]\.$/,
  );
  const paused = revoking({ nodes: node2Lost, allow: ["two-node-restart"] });
  assert.deepEqual(refuseRevocation(paused, true, recorded), []);
  const done = { ...recorded, "node2-operator": [{ ...entry("3"), dropped: true as const }] };
  assert.deepEqual(refuseRevocation(lost, true, done), [], "it was revoked before");
});

test("without a record nothing is known to be revoked", () => {
  assert.match(refuseRevocation(revoking(), true).join(), /^revocation: this stack has no record yet /);
  assert.deepEqual(refuseRevocation(revoking(), false), [], "a new cluster has issued nothing");
  assert.deepEqual(refuseRevocation(config(), true), []);
});

test("new keys and another machine for the same host are two ups", () => {
  const nodes = threeNodes.map((node, index) => (index === 1 ? { ...node, issue: 2 } : node));
  assert.match(
    refuseNewKeys(revoking({ nodes }), recorded, ["node2"]).join(),
    /^issue: node2 gets new keys in an up of its own/,
  );
  assert.deepEqual(refuseNewKeys(revoking({ nodes }), recorded, ["node1"]), []);
  assert.deepEqual(refuseNewKeys(revoking(), recorded, ["node2"]), []);
});
