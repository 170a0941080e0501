import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { upAsPlanned } from "./planned.ts";
import { counts, Project } from "./project.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  await bareHosts(3);
  project = await Project.create("first");
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("three bare hosts become a healthy TLS cluster", async () => {
  const result = await upAsPlanned(project, { node1: "bootstrap", node2: "bootstrap", node3: "bootstrap" });
  assert.match(result.stdout, /\d+ created/);
  assert.deepEqual(await project.output("endpoints"), [
    "https://192.168.1.101:2379",
    "https://192.168.1.102:2379",
    "https://192.168.1.103:2379",
  ]);
  assert.equal(await project.output("version"), "3.6.14");
  const members = await project.output("members");
  assert.ok(Array.isArray(members));
  assert.deepEqual(
    members.map((member) => [member.name, member.peerUrl, member.clientUrl]),
    NODES.map((n) => [`node${n}`, `https://192.168.1.10${n}:2380`, `https://192.168.1.10${n}:2379`]),
  );
  assert.equal(members.filter((member) => member.leader).length, 1);
});

test("the article's two commands are in the outputs", async () => {
  const health = String(await project.output("health"));
  for (const n of NODES) {
    assert.match(health, new RegExp(`https://192\\.168\\.1\\.10${n}:2379 is healthy`));
    assert.match(health, new RegExp(`\\| started \\| node${n} \\|`));
  }
});

test("a second up changes nothing, and a preview says so", async () => {
  const before = await Promise.all(NODES.map(startedAt));
  assert.deepEqual(await project.preview(), []);
  const result = await must(project.up("--expect-no-changes"));
  assert.deepEqual(Object.keys(counts(result)), ["unchanged"]);
  assert.deepEqual(await Promise.all(NODES.map(startedAt)), before);
});

test("every setting of the article is a flag of the process, but for the four initial ones", async () => {
  const flags = (
    await onHost(1, "tr '\\0' '\\n' </proc/$(systemctl show etcd -p MainPID --value)/cmdline")
  ).split("\n");
  assert.equal(flags[0], "/opt/etcd/3.6.14/etcd");
  for (const flag of [
    "--name=node1",
    "--data-dir=/var/lib/etcd",
    "--listen-client-urls=https://192.168.1.101:2379,https://127.0.0.1:2379",
    "--advertise-client-urls=https://192.168.1.101:2379",
    "--listen-peer-urls=https://192.168.1.101:2380",
    "--client-cert-auth=true",
    "--peer-client-cert-auth=true",
    "--cert-file=/etc/etcd/pki/server.crt",
    "--key-file=/etc/etcd/pki/server.key",
    "--trusted-ca-file=/etc/etcd/pki/client-ca.crt",
    "--peer-cert-file=/etc/etcd/pki/peer.crt",
    "--peer-key-file=/etc/etcd/pki/peer.key",
    "--peer-trusted-ca-file=/etc/etcd/pki/peer-ca.crt",
  ]) {
    assert.ok(flags.includes(flag), `${flag} is missing in ${flags.join(" ")}`);
  }
  assert.deepEqual(
    flags.filter((flag) => flag.startsWith("--initial")),
    [],
  );
  const bootstrap = await onHost(2, "cat /etc/etcd/bootstrap.env");
  assert.match(bootstrap, /^ETCD_INITIAL_CLUSTER_STATE=new$/m);
  assert.match(bootstrap, /^ETCD_INITIAL_CLUSTER_TOKEN=etcd-cluster-1-[0-9a-f]{8}$/m);
});

test("a client without a certificate is refused, and one on loopback is served", async () => {
  const without = await lab(
    "enter",
    "1",
    "etcdctl",
    "--endpoints=https://127.0.0.1:2379",
    "--insecure-skip-tls-verify",
    "--command-timeout=2s",
    "get",
    "x",
  );
  assert.notEqual(without.code, 0);
  await onHost(1, "etcd-host health");
});

