import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labDown, must, onHost } from "./lab.ts";
import { upAsPlanned } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("the certificates live as long as the article's", async () => {
  const expire = await project.output("certificatesExpire");
  assert.ok(typeof expire === "object" && expire !== null);
  const days = Object.fromEntries(
    Object.entries(expire).map(([name, end]) => [
      name,
      Math.round((Date.parse(String(end)) - Date.now()) / 86_400_000),
    ]),
  );
  const roles = ["server", "peer", "operator"];
  const leafs = ["client", ...NODES.flatMap((n) => roles.map((role) => `node${n}-${role}`))];
  assert.deepEqual(days, {
    "client-ca": 1825,
    "peer-ca": 1825,
    ...Object.fromEntries(leafs.map((leaf) => [leaf, 365])),
  });
});

test("a plain up within the window renews every leaf, and restarts no member", async () => {
  const processes = await Promise.all(NODES.map(processOf));
  const serials = await servedSerials();
  await project.configure({ renewBeforeDays: 365 });

  const steps = await project.preview();
  const operations = (suffix: string) =>
    steps.filter(({ name }) => name.endsWith(suffix)).map(({ op }) => op);
  assert.equal(new Set(operations("-cert")).has("replace"), true);
  assert.deepEqual(operations("-certificates"), ["update", "update", "update"]);
  assert.deepEqual(operations("-member"), []);
  assert.deepEqual(
    steps.filter(({ name }) => name.endsWith("-ca-cert")),
    [],
  );

  await upAsPlanned(project, { node1: "renew", node2: "renew", node3: "renew" });
  const renewed = await servedSerials();
  for (const [endpoint, serial] of Object.entries(renewed)) {
    assert.notEqual(serial, serials[endpoint], `${endpoint} still serves the old certificate`);
  }
  assert.deepEqual(await Promise.all(NODES.map(processOf)), processes);

  await project.configure({ renewBeforeDays: undefined });
  await must(project.up());
  await must(project.up("--expect-no-changes"));
});

test("an edited CA keeps what it was made with, and a preview says what the edit is for", async () => {
  await project.configure({ caValidityDays: 3650, keyAlgorithm: "RSA-2048" });
  const { code, all } = await project.pulumi("preview");
  await project.configure({ caValidityDays: undefined, keyAlgorithm: undefined });
  assert.equal(code, 0, all);
  assert.match(
    all,
    /caValidityDays: the client CA 1 keeps 1825, with which it was made; 3650 is for the next one/,
  );
  assert.match(
    all,
    /keyAlgorithm: the peer CA 1 keeps ECDSA-P256.* \(peerCa: \[1, 2\], docs\/certificates\.md\)/,
  );
  assert.doesNotMatch(all, /-ca-(key|cert)/, "one of them changes");
});

test("an ended CA is refused in preview; one that was renewed by a run without a proof restarts nobody", async () => {
  const { stdout } = await must(project.pulumi("stack", "export"));
  const ended = stdout.replaceAll(/("peerCa": \{[^}]*"expires": )"[^"]*"/g, '$1"2026-01-01T00:00:00Z"');
  assert.notEqual(ended, stdout);
  await must(project.importState(ended));
  const { code, all } = await project.pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(all, /the peer CA ended on 2026-01-01T00:00:00Z: .*allow: \[expired-ca\] renews it/);
  await project.configure({ allow: ["expired-ca"] });
  await upAsPlanned(project, { node1: "compare", node2: "compare", node3: "compare" });
  assert.match((await must(project.up("--expect-no-changes"))).all, /expired-ca is no longer needed/);
  await project.configure({ allow: undefined });
});

test("a protected CA stops destroy before anything is touched", async () => {
  await project.configure({ protect: true });
  await must(project.up());
  const processes = await Promise.all(NODES.map(processOf));
  const { code, all } = await project.pulumi("destroy", "--yes");
  assert.notEqual(code, 0);
  assert.match(all, /protect/);
  assert.deepEqual(await Promise.all(NODES.map(processOf)), processes);
  await project.configure({ protect: false });
  await must(project.up());
  await must(project.destroy());
});

function processOf(n: number): Promise<string> {
  return onHost(n, "systemctl show etcd -p MainPID -p ExecMainStartTimestampMonotonic");
}

/** Serial numbers as the members serve them, on the client and the peer port of each. */
async function servedSerials(): Promise<Record<string, string>> {
  const endpoints = NODES.flatMap((n) => [`192.168.1.10${n}:2379`, `192.168.1.10${n}:2380`]);
  const serials = await Promise.all(
    endpoints.map((endpoint) =>
      onHost(1, `openssl s_client -connect ${endpoint} </dev/null 2>/dev/null | openssl x509 -noout -serial`),
    ),
  );
  return Object.fromEntries(endpoints.map((endpoint, index) => [endpoint, serials[index] ?? ""]));
}
