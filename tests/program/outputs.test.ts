import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { runProgram } from "./harness.ts";
import { daysLater, FIRST_DAY } from "./providers.ts";
import { earlierOutputs, output, resource, step, text } from "./queries.ts";
import { clusterOf, hostKey } from "./stacks.ts";

const run = await runProgram({ config: clusterOf(3) });

test("the stack has the outputs that the README names, and no others", () => {
  const names = ["certificatesExpire", "clientBundle", "clusterId", "deployed", "endpoints", "health"];
  assert.deepEqual(Object.keys(run.outputs).sort(), [...names, "members", "version"]);
});

test("what was proven comes from what the health step prints, and from nothing else", async () => {
  const proof = {
    version: "9.9.9",
    clusterId: "feed",
    members: [{ name: "other", id: "1", peerUrl: "https://p", clientUrl: "https://c", leader: false }],
    health: "as etcdctl shows it",
    deployed: { version: "9.9.9", token: "t", dataDir: "/d", adminHost: "other", nodes: {} },
  };
  const sent = text(step(run, "health"), "stdin").split(/^deployed\n/m)[1] ?? "";
  const recorded = createHash("sha256").update(sent).digest("hex");
  const marked = `== proof of etcd-host: ${JSON.stringify({ ...proof, recorded })}`;
  const talk = '{"motd": "welcome"}\nLast login: today\n$ ';
  const alone = "the proof alone, as before it was marked";
  const printed = {
    [alone]: JSON.stringify(proof, null, 2),
    "a marked line": `\n${marked}`,
    "a marked line after what a login printed": `${talk}\n${marked}`,
    "and before something": `${talk}\r\n${marked}\r\nbye`,
  };
  for (const [what, stdout] of Object.entries(printed)) {
    const other = await runProgram({ config: clusterOf(3), mocked: { health: { stdout } } });
    const expected = what === alone ? proof : { ...proof, deployed: JSON.parse(sent) };
    for (const [name, value] of Object.entries(expected))
      assert.deepEqual(output(other, name), value, `${what}: ${name}`);
  }
  // who marks the line says which record was sent to it, and may not bring another one
  const forged = { ...proof, recorded: "0".repeat(64) };
  const stdout = `== proof of etcd-host: ${JSON.stringify(forged)}`;
  const kept = await runProgram({
    config: clusterOf(3),
    earlier: earlierOutputs(run),
    mocked: { health: { stdout } },
  });
  assert.deepEqual(output(kept, "deployed"), output(run, "deployed"));
});

test("what is recorded is what was sent, whatever a host makes of it, and only once it is proven", async () => {
  const sent = JSON.parse(text(step(run, "health"), "stdin").split(/^deployed\n/m)[1] ?? "");
  assert.deepEqual(output(run, "deployed"), sent);
  const { nodes, ...others } = sent;
  const forged = {
    ...others,
    nodes: { ...nodes, node1: { ...nodes.node1, formerAddresses: ["192.0.2.66"] } },
  };
  const health = text(step(run, "health"), "stdin").split(/^deployed\n/m)[1] ?? "";
  const recorded = createHash("sha256").update(health).digest("hex");
  const proof = { version: "3.6.14", clusterId: "c", members: [], health: "", recorded };
  const stdout = JSON.stringify({ ...proof, deployed: forged });
  const rewritten = await runProgram({ config: clusterOf(3), mocked: { health: { stdout } } });
  assert.deepEqual(output(rewritten, "deployed"), sent);

  // a run of which the proof was left out (--target) declares two more nodes
  const earlier = { deployed: sent };
  const left = await runProgram({
    config: clusterOf(5),
    earlier,
    mocked: { health: { stdout: JSON.stringify(proof) } },
  });
  assert.deepEqual(output(left, "deployed"), sent);
});

test("the health step is told to record what is declared", () => {
  const stdin = text(step(run, "health"), "stdin");
  const [declared = "", deployed = ""] = stdin.split(/^deployed\n/m);
  assert.deepEqual(
    declared
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.replace(/ [0-9a-f]{16}$/, " …")),
    [
      ...[1, 2, 3].map(
        (n) => `member node${n} https://192.168.1.10${n}:2380 https://192.168.1.10${n}:2379 1`,
      ),
      ...[1, 2, 3].map((n) => `told node${n} …`),
    ],
  );
  const { token, nodes, issued: _, ...others }: Record<string, unknown> = JSON.parse(deployed);
  const terms = { algorithm: "ECDSA-P256", validityDays: "1825", expires: daysLater(1825) };
  const ca = { list: [1], terms: { "1": terms } };
  assert.deepEqual(others, {
    form: 2,
    version: "3.6.14",
    dataDir: "/var/lib/etcd",
    adminHost: "node1",
    notBefore: FIRST_DAY,
    former: {},
    clientCa: ca,
    peerCa: ca,
  });
  assert.match(String(token), /^etcd-cluster-1-[0-9a-f]{8}$/);
  const initialCluster = [1, 2, 3].map((n) => `node${n}=https://192.168.1.10${n}:2380`).join(",");
  const node = (n: number) => ({
    address: `192.168.1.10${n}`,
    incarnation: 1,
    initialState: "new",
    initialCluster,
    login: {
      address: `192.168.1.10${n}`,
      port: 22,
      hostKey: hostKey(`host 10${n}`),
      user: "root",
      bastion: null,
    },
  });
  assert.deepEqual(nodes, { node1: node(1), node2: node(2), node3: node(3) });
});

test("the endpoints are the members' client URLs, and every certificate has its end", () => {
  assert.deepEqual(
    output(run, "endpoints"),
    [1, 2, 3].map((n) => `https://192.168.1.10${n}:2379`),
  );
  const leafs = [1, 2, 3].flatMap((n) => ["server", "peer", "operator"].map((role) => `node${n}-${role}`));
  const ends = [...["client", ...leafs].map((name) => [name, daysLater(365)])];
  assert.deepEqual(output(run, "certificatesExpire"), {
    "client-ca": daysLater(1825),
    "peer-ca": daysLater(1825),
    ...Object.fromEntries(ends),
  });
});

test("a host's clock is judged against the peer CA's beginning, which does not change from run to run", () => {
  const ca = resource(run, "SelfSignedCert", "peer-ca-cert");
  assert.ok(step(run, "node1-host").dependencies.includes(ca.urn));
  assert.ok(text(step(run, "node1-host"), "update").includes(` --not-before=${FIRST_DAY}`));
});

test("of a record from before that was kept, it is the beginning of the CA that it knew", async () => {
  const { notBefore: _, ...deployed } = Object(earlierOutputs(run).deployed);
  const mocked = { "peer-ca-cert": { validityStartTime: "2030-01-01T00:00:00Z" } }; // renewed in this run
  const later = await runProgram({ config: clusterOf(3), earlier: { deployed }, mocked });
  const start = new Date(FIRST_DAY).toISOString();
  assert.ok(text(step(later, "node1-host"), "create").includes(` --not-before=${start} `));
});

test("what no host's clock may be before stays as it was recorded, whatever becomes of the CA", async () => {
  const deployed = { ...Object(earlierOutputs(run).deployed), notBefore: "2025-01-01T00:00:00Z" };
  const later = await runProgram({ config: clusterOf(3), earlier: { deployed } });
  assert.match(text(step(later, "node1-host"), "create"), / --not-before=2025-01-01T00:00:00Z /);
  assert.equal(
    JSON.parse(text(step(later, "health"), "stdin").split(/^deployed\n/m)[1] ?? "").notBefore,
    deployed.notBefore,
  );
});
