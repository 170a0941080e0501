/** Hosts with a life of their own: their logins talk, are no POSIX shell and know proxies, and sudo puts each step behind a pty. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { during } from "./faults.ts";
import { bareHosts, labDown, must, onHost } from "./lab.ts";
import { startsOf } from "./members.ts";
import { cli, upAsPlanned } from "./planned.ts";
import { Project } from "./project.ts";
import { refusedUp, unfit } from "./refused.ts";

const NODES = [1, 2, 3];
let project: Project;

/** A proxy that nobody is: for all services, and for logins where it is for everything but the lab's mirror. */
const SERVICE_PROXIES = `mkdir -p /etc/systemd/system.conf.d
  printf '[Manager]\\nDefaultEnvironment=HTTPS_PROXY=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9\\n' >/etc/systemd/system.conf.d/odd.conf
  systemctl daemon-reexec`;
const PROXIES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"]
  .map((name) => `${name}=http://127.0.0.1:9`)
  .concat("no_proxy=192.168.1.1", "NO_PROXY=192.168.1.1")
  .join("\\n");

const oddities: readonly string[] = [
  // proxies, a bash that talks and clobbers nothing, and an sshrc that talks
  `printf '${PROXIES}\\nTMPDIR=/nowhere\\nLANG=de_DE.UTF-8\\n' >>/etc/environment
   printf 'echo "service of the year"\\nprintf "no end of line"\\nset -o noclobber\\numask 0000\\n' >/home/admin/.bashrc
   echo 'echo "{\\"motd\\": true}"' >/etc/ssh/sshrc`,
  // fish, proxies, and a sudo with a pty and a log of its own
  `printf '${PROXIES}\\n' >>/etc/environment
   usermod --shell /usr/bin/fish admin
   install -d -o admin -g admin /home/admin/.config /home/admin/.config/fish
   echo 'echo "differs: nothing"; set -x ETCDCTL_ENDPOINTS https://192.0.2.1:2379' >/home/admin/.config/fish/config.fish
   echo 'Defaults use_pty, log_output, !lecture, umask=0077' >/etc/sudoers.d/odd`,
  // csh, with a strict umask and no locale; nothing may be run from /tmp
  `usermod --shell /bin/tcsh admin
   printf 'set noclobber\\necho "hello!"\\numask 077\\nsetenv LC_ALL xx_YY\\n' >/home/admin/.tcshrc
   mount -t tmpfs -o noexec,nosuid,size=16m,mode=1777 tmpfs /tmp
   echo 'Defaults use_pty, requiretty' >/etc/sudoers.d/odd; echo 'Defaults:admin !requiretty' >>/etc/sudoers.d/odd`,
];

before(async () => {
  await bareHosts(3);
  project = await Project.create("odd");
  await Promise.all(oddities.map((script, index) => onHost(index + 1, `${SERVICE_PROXIES}\n${script}`)));
  await project.configure({ ssh: { ...Object(await project.configured("ssh")), user: "admin" } });
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("a noexec mount, closed folders and an etcd from elsewhere: each host says its own, and stays as it was", async (t) => {
  const undone = async (n: number, make: string, undo: string) => {
    await onHost(n, make);
    return () => onHost(n, undo);
  };
  const unit = "/etc/systemd/system/etcd.service";
  await during(
    t,
    undone(1, "mount -t tmpfs -o noexec,size=1g,mode=755 tmpfs /opt", "umount /opt"),
    undone(2, "install -d -m 700 /etc/etcd; chmod 750 /var/lib", "rm -r /etc/etcd; chmod 755 /var/lib"),
    undone(
      3,
      `printf '[Service]\\nExecStart=/bin/sleep inf\\n' >${unit}; ln -s /srv/etcd /usr/local/bin/etcd; useradd etcd`,
      "userdel etcd", // the rest is set aside by the next test
    ),
  );
  const { sentence } = await refusedUp(project, NODES);
  assert.match(sentence("node1-host"), unfit("noexec: /opt; mount it without noexec"));
  assert.match(
    sentence("node2-host"),
    unfit("closed: /var/lib /etc/etcd; let all users pass it \\(chmod a\\+x\\)"),
  );
  assert.match(
    sentence("node3-host"),
    unfit(
      `foreign: ${unit} /usr/local/bin/etcd; move it away, or have it set aside with etcd:allow: \\[foreign-etcd\\]`,
    ),
  );
});

test("odd as they are, they become a healthy cluster, and what was another etcd is kept", async () => {
  await project.configure({ allow: ["foreign-etcd"] });
  await upAsPlanned(project, { node1: "bootstrap", node2: "bootstrap", node3: "bootstrap" });
  const kept = "ls /etc/systemd/system/etcd.service.aside-* /usr/local/bin/etcd.aside-* | wc -l";
  assert.equal(await onHost(3, kept), "2");
  assert.equal(await project.output("version"), "3.6.14");
  await must(project.up("--expect-no-changes"));
});

test("status, verify and client hear what the hosts answer, and nothing of what the logins print", async () => {
  const status = JSON.parse((await must(cli(project, "status", "--json"))).stdout);
  assert.equal(status.healthy, true);
  assert.deepEqual(
    status.members.map(({ service }: { service: string }) => service),
    ["active", "active", "active"],
  );
  const verified = JSON.parse((await must(cli(project, "verify", "--json"))).stdout);
  assert.deepEqual(
    verified.hosts.map(({ differences }: { differences: unknown }) => differences),
    [[], [], []],
  );
  await must(cli(project, "client", "put", "key", "it's a value!"));
  assert.equal(
    (await must(cli(project, "client", "get", "key", "--print-value-only"))).stdout,
    "it's a value!\n",
  );
});

test("the CLI is killed while a member restarts behind a pty: the step goes on to its end, and the next up does the rest", async () => {
  const before = await startsOf(NODES);
  await project.configure({ snapshotCount: 20_001 });
  await project.interrupt("SIGKILL", /node2-member updating/, 300);
  await must(project.pulumi("cancel", "--yes"));
  await must(project.up());
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  const now = await startsOf(NODES);
  assert.equal(now.filter((start, index) => start === before[index]).length, 0);
});
