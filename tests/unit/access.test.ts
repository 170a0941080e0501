import assert from "node:assert/strict";
import { test } from "node:test";
import { accessRow, accessRows } from "../../cli/plan/access-rows.ts";
import { accessLines, accessOf, checkAccess, commonNameOf } from "../../cluster/access.ts";
import type { Access, Deployed } from "../../cluster/deployed.ts";
import { deployedAfter } from "../../cluster/topology.ts";
import { config } from "./configuration.ts";
import { deployed, nodes, plan } from "./deployment.ts";

const app1 = {
  name: "app1",
  access: [
    { prefix: "/app1/", may: "readwrite" },
    { key: "compact_rev_key", may: "read" },
  ],
};
const clients = [{ name: "viewer" }, app1];
const on: Access = {
  auth: true,
  users: { app1: ["read key compact_rev_key", "readwrite prefix /app1/"], viewer: [] },
};

function asked(settings: Readonly<Record<string, unknown>>) {
  return config({ nodes: nodes(3), ...settings });
}
function proven(rbac?: Access): Deployed {
  return { ...deployed(3), ...(rbac === undefined ? {} : { rbac }) };
}

test("what is asked for has an order of its own, and nobody has a use while authentication is off", () => {
  assert.equal(accessOf(asked({ clients: [{ name: "app1" }] })), undefined);
  assert.deepEqual(accessOf(asked({ rbac: false, clients: [{ name: "app1" }] })), { auth: false, users: {} });
  assert.deepEqual(accessOf(asked({ rbac: true, clients })), on);
  assert.equal(
    JSON.stringify(accessOf(asked({ rbac: true, clients: clients.toReversed() }))),
    JSON.stringify(on),
  );
});

test("the step behind the members is told a line for each user and grant", () => {
  assert.equal(
    accessLines(on),
    "auth on\nuser app1\ngrant app1 read key compact_rev_key\ngrant app1 readwrite prefix /app1/\nuser viewer\n",
  );
  assert.equal(accessLines({ auth: false, users: {} }), "auth off\n");
});

test("certificates are root's exactly where authentication is managed, on or off", () => {
  assert.deepEqual(
    [undefined, { auth: false, users: {} }, on].map((access) => commonNameOf("etcd-client", access)),
    ["etcd-client", "root", "root"],
  );
});

test("with authentication on the setting may not be left out; once it is off, it may", () => {
  assert.deepEqual(checkAccess(asked({}), proven(on)).problems, [
    "rbac: authentication is on, and without this setting nobody would ever switch it off; set it to false first, and leave it out in a later up.",
  ]);
  assert.deepEqual(checkAccess(asked({ rbac: false }), proven(on)).problems, []);
  assert.deepEqual(checkAccess(asked({}), proven({ auth: false, users: {} })), {
    problems: [],
    warnings: [],
  });
  assert.deepEqual(checkAccess(asked({}), undefined), { problems: [], warnings: [] });
});

test("authentication has floors of its own, where it is on or is to be", () => {
  const problems = (version: string, rbac: boolean | undefined, before?: Access) => {
    const { release, ...others } = asked(rbac === undefined ? {} : { rbac });
    return checkAccess({ ...others, release: { ...release, version } }, proven(before)).problems;
  };
  for (const [below, floor] of [
    ["3.5.29", "3.5.30"],
    ["3.6.10", "3.6.11"],
  ] as const) {
    assert.match(
      problems(below, true).join(),
      new RegExp(`^version: .*; use ${floor} or newer, or leave rbac out\\.$`),
    );
    assert.match(problems(below, false, on).join(), /or set rbac: false and go back to it in a later up\.$/);
    assert.deepEqual(problems(below, undefined), []);
    assert.deepEqual(problems(below, false), []);
    assert.deepEqual(problems(floor, true), []);
  }
  assert.deepEqual(problems("3.7.0", true), []);
});

test("where the administrator's certificate has had another name, who has it is warned", () => {
  const warnings = (before: Deployed | undefined) =>
    checkAccess(asked({ rbac: true }), before).warnings.length;
  assert.deepEqual(
    [warnings(proven()), warnings(proven({ auth: false, users: {} })), warnings(undefined)],
    [1, 0, 0],
  );
});

test("the record has what was asked for, and nothing where authentication is not managed", () => {
  const record = (settings: Readonly<Record<string, unknown>>, before?: Deployed) =>
    deployedAfter(asked(settings), plan(nodes(3), before), "etcd-cluster-1-0123abcd", before).rbac;
  assert.deepEqual(record({ rbac: true, clients }), on);
  assert.equal(record({}, proven({ auth: false, users: {} })), undefined);
});

test("the plan says what changes in the words of the configuration", () => {
  const says = (settings: Readonly<Record<string, unknown>>, before: Access | undefined) =>
    accessRow(asked(settings), proven(before)).map(({ text }) => text);
  assert.deepEqual(says({ rbac: true, clients }, undefined), [
    "auth is switched on; app1 may read the key compact_rev_key, readwrite /app1/; viewer may do nothing",
  ]);
  assert.deepEqual(says({ rbac: false }, undefined), [
    "auth, if somebody has switched it on by hand, is switched OFF: every certificate may do everything",
  ]);
  assert.deepEqual(says({ rbac: true, clients }, on), []);
  assert.deepEqual(says({ rbac: true, clients: [{ name: "viewer" }] }, on), ["app1 is removed"]);
  const narrowed = {
    ...app1,
    access: [
      { prefix: "/app1/", may: "read" },
      { prefix: "/new/", may: "write" },
    ],
  };
  assert.deepEqual(says({ rbac: true, clients: [narrowed, { name: "viewer" }] }, on), [
    "app1 may read /app1/ (before: readwrite), write /new/; app1 may no longer read the key compact_rev_key",
  ]);
  assert.deepEqual(says({ rbac: false, clients: [{ name: "viewer" }] }, on), [
    "auth is switched OFF: every certificate may do everything",
  ]);
  assert.deepEqual(says({}, undefined), []);
});

test("what matters for security has a row for authentication, and one for each user that may do something else", () => {
  assert.deepEqual(
    accessRows(asked({ rbac: true, clients: [{ name: "app2" }, app1] }), proven(on)).map(
      ({ what, old, new: now }) => [what, old, now],
    ),
    [
      ["what app2 may do", "none", "nothing"],
      ["what viewer may do", "nothing", "none"],
    ],
  );
  assert.deepEqual(accessRows(asked({ rbac: false }), proven(on)), [
    { kind: "access", what: "authentication", old: "on", new: "off" },
  ]);
  assert.deepEqual(accessRows(asked({}), proven()), []);
});
