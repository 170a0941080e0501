/** Wrong inputs and unfit hosts: one clear sentence each, nothing touched, and nothing in the way of the right ones. */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  blackHoled,
  clockOff,
  during,
  foreignData,
  fullDisk,
  portTaken,
  readOnly,
  smallDisk,
  sshStopped,
  sudoAsks,
} from "./faults.ts";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { archives, type Config, configurations } from "./mistakes.ts";
import { Project } from "./project.ts";
import { mistakesIn, refusedUp, unfit } from "./refused.ts";

const NODES = [1, 2, 3];
let project: Project;
let publicKeyFile: string;
/** The lab's own settings, to put mistakes right. */
let right: Config;

before(async () => {
  await bareHosts(3);
  project = await Project.create("refusals");
  publicKeyFile = join(project.dir, "key.pub");
  await writeFile(publicKeyFile, await onHost(1, "cat /etc/ssh/ssh_host_ed25519_key.pub"));
  const keys = ["nodes", "ssh", "sha256", "mirror", "version"];
  right = Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key, await project.configured(key)] as const)),
  );
});
after(async () => {
  await project.dispose();
  await labDown();
});

for (const [what, mistakes] of Object.entries(configurations)) {
  test(`${what}: every mistake is named at once, before any host is touched`, async (t) => {
    const { config, sentences } = mistakes({ ssh: Object(right.ssh), folder: project.dir, publicKeyFile });
    t.after(() => putRight(config));
    const { diagnostics } = await refusedUp(project, NODES, config);
    assert.deepEqual([...diagnostics.keys()], ["etcd-refusals"]);
    const found = mistakesIn(diagnostics.get("etcd-refusals") ?? []);
    assert.equal(found.length, sentences.length, found.join("\n"));
    for (const sentence of sentences) {
      assert.equal(found.filter((one) => sentence.test(one)).length, 1, `${sentence}: ${found.join("\n")}`);
    }
  });
}

test("a taken port, foreign data and a read-only unit directory: each host says its own, and stays as it was", async (t) => {
  await during(t, portTaken(1, 2379), foreignData(2), readOnly(3, "/etc/systemd/system"));
  const { sentence } = await refusedUp(project, NODES);
  assert.match(sentence("node1-host"), unfit("ports: 2379 \\(systemd-socket-.*\\); stop what listens there"));
  assert.match(
    sentence("node2-host"),
    unfit("data: /var/lib/etcd holds data of an unknown owner; move it away, or choose another etcd:dataDir"),
  );
  assert.match(sentence("node3-host"), unfit("writable: /etc/systemd/system; make it writable"));
  assert.equal(await onHost(2, "cat /var/lib/etcd/notes"), "not yours");
});

test("a clock that is behind, a sudo that asks and a full disk: each host says its own, and stays as it was", async (t) => {
  await during(t, clockOff(1, "1 hour ago"), sudoAsks(2), fullDisk(3, 100));
  // From here on the stack logs in as this user.
  const { sentence } = await refusedUp(project, NODES, { ssh: { ...Object(right.ssh), user: "admin" } });
  assert.match(
    sentence("node1-host"),
    unfit("clock: \\S+, 3[56]\\d\\d s behind the CA's notBefore; set this host's clock .*"),
  );
  assert.match(
    sentence("node2-host"),
    /^etcd-host: refused: admin may not run sudo here without being asked \(sudo: a password is required\); add a NOPASSWD rule for it, or log in as root/,
  );
  assert.match(sentence("node3-host"), unfit("disk: \\d+ MiB free for /var/lib/etcd; free some, .*"));
});

