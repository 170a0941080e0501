// Named clients, new keys for hosts and revocation, as the engine would be asked for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { crlOf } from "../../cluster/crl.ts";
import { type Run, runProgram } from "./harness.ts";
import {
  changedResources,
  changedSteps,
  differingLines,
  earlierOutputs,
  output,
  resource,
  step,
  text,
} from "./queries.ts";
import { type Config, clusterOf, nodes } from "./stacks.ts";

/** Serials that are easy to recognize. */
const numbered = {
  "client.app1-cert": { id: "11" },
  "node2-operator-cert": { id: "22" },
  "node2-server-cert": { id: "23" },
};
const founded = await runProgram({ config: clusterOf(3), mocked: numbered });
const next = (changes: Config, before: Run = founded) =>
  runProgram({ config: clusterOf(3, changes), earlier: earlierOutputs(before) });

const app1 = { name: "app1" };
const withApp = await next({ clients: [app1] });

const revoking = await runProgram({
  config: clusterOf(3, { clients: [app1], revocation: true }),
  earlier: earlierOutputs(founded),
  mocked: numbered,
});

test("a client is a certificate of its own by the client CA, and touches no host", async () => {
  const parts = ["client.app1", "client.app1-cert", "client.app1-csr", "client.app1-key"];
  const changed = changedResources(founded, withApp).filter((name) => name !== "etcd-dev");
  assert.deepEqual(
    changed.filter((name) => name.startsWith("client.")),
    parts,
  );
  assert.deepEqual(changedSteps(founded, withApp), { health: ["stdin"] });
  const cert = resource(withApp, "LocallySignedCert", "client.app1-cert");
  const admin = resource(withApp, "LocallySignedCert", "client-cert");
  const { certRequestPem: _, ...inputs } = cert.inputs;
  const { certRequestPem: __, ...usual } = admin.inputs;
  assert.deepEqual(inputs, usual);
  assert.deepEqual(resource(withApp, "CertRequest", "client.app1-csr").inputs.subject, {
    commonName: "app1",
  });
});

test("its bundle is a secret output, and its end is among the others", () => {
  const admin = Object(output(withApp, "clientBundle"));
  const { app1: bundle } = Object(output(withApp, "clients"));
  assert.deepEqual(Object.keys(bundle).sort(), ["caCert", "cert", "key"]);
  assert.equal(bundle.caCert, admin.caCert);
  assert.notEqual(bundle.cert, admin.cert);
  assert.equal(withApp.outputs.clients?.secret, true);
  assert.ok("client.app1" in Object(output(withApp, "certificatesExpire")));
});

test("organization, life and issue are the client's own", async () => {
  const clients = [
    { name: "app1", organization: "team-a", validityDays: 30, issue: 3 },
    { name: "app2", validityDays: 90 },
  ];
  const run = await next({ clients });
  assert.deepEqual(resource(run, "CertRequest", "client.app1.3-csr").inputs.subject, {
    commonName: "app1",
    organization: "team-a",
  });
  const hours = (name: string) => {
    const { validityPeriodHours, earlyRenewalHours } = resource(run, "LocallySignedCert", name).inputs;
    return [Number(validityPeriodHours) / 24, Number(earlyRenewalHours) / 24];
  };
  assert.deepEqual(hours("client.app1.3-cert"), [30, 10], "two months before its end it has not begun");
  assert.deepEqual(hours("client.app2-cert"), [90, 30]);
  assert.deepEqual(Object.keys(Object(output(run, "clients"))), ["app1", "app2"]);
});

test("a host's raised issue makes all of its certificates anew, and restarts nothing", async () => {
  const declared = nodes(3).map((node) => (node.name === "node2" ? { ...node, issue: 2 } : node));
  const run = await next({ nodes: declared });
  const changed = changedSteps(founded, run);
  assert.deepEqual(changed["node2-certificates"], ["stdin"]);
  assert.deepEqual(
    Object.keys(changed).filter((name) => name.endsWith("-member")),
    [],
  );
  const keys = run.resources.map(({ name }) => name).filter((name) => /^node2-.*-key$/.test(name));
  assert.deepEqual(keys.sort(), ["node2-operator.2-key", "node2-peer.2-key", "node2-server.2-key"]);
});

const recordOf = (run: Run) => Object(output(run, "deployed")).issued;
const serials = (run: Run, name: string) =>
  recordOf(run)[name].map(({ serial }: { serial: string }) => serial);

test("what was issued is recorded from the start, hosts' certificates that are a client's too among it", () => {
  const hosts = [1, 2, 3].flatMap((n) => [`node${n}-operator`, `node${n}-server`]);
  assert.deepEqual(Object.keys(recordOf(founded)), hosts);
  assert.deepEqual(Object.keys(recordOf(withApp)), ["app1", ...hosts]);
  assert.deepEqual(recordOf(withApp).app1[0].issue, 1);
});

const unit = (run: Run, name = "node1") => text(step(run, `${name}-member`), "stdin");
const sentList = (run: Run) => text(step(run, "node1-certificates"), "stdin").split("== client.crl\n")[1];

test("without the setting no unit and no host hears of a list", () => {
  assert.ok(!unit(withApp).includes("crl"));
  assert.equal(sentList(withApp), undefined);
});

test("with it every host gets the list before its member gets the flag", () => {
  assert.deepEqual(differingLines(unit(withApp), unit(revoking)), [
    "+  --client-crl-file=/etc/etcd/pki/client.crl \\",
  ]);
  assert.equal(Buffer.from(sentList(revoking) ?? "", "base64").toString("hex"), crlOf([]).toString("hex"));
});

test("a client that is taken out is on the list of every host, known before anything runs", async () => {
  const gone = await runProgram({
    config: clusterOf(3, { revocation: true }),
    earlier: earlierOutputs(revoking),
    mocked: numbered,
  });
  assert.deepEqual(serials(revoking, "app1"), ["11"]);
  assert.equal(Buffer.from(sentList(gone) ?? "", "base64").toString("hex"), crlOf(["11"]).toString("hex"));
  assert.deepEqual(differingLines(unit(revoking), unit(gone)), ["+# revoked: app1 (1)"]);
  const again = await runProgram({
    config: clusterOf(3, { revocation: true }),
    earlier: earlierOutputs(gone),
    mocked: numbered,
  });
  assert.deepEqual(changedSteps(gone, again), {}, "the next up has nothing to do");
});

test("a host that is lost is shut out: what its certificates were is on the list", async () => {
  const declared = nodes(3).map((node) => (node.name === "node2" ? { ...node, lost: true } : node));
  const lost = await runProgram({
    config: clusterOf(3, {
      clients: [app1],
      nodes: declared,
      revocation: true,
      allow: ["two-node-restart"],
    }),
    earlier: earlierOutputs(revoking),
    mocked: numbered,
  });
  assert.equal(
    Buffer.from(sentList(lost) ?? "", "base64").toString("hex"),
    crlOf(["22", "23"]).toString("hex"),
  );
  assert.deepEqual(differingLines(unit(revoking), unit(lost)), [
    "+# revoked: node2-operator (1)",
    "+# revoked: node2-server (1)",
  ]);
});