test("the unit is sandboxed, and each host is as declared", async () => {
  for (const n of NODES) {
    const rating = await onHost(n, "systemd-analyze security etcd --no-pager | tail -n 1");
    assert.ok(Number(/([\d.]+) OK/.exec(rating)?.[1]) <= 1.5, rating);
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
});

test("keys and data have their owners and modes, and no CA key is on any host", async () => {
  for (const n of NODES) {
    const modes = await onHost(
      n,
      "cd /etc/etcd/pki && stat -c '%n %a %U:%G' *.key && stat -c '%a %U:%G' /var/lib/etcd",
    );
    assert.equal(
      modes,
      "operator.key 600 root:root\npeer.key 640 root:etcd\nserver.key 640 root:etcd\n700 etcd:etcd",
    );
    const keys = await onHost(
      n,
      "grep -rIl 'PRIVATE KEY' / --include='*' --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr -s | sort",
    );
    const known = /^(\/etc\/etcd\/pki-[0-9a-f]+\/(operator|peer|server)\.key|\/etc\/ssh\/ssh_host_\w+_key)$/;
    assert.deepEqual(
      keys.split("\n").filter((file) => !known.test(file)),
      [],
    );
  }
});

test("no private key is in the log, in a preview, or in clear in the state", async () => {
  const preview = await must(project.pulumi("preview", "--diff", "--show-sames"));
  assert.doesNotMatch(preview.all, /PRIVATE KEY/);
  assert.doesNotMatch(await project.stateText(), /PRIVATE KEY/);
  for (const n of NODES) {
    assert.equal(await onHost(n, "journalctl --no-pager | grep -c 'PRIVATE KEY' || true"), "0");
  }
});

test("one changed flag shows as that line of each unit, the look at its host, and the cluster steps", async () => {
  await project.configure({ snapshotCount: 20000 });
  const steps = await project.preview();
  assert.deepEqual(steps.map((step) => `${step.op} ${step.name}`).sort(), [
    "update before",
    "update health",
    "update membership",
    ...NODES.flatMap((n) => [`update node${n}-host`, `update node${n}-member`]),
  ]);
  for (const step of steps.filter(({ name }) => name.endsWith("-member"))) {
    const lines = (text: unknown) => new Set(String(text).split("\n"));
    const was = lines(step.oldState?.inputs?.stdin);
    const will = lines(step.newState?.inputs?.stdin);
    assert.deepEqual([...will.difference(was)], ["  --snapshot-count=20000 \\"]);
    assert.deepEqual([...was.difference(will)], ["  --snapshot-count=10000 \\"]);
  }
  await project.configure({ snapshotCount: undefined });
});

test("a member comes back by itself after a reboot of its host", async () => {
  await must(lab("stop", "2"));
  await must(lab("start", "2"));
  await onHost(2, "systemctl is-active etcd || systemctl is-system-running --wait");
  assert.equal(await onHost(2, "etcd-host verify"), "node2 is as declared");
});

test("destroy stops and disables the services, keeps the data aside, and leaves nothing else", async () => {
  const cluster = await project.output("clusterId");
  await must(project.destroy());
  for (const n of NODES) {
    const left = await onHost(
      n,
      "ls -d /etc/etcd /opt/etcd /var/lib/etcd /var/lib/etcd-host /usr/local/sbin/etcd-host /usr/local/bin/etcd* /etc/systemd/system/etcd.service 2>/dev/null; ls -d /var/lib/etcd.aside-*/member/wal; systemctl is-active etcd || true",
    );
    assert.match(left, /^\/var\/lib\/etcd\.aside-\d{8}T\d{6}Z\/member\/wal\ninactive$/);
  }
  const digest = "cd /var/lib && find etcd.aside-* -type f -exec sha256sum {} + | sort";
  const kept = await Promise.all(NODES.map((n) => onHost(n, digest)));
  await must(project.up());
  assert.notEqual(await project.output("clusterId"), cluster);
  assert.deepEqual(await Promise.all(NODES.map((n) => onHost(n, digest))), kept);
});

function startedAt(n: number): Promise<string> {
  return onHost(n, "systemctl show etcd -p MainPID -p ExecMainStartTimestampMonotonic");
}