test("a host that refuses connections and one whose key has changed stay as they were", async (t) => {
  await during(t, sshStopped(1));
  const hostKey = await onHost(2, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  t.after(() => project.configure({ nodes: right.nodes }));
  await project.configureNode("node3", { hostKey });
  const { diagnostics } = await refusedUp(project, [1, 3]);
  assert.match(
    String(diagnostics.get("node1-host")),
    /^error: after \d+ failed attempts: dial tcp 192\.168\.1\.101:22: connect: connection refused$/,
  );
  assert.match(
    String(diagnostics.get("node3-host")),
    /^error: after \d+ failed attempts: .* host key mismatch$/,
  );
  // node2 is fit: whether its archive is there already depends on how soon the engine knows of the others
  const [first, , third] = await installed();
  assert.deepEqual([first, third], ["inactive", "inactive"]);
  assert.equal(await onHost(2, "systemctl is-active etcd || true"), "inactive");
});

for (const [what, { config, sentences }] of Object.entries(archives)) {
  test(`${what}: nothing is installed`, async (t) => {
    t.after(() => putRight(config));
    const before = await installed();
    const { diagnostics, sentence } = await refusedUp(project, [], config);
    const refused = [...diagnostics.keys()].filter((step) => step.endsWith("-binaries"));
    assert.notEqual(refused.length, 0);
    for (const step of refused) for (const words of sentences) assert.match(sentence(step), words);
    assert.deepEqual(await installed(), before);
  });
}

test("a disk that fills up during the installation: nothing of it stays, and the other host is unharmed", async (t) => {
  await during(t, smallDisk(2, "/opt/etcd", "8m"), smallDisk(3, "/opt/etcd", "48m"));
  const { sentence } = await refusedUp(project, []);
  assert.match(
    sentence("node2-binaries"),
    /^etcd-host: failed: cannot download .*; check .*, and the free space in \/opt\/etcd; nothing was installed$/,
  );
  assert.match(
    sentence("node3-binaries"),
    /^etcd-host: failed: cannot unpack etcd 3\.6\.14 in \/opt\/etcd: .*; \d+ MiB are free there; nothing was installed$/,
  );
  assert.deepEqual((await installed()).slice(1), ["inactive", "inactive"]);
});

test("once all is right the same stack comes up, by a sudo user, and nothing half-done was in its way", async () => {
  await must(project.up());
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await must(project.up("--expect-no-changes"));
});

test("a clock that is ahead shows when the members are compared", async (t) => {
  const running = await processes();
  await during(t, clockOff(1, "1 hour"));
  const { sentence } = await refusedUp(project, [], { checkId: 1 });
  assert.match(
    sentence("health"),
    /^etcd-host: failed: the clock of node\d is 3[56]\d\d s off .*; set the clocks/,
  );
  assert.deepEqual(await processes(), running);
});

test("a black-holed host and a refusing one are answered for within a minute each, and no member is harmed", async (t) => {
  const running = await processes();
  await during(t, blackHoled(3));
  const started = Date.now();
  const silent = await refusedUp(project, [], { checkId: 2 });
  // Which of the two depends on when the client gives up asking for the host's hardware address.
  assert.match(
    String(silent.diagnostics.get("node3-host")),
    /dial tcp 192\.168\.1\.103:22: (i\/o timeout|connect: no route to host)$/,
  );
  // With both at once the engine may stop at the one before it has begun with the other.
  await must(lab("heal", "3"));
  await during(t, sshStopped(2));
  const refusing = await refusedUp(project, [], { checkId: 3 });
  assert.match(
    String(refusing.diagnostics.get("node2-host")),
    /dial tcp 192\.168\.1\.102:22: connect: connection refused$/,
  );
  const seconds = (Date.now() - started) / 1000;
  assert.ok(seconds < 120, `it took ${seconds} s`);
  assert.match(await onHost(1, "etcd-host health 2>&1"), /(.*is healthy.*\n){3}/);
  assert.deepEqual(await processes(), running);
});

test("with its hosts back the cluster is put right without a restart", async () => {
  const running = await processes();
  await must(project.up());
  assert.deepEqual(await processes(), running);
});

async function putRight(config: Config): Promise<void> {
  await project.configure(Object.fromEntries(Object.keys(config).map((key) => [key, right[key]])));
}

/** What there is of etcd on the hosts: "inactive" alone where nothing is. */
function installed(): Promise<readonly string[]> {
  const look =
    "find /opt/etcd /usr/local/bin -mindepth 1 2>/dev/null; ls /etc/systemd/system/etcd.service 2>/dev/null; systemctl is-active etcd || true";
  return Promise.all(NODES.map((n) => onHost(n, look)));
}

function processes(): Promise<readonly string[]> {
  return Promise.all(
    NODES.map((n) => onHost(n, "systemctl show etcd -p MainPID -p ExecMainStartTimestampMonotonic")),
  );
}
