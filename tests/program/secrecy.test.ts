import assert from "node:assert/strict";
import { test } from "node:test";
import { type Registration, type Run, runProgram } from "./harness.ts";
import { pem } from "./providers.ts";
import { step, steps, text } from "./queries.ts";
import { clusterOf, devConfig, loginKey } from "./stacks.ts";

const shipped = devConfig();
const ssh = { ...Object(shipped.ssh), privateKeyFile: "~/.ssh/id_ed25519" };
const runs = [
  { from: "ssh.privateKeyFile", run: await runProgram({ config: { ...shipped, ssh } }) },
  { from: "the secret sshPrivateKey", run: await runProgram({ config: clusterOf(3) }) },
];

/** The middle of a PEM: what gives a key away even without its BEGIN line. */
function body(pemText: string): string {
  return pemText.split("\n")[1] ?? "";
}

const loginKeyBody = body(loginKey);

/** Names of all private keys that the tls provider made. */
function keyNames(run: Run): readonly string[] {
  const keys = run.resources.filter((one) => one.type.endsWith(":PrivateKey"));
  assert.equal(keys.length, 2 + 1 + 3 * 3);
  return keys.map((one) => one.name);
}

/** The keys that appear in a value, in whatever form. */
function keysIn(run: Run, value: unknown): readonly string[] {
  const shown = JSON.stringify(value) ?? "";
  const names = keyNames(run).filter((name) => shown.includes(body(pem("PRIVATE KEY", name))));
  return [
    ...names,
    ...(shown.includes(loginKeyBody) ? ["the login's key"] : []),
    ...(names.length === 0 && shown.includes("PRIVATE KEY") ? ["a key"] : []),
  ];
}

function plainInputs({ inputs, secretInputs }: Registration): Record<string, unknown> {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => !secretInputs.includes(key)));
}

for (const { from, run } of runs) {
  test(`with the login's key from ${from}, no input in clear holds a private key`, () => {
    assert.deepEqual(keysIn(run, { a: loginKey, b: pem("EC PRIVATE KEY", "peer-ca-key") }), [
      "peer-ca-key",
      "the login's key",
    ]);
    for (const one of run.resources) assert.deepEqual(keysIn(run, plainInputs(one)), [], one.urn);
  });

  test(`with the login's key from ${from}, no text that a host runs holds a private key, secret or not`, () => {
    for (const one of steps(run)) {
      const { create, update, delete: undo } = one.inputs;
      assert.deepEqual(keysIn(run, [create, update, undo]), [], one.name);
    }
  });

  test(`with the login's key from ${from}, secret is what must be, and only that: a secret's diff cannot be read`, () => {
    for (const { name, secretInputs } of steps(run)) {
      const expected = name.endsWith("-certificates") ? ["connection", "stdin"] : ["connection"];
      assert.deepEqual([...secretInputs].sort(), expected, name);
    }
  });

  test(`with the login's key from ${from}, only clientBundle is a secret output, and no other has a key`, () => {
    const secret = Object.entries(run.outputs).filter(([, output]) => output.secret);
    assert.deepEqual(
      secret.map(([name]) => name),
      ["clientBundle"],
    );
    const { clientBundle, ...others } = run.outputs;
    assert.deepEqual(keysIn(run, others), []);
    assert.deepEqual(keysIn(run, clientBundle), ["client-key"]);
    for (const [urn, outputs] of run.registeredOutputs) {
      const plain = Object.entries(outputs).filter(([, output]) => !output.secret);
      assert.deepEqual(keysIn(run, plain), [], urn);
    }
  });
}

const [{ run }] = [runs[1] ?? assert.fail()];

test("the keys of the CAs and of the administrator go to no host", () => {
  for (const { name, inputs } of steps(run)) {
    const keys = keysIn(run, inputs).filter((key) => /^(client-ca|peer-ca|client)-key$/.test(key));
    assert.deepEqual(keys, [], name);
  }
});

test("a host gets its own three keys, and no other's", () => {
  for (const node of ["node1", "node2", "node3"]) {
    const stdin = text(step(run, `${node}-certificates`), "stdin");
    const own = ["operator", "peer", "server"].map((role) => `${node}-${role}-key`);
    assert.deepEqual([...keysIn(run, stdin)].sort(), own);
  }
});

test("certificates travel as a stream of named files, the bundles first", () => {
  const stdin = text(step(run, "node2-certificates"), "stdin");
  const files = stdin
    .split(/^== /m)
    .slice(1)
    .map((part) => part.split("\n", 1)[0]);
  const leafs = ["server", "peer", "operator"].flatMap((role) => [`${role}.crt`, `${role}.key`]);
  assert.deepEqual(files, ["client-ca.crt", "peer-ca.crt", ...leafs]);
  for (const role of ["server", "peer", "operator"]) {
    assert.ok(stdin.includes(`== ${role}.crt\n${pem("CERTIFICATE", `node2-${role}-cert`)}`));
    assert.ok(stdin.includes(`== ${role}.key\n${pem("PRIVATE KEY", `node2-${role}-key`)}`));
  }
});

test("what the step with the keys prints is secret in the state", () => {
  const { request } = step(run, "node1-certificates");
  assert.ok(["stderr", "stdout"].every((key) => request.getAdditionalsecretoutputsList().includes(key)));
});

test("the bundle of the administrator is of the client CA", () => {
  assert.deepEqual(run.outputs.clientBundle?.value, {
    caCert: pem("CERTIFICATE", "client-ca-cert"),
    cert: pem("CERTIFICATE", "client-cert"),
    key: pem("PRIVATE KEY", "client-key"),
  });
});

test("of a login by the agent, as Pulumi.dev.yaml has it, nothing is in the state", async () => {
  const run = await runProgram({ config: shipped });
  for (const { name, inputs } of steps(run))
    assert.deepEqual(
      Object.keys(Object(inputs.connection)).sort(),
      ["dialErrorLimit", "host", "hostKey", "perDialTimeout", "port", "user"],
      name,
    );
});
