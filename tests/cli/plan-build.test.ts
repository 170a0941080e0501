// What a plan says of the cluster as a whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPlan } from "../../cli/plan/build.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { parsePreview } from "../../cli/plan/preview.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, leaves, nodesOf, planOf, previewText, restarts } from "./preview.ts";

const update: Change = { op: "update", reasons: ["stdin"] };
const create: Change = { op: "create" };
const replace: Change = { op: "replace" };

function steps({ cluster }: Plan): readonly string[] {
  return cluster.map(({ step, text }) => `${step}: ${text}`);
}

test("the version change: a patch, a minor, a downgrade", () => {
  const step = (from: string, to: string) =>
    steps(planOf({ config: { "etcd:version": to } }, { ...deployed(3), version: from }));
  assert.deepEqual(step("3.6.14", "3.6.14"), []);
  assert.deepEqual(step("3.6.11", "3.6.14"), ["version: etcd 3.6.11 → 3.6.14, a patch"]);
  assert.deepEqual(step("3.6.14", "3.7.1"), [
    "version: etcd 3.6.14 → 3.7.1, a minor upgrade: a snapshot is saved first, and only a downgrade leads back",
  ]);
  assert.deepEqual(step("3.7.1", "3.6.14"), [
    "version: etcd 3.7.1 → 3.6.14, a downgrade by etcd's own procedure",
  ]);
});

test("a new cluster has no version change and no CA step", () => {
  const changes = { health: create, "client-ca-cert": create };
  assert.deepEqual(steps(planOf({ changes }, "new")), ["health: the whole cluster is proven healthy"]);
});

test("a CA that is reissued has a row of its own", () => {
  const plan = planOf({
    changes: { "peer-ca-cert": replace },
    ends: { "peer-ca-cert": "2031-02-01T00:00:00Z" },
  });
  assert.deepEqual(steps(plan), [
    "ca: peer-ca gets a new certificate with the same key; clients outside trust the old one until 2031-02-01T00:00:00Z",
  ]);
  assert.deepEqual(plan.others, [], "and nowhere else");
});

test("a CA that has ended: its row, and an outage; and a lost member goes once the others answer", () => {
  const expires = "2020-02-01T00:00:00Z";
  const before = { ...deployed(3), peerCa: { list: [1], terms: { "1": { expires } } } };
  const parts = {
    nodes: nodesOf(3, { node3: { lost: true } }),
    chain: ["node1", "node2"],
    config: { "etcd:allow": '["expired-ca"]' },
    changes: { "peer-ca-cert": replace, "node1-member": restarts(), "node2-member": restarts() },
    ends: { "peer-ca-cert": expires },
  };
  const plan = planOf(parts, before);
  assert.equal(plan.verdict, "outage");
  assert.equal(
    plan.headline,
    "1 lost member is removed; 2 restarts, one at a time · an outage of a few seconds: the peer CA ended, so members restart without a proof",
  );
  assert.deepEqual(steps(plan), [
    "ca: peer-ca gets a new certificate with the same key; members restart without a proof, since the old one ended on 2020-02-01T00:00:00Z",
    "membership: node3 removed once the others have restarted",
  ]);
  assert.equal(planOf({ ...parts, config: {} }, before).headline.split(" · ")[1], "safe");
  assert.equal(planOf({ config: parts.config }, before).verdict, "nothing");
});

test("what the members are checked by, before any is touched, is a row", () => {
  const judge = (first: string) => ({
    update: `/usr/local/sbin/etcd-host before --version=3.6.14 --first=${first}`,
  });
  const before: Change = { op: "update", old: judge("node1"), new: judge("node3"), reasons: ["update"] };
  assert.deepEqual(steps(planOf({ changes: { before } })), ["before: checked with rolloutOrder node3"]);
});

test("a proof that an earlier run did not come to is said to be left over", () => {
  const prove = (checked: string) => ({ update: `/usr/local/sbin/etcd-host prove --checked=${checked}` });
  const health: Change = { op: "update", old: prove("0a"), new: prove("0b"), reasons: ["update"] };
  const again = "by a run that did not end with one";
  assert.match(steps(planOf({ changes: { health } })).join(), new RegExp(`${again}$`));
  const before: Change = { op: "update", old: {}, new: {}, reasons: ["stdin"] };
  assert.doesNotMatch(steps(planOf({ changes: { health, before } })).join(), new RegExp(again));
  const longer: Change = {
    op: "update",
    old: prove("0a"),
    new: prove("0a --min-days=3"),
    reasons: ["update"],
  };
  assert.doesNotMatch(steps(planOf({ changes: { health: longer } })).join(), new RegExp(again));
});

