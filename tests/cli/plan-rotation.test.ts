// The steps of a CA's rotation, as they are read before each of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviations, onlyRenewals } from "../../cli/plan/compare.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { UNKNOWN } from "../../cli/plan/preview.ts";
import type { Deployed } from "../../cluster/topology.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, planOf, texts } from "./preview.ts";

const NODES = ["node1", "node2", "node3"];
type Changes = Readonly<Record<string, Change>>;

function proven(list: readonly number[]): Deployed {
  return { ...deployed(3), clientCa: { list, terms: {} } };
}

function onEach(changesOf: (name: string) => Changes): Changes {
  return Object.assign({}, ...NODES.map(changesOf));
}

function certificatesStep(name: string, from: string, to: string): Changes {
  const step = (list: string) => ({
    create: call("certificates", name, list === "1" ? {} : { "client-ca": list }),
  });
  return {
    [`${name}-certificates`]: {
      op: "update",
      old: step(from),
      new: { ...step(to), stdin: UNKNOWN },
      reasons: ["create", "stdin"],
    },
  };
}

function loads(name: string): Changes {
  const now = texts(name, { bundles: "4567" });
  return { [`${name}-member`]: { op: "update", new: now, reasons: ["update"] } };
}

function made(ca: string, op: string): Changes {
  return { [`${ca}-key`]: { op }, [`${ca}-cert`]: { op } };
}

function reissued(name: string): Changes {
  const leaf: Change = {
    op: "replace",
    old: { caCertPem: "one" },
    new: { caCertPem: "two" },
    reasons: ["caCertPem"],
  };
  return { [`${name}-server-cert`]: leaf, [`${name}-operator-cert`]: leaf };
}

const proof: Changes = { health: { op: "update" } };

function stepFrom(from: readonly number[], to: readonly number[], changes: Changes): Plan {
  const config = { "etcd:clientCa": JSON.stringify(to) };
  return planOf({ config, changes: { ...changes, ...proof } }, proven(from));
}

const trusts = stepFrom([1], [1, 2], {
  ...made("client-ca-2", "create"),
  ...onEach((name) => ({ ...certificatesStep(name, "1", "1,2"), ...loads(name) })),
});
const issues = stepFrom([1, 2], [2, 1], {
  "client-cert": { op: "replace", old: { caCertPem: "one" }, new: { caCertPem: "two" } },
  ...onEach((name) => ({ ...certificatesStep(name, "1,2", "2,1"), ...reissued(name) })),
});
const drops = stepFrom([2, 1], [2], {
  ...made("client-ca", "delete"),
  ...onEach((name) => ({ ...certificatesStep(name, "2,1", "2"), ...loads(name) })),
});

const said = ({ hosts }: Plan) => [
  ...new Set(hosts.map(({ action, why }) => `${action}: ${why.join("; ")}`)),
];
const security = (plan: Plan) =>
  plan.security.map(({ kind, what, old, new: now }) => `${kind}: ${what}: ${old} → ${now}`);

test("step 1: the next CA is made, each member restarts with both, and the list after it is named", () => {
  assert.deepEqual(said(trusts), ["restart: another CA bundle"]);
  assert.equal(trusts.headline, "3 restarts, one at a time · safe");
  assert.deepEqual(
    trusts.cluster.map(({ text }) => text),
    [
      "clientCa [1] → [1, 2], step 1 of 3: CA 2 is made, and trusted beside CA 1; each member restarts once; next is clientCa: [2, 1]",
      "the whole cluster is proven healthy",
    ],
  );
  assert.deepEqual(security(trusts), ["trust: client-ca-2: none → created"]);
  assert.deepEqual(trusts.others, []);
});

test("step 2: every certificate of that CA is another one, hot, by which CA, and the administrator's too", () => {
  assert.deepEqual(said(issues), [
    "reissue: new certificates (server, operator); by client CA 2 in place of 1; etcd reloads them by itself",
  ]);
  assert.deepEqual(
    [issues.headline, issues.restarts],
    ["3 hosts get other certificates, no restart · safe", 0],
  );
  assert.equal(
    issues.cluster[0]?.text,
    "clientCa [1, 2] → [2, 1], step 2 of 3: CA 2 issues every certificate; nothing restarts; next is clientCa: [2]",
  );
  assert.deepEqual(security(issues), ["trust: client CA that issues: client-ca → client-ca-2"]);
  assert.deepEqual(issues.others, ["client: replace"]);
});

test("step 3: the old CA goes, from the state and from each member", () => {
  assert.deepEqual(said(drops), ["restart: another CA bundle"]);
  assert.equal(
    drops.cluster[0]?.text,
    "clientCa [2, 1] → [2], step 3 of 3: CA 1 is dropped; each member restarts once",
  );
  assert.deepEqual(security(drops), ["trust: client-ca: the one that is trusted → removed"]);
  assert.deepEqual(drops.others, []);
});

test("none of them is a renewal that may run by itself, nor one that was approved as such", () => {
  for (const plan of [trusts, issues, drops]) {
    assert.equal(onlyRenewals(plan), false);
    assert.notDeepEqual(deviations(planOf(), plan), []);
    assert.deepEqual(deviations(plan, plan), []);
  }
  const hot = { ...issues, security: [], cluster: [] };
  assert.equal(onlyRenewals(hot), false, "the hosts' rows alone");
});

test("a certificate that is made with other names is reissued, not renewed", () => {
  const changes: Changes = {
    "node1-server-cert": { op: "replace", new: { certRequestPem: UNKNOWN } },
    "node1-certificates": { op: "update", new: { stdin: UNKNOWN }, reasons: ["stdin"] },
  };
  const [row] = planOf({ changes }).hosts;
  assert.deepEqual(
    [row?.action, row?.why],
    ["reissue", ["new certificates (server)", "etcd reloads them by itself"]],
  );
});

test("the key of a CA that is trusted may not be another one, whatever its number; one that is new may", () => {
  for (const op of ["replace", "create"]) {
    const { verdict, refusals } = stepFrom([2, 1], [2], { "client-ca-2-key": { op } });
    assert.equal(verdict, "refused");
    assert.match(refusals.join(), /^client-ca-2-key: with another key it is another authority/);
  }
  assert.equal(stepFrom([1], [1, 2], { "client-ca-2-key": { op: "replace" } }).verdict, "safe");
});

test("an update of a CA that is not due, only asked about earlier, is no renewal", () => {
  const changes: Changes = { "peer-ca-cert": { op: "update", reasons: ["earlyRenewalHours"] } };
  const texts = planOf({ changes }).cluster.map(({ text }) => text);
  assert.deepEqual(texts, []);
});
