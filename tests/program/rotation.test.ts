/** The CAs of a rotation, step by step: what is made of each, and who gets what of it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Run } from "./harness.ts";
import { runProgram } from "./harness.ts";
import { daysLater, pem } from "./providers.ts";
import { changedSteps, earlierOutputs, optionsOf, output, resource, step, text } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const both = (list: readonly number[]) => ({ clientCa: list, peerCa: list });
const founded = await runProgram({ config: clusterOf(3) });
const first = await runStep(founded, both([1, 2]));
const second = await runStep(first, both([2, 1]));
const third = await runStep(second, both([2]));

async function runStep(before: Run, settings: Readonly<Record<string, unknown>>): Promise<Run> {
  const run = await runProgram({ config: clusterOf(3, settings), earlier: earlierOutputs(before) });
  assert.equal(run.failure, undefined);
  return run;
}

const names = (run: Run) => run.resources.map(({ name }) => name);
const certificate = (name: string) => pem("CERTIFICATE", `${name}-cert`);
const bundle = (kind: string, run: Run) => {
  const [, file = ""] =
    new RegExp(`^== ${kind}-ca\\.crt\\n([\\s\\S]*?)^== `, "m").exec(
      text(step(run, "node1-certificates"), "stdin"),
    ) ?? [];
  return file;
};
const isProtected = (run: Run, name: string) =>
  run.resources.find((one) => one.name === name)?.request.getProtect() ?? false;

test("each CA has resources of its own: none is renamed, and the dropped one's alone go", () => {
  const made = (before: Run, after: Run) => names(after).filter((name) => !names(before).includes(name));
  const of = (ca: string) =>
    ["client", "peer"].flatMap((role) => [`${role}-ca${ca}`, `${role}-ca${ca}-key`, `${role}-ca${ca}-cert`]);
  assert.deepEqual(made(founded, first).toSorted(), of("-2").toSorted());
  assert.deepEqual([made(first, second), made(second, first)], [[], []]);
  assert.deepEqual(made(third, second).toSorted(), of("").toSorted());
  assert.deepEqual(resource(first, "SelfSignedCert", "client-ca-2-cert").inputs.subject, {
    commonName: "etcd-client-ca-2",
  });
});

test("all that are trusted are in the bundles, in the same order whoever issues, and in the administrator's", () => {
  for (const kind of ["client", "peer"]) {
    const [one, two] = [certificate(`${kind}-ca`), certificate(`${kind}-ca-2`)];
    assert.deepEqual(
      [founded, first, second, third].map((run) => bundle(kind, run)),
      [one, one + two, one + two, two],
    );
  }
  for (const run of [founded, first, second, third])
    assert.equal(Object(output(run, "clientBundle")).caCert, bundle("client", run));
});

test("members are told to load what their hosts have, so that the second step alone restarts none", () => {
  for (const run of [founded, first, second, third]) {
    const digest = createHash("sha256")
      .update(bundle("client", run) + bundle("peer", run))
      .digest("hex");
    assert.equal(optionsOf(text(step(run, "node2-member"), "update")).bundles, digest.slice(0, 16));
  }
  const changes = changedSteps(first, second);
  assert.deepEqual(Object.keys(changes).toSorted(), [
    "before",
    "health",
    "membership",
    ...[1, 2, 3].map((n) => `node${n}-certificates`),
  ]);
});

test("leaf certificates are by the CA that issues, the administrator's too", () => {
  const leafs = ["client", "node1-server", "node1-operator", "node3-peer"];
  for (const [run, suffix] of [
    [founded, ""],
    [first, ""],
    [second, "-2"],
    [third, "-2"],
  ] as const)
    for (const leaf of leafs) {
      const ca = `${leaf.endsWith("-peer") ? "peer" : "client"}-ca${suffix}`;
      const { caCertPem, caPrivateKeyPem } = resource(run, "LocallySignedCert", `${leaf}-cert`).inputs;
      assert.deepEqual([caCertPem, caPrivateKeyPem], [certificate(ca), pem("EC PRIVATE KEY", `${ca}-key`)]);
    }
});

test("the certificates step names the lists, so that a plain preview shows them; nothing where there was one only", () => {
  const listed = (run: Run) => {
    const options = optionsOf(text(step(run, "node1-certificates"), "create"));
    return [options["client-ca"], options["peer-ca"]];
  };
  assert.deepEqual([founded, first, second, third].map(listed), [
    [undefined, undefined],
    ["1,2", "1,2"],
    ["2,1", "2,1"],
    ["2", "2"],
  ]);
});

test("the key that issues is protected, and no other: what is dropped must be free to go, an up before", () => {
  const keys = (run: Run) => ["client-ca", "client-ca-2"].map((ca) => isProtected(run, `${ca}-key`));
  assert.deepEqual([founded, first, second, third].map(keys), [
    [true, false],
    [true, false],
    [false, true],
    [false, true],
  ]);
  const certificates = (run: Run) => ["peer-ca", "peer-ca-2"].map((ca) => isProtected(run, `${ca}-cert`));
  assert.deepEqual([first, second].map(certificates), [
    [true, false],
    [false, true],
  ]);
});

test("every CA has its end, and the proof records the list and what each was made with", () => {
  const ends = Object(output(second, "certificatesExpire"));
  for (const ca of ["client-ca", "client-ca-2", "peer-ca", "peer-ca-2"])
    assert.equal(ends[ca], daysLater(1825), ca);
  const terms = { algorithm: "ECDSA-P256", validityDays: "1825", expires: daysLater(1825) };
  const { clientCa } = Object(output(second, "deployed"));
  assert.deepEqual(clientCa, { list: [2, 1], terms: { "1": terms, "2": terms } });
  assert.deepEqual(Object(output(third, "deployed")).peerCa, {
    list: [2],
    terms: { "1": terms, "2": terms },
  });
});

test("a CA keeps the algorithm and the life that it was made with; the next one gets the declared ones", async () => {
  const settings = { keyAlgorithm: "RSA-4096", caValidityDays: 900 };
  const run = await runStep(founded, { ...settings, clientCa: [1, 2] });
  const made = (ca: string) => [
    resource(run, "PrivateKey", `${ca}-key`).inputs.algorithm,
    resource(run, "SelfSignedCert", `${ca}-cert`).inputs.validityPeriodHours,
  ];
  assert.deepEqual(
    [made("client-ca"), made("client-ca-2")],
    [
      ["ECDSA", 1825 * 24],
      ["RSA", 900 * 24],
    ],
  );
  const { terms } = Object(output(run, "deployed")).clientCa;
  assert.deepEqual(
    Object.keys(terms).map((n) => [terms[n].algorithm, terms[n].validityDays]),
    [
      ["ECDSA-P256", "1825"],
      ["RSA-4096", "900"],
    ],
  );
});

test("neither the token nor the time that no clock may be before follows another CA", () => {
  for (const [name, option] of [
    ["node1-member", "initial-token"],
    ["node1-host", "not-before"],
  ] as const) {
    const told = (run: Run) => optionsOf(text(step(run, name), "update"))[option];
    assert.equal(told(third), told(founded), option);
  }
});