test("protect that is turned on or off is a change, although no input is", () => {
  const { steps: all, ...rest } = JSON.parse(previewText());
  const protectedCa = all.map((step: { urn: string; newState?: object }) =>
    step.urn.endsWith("::client-ca-cert") ? { ...step, newState: { ...step.newState, protect: true } } : step,
  );
  const plan = buildPlan(parsePreview(JSON.stringify({ ...rest, steps: protectedCa })), deployed(3));
  assert.deepEqual([plan.verdict, plan.others], ["safe", ["client-ca: protect"]]);
  assert.deepEqual(plan.cluster, [], "no CA is reissued");
});

test("lost members go before any other step, members that are no longer declared after all of them", () => {
  const nodes = nodesOf(3, { node2: { lost: true } });
  const changes = { ...leaves("node4"), ...leaves("node5"), health: update };
  const plan = planOf({ nodes, chain: ["node1", "node3", "node4", "node5"], changes }, deployed(5));
  assert.deepEqual(steps(plan), [
    "before: node2 removed before any member is touched",
    "membership: node4, node5 removed when all others are healthy",
    "health: the whole cluster is proven healthy",
  ]);
});

test("the only member of a cluster cannot restart without an outage", () => {
  const parts = { nodes: nodesOf(1), changes: { "node1-member": restarts() } };
  const plan = planOf(parts);
  assert.equal(plan.verdict, "outage");
  assert.equal(plan.headline, "1 restart · an outage of a few seconds: the only member");
  assert.equal(planOf(parts, deployed(3)).verdict, "safe", "of three there were others");
  assert.equal(
    planOf(parts, deployed(2)).headline,
    "1 restart · an outage of a few seconds: one of two members",
  );
});

test("what no row tells of is named as well, each once and sorted", () => {
  const changes = {
    "more-bucket": create,
    "client-key": replace,
    "client-cert": replace,
    before: update,
    membership: update,
    "node1-peer-cert": replace,
  };
  const plan = planOf({ changes });
  assert.deepEqual(plan.others, ["client: replace", "more-bucket: create"]);
  assert.equal(plan.headline, "no host is touched · safe");
});

test("a refused plan has the refusals with all of their lines, and nothing else", () => {
  const errors = ["this stack cannot come up, for 2 reasons:\n- version: no.\n- nodes: no.", "update failed"];
  const { verdict, headline, refusals, hosts, cluster, earliestExpiry } = planOf({ errors });
  assert.deepEqual([verdict, headline], ["refused", "refused"]);
  assert.deepEqual(refusals, errors);
  assert.deepEqual([hosts, cluster, earliestExpiry], [[], [], null]);
});

test("warnings are told once each, without the engine's own on its plugins", () => {
  const engine = "using pulumi-resource-tls from $PATH at /root/bin/pulumi-resource-tls";
  const own = "nodes: 2 nodes tolerate 0 failures, no more than 1 would; replace the lost one soon.";
  assert.deepEqual(planOf({ warnings: [engine, own, engine, own] }).warnings, [own]);
});

test("an authority that ends before its leaf certificates is the earliest expiry", () => {
  const ends = { "peer-ca-cert": "2026-12-01T00:00:00Z" };
  assert.deepEqual(planOf({ ends }).earliestExpiry, {
    certificate: "peer-ca",
    expires: "2026-12-01T00:00:00Z",
  });
});

test("the earliest expiry is that of a leaf that stays", () => {
  const ends = {
    "node2-server-cert": "2026-12-01T00:00:00Z",
    "node3-operator-cert": "2027-01-01T00:00:00.5+02:00",
  };
  assert.deepEqual(planOf({ ends }).earliestExpiry, {
    certificate: "node2 server",
    expires: "2026-12-01T00:00:00Z",
  });
  assert.equal(
    planOf({ ends, changes: { "node2-server-cert": replace } }).earliestExpiry?.certificate,
    "node3 operator",
  );
  assert.equal(
    planOf({ ends: { "client-cert": "2026-11-25T00:00:00Z" } }).earliestExpiry?.certificate,
    "client",
  );
});

test("secrets in the configuration and a key that is on no machine do not matter: no host is asked", () => {
  const config = {
    "etcd:sshPrivateKey": "[secret]",
    "etcd:proxy": "[secret]",
    "etcd:ssh": '{"user":"admin"}',
  };
  assert.equal(planOf({ config }).verdict, "nothing");
  assert.equal(planOf({ config: { "etcd:ssh": '{"agent":true}' } }).verdict, "nothing");
});

test("a configuration that cannot be read is an error, not a plan", () => {
  assert.throws(
    () => planOf({ config: { "etcd:nodes": "[secret]" } }),
    /^Error: The configuration in the preview/,
  );
});
