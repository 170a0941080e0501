/** A given CA, from the configuration to the hosts: what is made of it, and what is not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { make } from "../unit/given.ts";
import { type Run, runProgram } from "./harness.ts";
import { pem } from "./providers.ts";
import { earlierOutputs, output, resource, step, text } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const root = make("Example root");
const given = make("Example etcd CA", { by: root });
const setting = {
  givenCas: { "client-2": given.pem + root.pem },
  caKeys: { "client-2": given.keyPem },
};
const founded = await runProgram({ config: clusterOf(3) });
const trusted = await runStep(founded, { clientCa: [1, 2] });
const issuing = await runStep(trusted, { clientCa: [2, 1] });
const alone = await runStep(issuing, { clientCa: [2] });

async function runStep(before: Run, list: Readonly<Record<string, unknown>>): Promise<Run> {
  const run = await runProgram({
    config: clusterOf(3, { ...setting, ...list }),
    earlier: earlierOutputs(before),
  });
  assert.equal(run.failure, undefined);
  return run;
}

const own = `${given.pem.trimEnd()}\n`;
const above = `${root.pem.trimEnd()}\n`;
const made = pem("CERTIFICATE", "client-ca-cert");
const sent = (run: Run, file: string) =>
  new RegExp(`^== ${file}\\n([\\s\\S]*?)(?:^== |$(?![\\s\\S]))`, "m").exec(
    text(step(run, "node1-certificates"), "stdin"),
  )?.[1] ?? "";

test("hosts trust its own certificate, and not all that its root does; clients outside get the root", () => {
  assert.deepEqual(
    [trusted, issuing, alone].map((run) => sent(run, "client-ca.crt")),
    [made + own, made + own, own],
  );
  assert.deepEqual(
    [trusted, issuing, alone].map((run) => Object(output(run, "clientBundle")).caCert),
    [made + own + above, made + own + above, own + above],
  );
});

test("it issues the leaf certificates, which carry it", () => {
  const inputs = resource(issuing, "LocallySignedCert", "node1-server-cert").inputs;
  assert.equal(inputs.caCertPem, own);
  for (const file of ["server.crt", "operator.crt"]) assert.ok(sent(issuing, file).endsWith(own), file);
  for (const file of ["server.crt", "operator.crt"]) assert.ok(!sent(trusted, file).includes(own), file);
  assert.ok(!sent(issuing, "peer.crt").includes(own));
});

test("no resource is made for it, and its end and its key's digest are recorded", () => {
  for (const run of [trusted, issuing, alone])
    assert.ok(!run.resources.some(({ name }) => name.startsWith("client-ca-2")));
  const { clientCa } = Object(output(alone, "deployed"));
  assert.deepEqual(Object.keys(clientCa.terms["2"]).toSorted(), ["chain", "expires", "publicKey"]);
  assert.match(Object(output(alone, "certificatesExpire"))["client-ca-2"], /^\d{4}-/);
});

test("verify finds in the state what hosts have of it", () => {
  const said = (run: Run) =>
    [...run.registeredOutputs].find(([urn]) => urn.endsWith("::etcd"))?.[1].givenCas?.value;
  assert.deepEqual(said(issuing), { "client-ca-2": { certPem: own, inLeafs: true } });
  assert.equal(said(founded), undefined);
});

test("its key is in no input but those of signatures, where it is a secret", () => {
  const [, line = ""] = given.keyPem.split("\n");
  for (const { name, type, inputs, secretInputs } of issuing.resources) {
    const holders = Object.keys(inputs).filter((key) => JSON.stringify(inputs[key]).includes(line));
    const signs = type.includes("LocallySignedCert") && !name.includes("peer");
    assert.deepEqual(holders, signs ? ["caPrivateKeyPem"] : [], name);
    for (const key of holders) assert.ok(secretInputs.includes(key), `${name} ${key}`);
  }
});
