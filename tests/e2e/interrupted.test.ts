import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { oneCluster } from "./one-cluster.ts";
import { Project } from "./project.ts";
import { swept } from "./sweep.ts";

const NODES = [1, 2, 3];

beforeEach(() => bareHosts(3));
after(labDown);

/** Where a first deployment is killed: what its output has by then, between steps (created) or inside one (creating). */
const POINTS: Readonly<Record<string, RegExp>> = {
  "the CA has its key": / client-ca-key created/,
  "a host is being prepared": / node1-host creating/,
  "one host is prepared": / node2-host created/,
  "an archive is being installed": / node3-binaries creating/,
  "certificates are being written": / node1-certificates creating/,
  "the cluster is looked at": / before creating/,
  "all hosts are prepared, and the members are starting": / node1-member creating/,
  "one member is started": / node\d-member created/,
  "all members are started": /( node\d-member created.*){3}/s,
  "the cluster is being proven": /Command health creating/,
};

for (const [name, line] of swept("a first up", Object.entries(POINTS))) {
  test(`killed when ${name}: cancel and up make one healthy cluster`, async () => {
    const project = await Project.create("killed");
    await project.interrupt("SIGKILL", line);
    await must(project.pulumi("cancel", "--yes"));
    await must(project.up());
    await oneCluster();
    await must(project.up("--expect-no-changes"));
    await project.dispose();
  });
}

test("a script whose CLI was killed is still at work when the next up comes", async () => {
  const project = await Project.create("orphan");
  // the steps of node2 find its lock taken, so that they are surely under way when the CLI dies
  await onHost(
    2,
    "mkdir -p /run/etcd-host; systemd-run --quiet --unit=holder flock /run/etcd-host/lock sleep 12",
  );
  await project.interrupt("SIGKILL", / node1-host created/);
  const waiting = await onHost(2, "pgrep -fc 'etcd-host prepare|prepare --name=node2'");
  assert.ok(Number(waiting) >= 1, "the orphaned script should be waiting on node2");
  await must(project.pulumi("cancel", "--yes"));
  await must(project.up());
  await oneCluster();
  await project.dispose();
});

test("SIGINT: the running step ends, the lock is released, and the next up goes on", async () => {
  const project = await Project.create("interrupted");
  const { code, stdout } = await project.interrupt("SIGINT", / node1-member creating/);
  assert.notEqual(code, 0);
  assert.match(stdout, / node1-member created/);
  assert.doesNotMatch(stdout, /Command health creating/);
  await must(project.up());
  await oneCluster();
  await project.dispose();
});

test("a wrong address in the first up is refused, and works once corrected", async () => {
  const project = await Project.create("address");
  const hostKey = await onHost(2, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  await project.configureNode("node2", { address: "192.168.1.109", sshAddress: "192.168.1.102", hostKey });
  const wrong = await project.up();
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.all, /node2 cannot run here\. address: 192\.168\.1\.109/);
  for (const n of NODES) assert.equal(await onHost(n, "systemctl is-active etcd || true"), "inactive");

  await project.configureNode("node2", { address: "192.168.1.102" });
  await must(project.up());
  await oneCluster();
  await project.dispose();
});

test("an address that only its own host knows: refused once started, and destroy and up found the cluster anew", async () => {
  const project = await Project.create("lonely");
  await onHost(2, "ip addr add 10.99.99.2/32 dev lo");
  const hostKey = await onHost(2, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  await project.configureNode("node2", { address: "10.99.99.2", sshAddress: "192.168.1.102", hostKey });
  const wrong = await project.up();
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.all, /https:\/\/10\.99\.99\.2:2380 neither answers node[13] nor refuses the connection/);

  await project.configureNode("node2", { address: "192.168.1.102" });
  const corrected = await project.up();
  assert.notEqual(corrected.code, 0);
  assert.match(corrected.all, /node\d has started as a member of another cluster .*'pulumi destroy'/);

  await must(project.destroy());
  await must(project.up());
  const health = await must(lab("enter", "1", "etcd-host", "health"));
  assert.equal(health.stdout.match(/\| started \|/g)?.length, 3);
  await project.dispose();
});

test("destroyed after a kill inside the first start: nothing of it runs on, and the data is kept aside", async () => {
  const project = await Project.create("given-up");
  await project.interrupt("SIGKILL", / node1-member creating/);
  await must(project.pulumi("cancel", "--yes"));
  // the script that the killed CLI had started goes on to its end
  await onHost(
    1,
    "for i in $(seq 100); do systemctl is-active --quiet etcd || [ -e /var/lib/etcd/member ] && break; sleep 0.1; done",
  );
  await must(project.destroy());
  const left =
    "systemctl show etcd -p MainPID --value; ls -d /etc/etcd /var/lib/etcd /usr/local/sbin/etcd-host 2>/dev/null || true";
  assert.equal(await onHost(1, left), "0");
  await must(project.up());
  const health = await must(lab("enter", "1", "etcd-host", "health"));
  assert.equal(health.stdout.match(/\| started \|/g)?.length, 3);
  await project.dispose();
});
