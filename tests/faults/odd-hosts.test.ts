/** Hosts as people have them (docs/hosts.md): each of them becomes a member, or is refused before anything on it changes. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bareHosts, lab, labDown, must, onHost } from "../e2e/lab.ts";
import { Project } from "../e2e/project.ts";
import { refusedUp, unfit } from "../e2e/refused.ts";

const NODES = [1, 2, 3];
const SAVED = "odd-bare";

before(async () => {
  await bareHosts(3);
  await must(lab("save", SAVED));
});
after(labDown);

/** A stack that logs in as `admin`, for three hosts that nothing was done to but this. */
async function stackFor(name: string, scripts: readonly string[]): Promise<Project> {
  await must(lab("load", SAVED));
  const project = await Project.create(name);
  await project.configure({ ssh: { ...Object(await project.configured("ssh")), user: "admin" } });
  await Promise.all(scripts.map((script, index) => onHost(index + 1, `set -e\n${script}`)));
  return project;
}

/** Another set of tools in place of the system's. */
const toolsOf = (program: string) =>
  `mkdir /usr/odd
   for tool in $(${program} 2>&1 | sed '1,/functions:/d' | tr -d ' ' | tr ',' '\\n'); do
     printf '#!/bin/sh\\nexec ${program} %s "$@"\\n' "$tool" >"/usr/odd/$tool"
   done
   chmod 755 /usr/odd/*
   for tool in /usr/odd/*; do ! [ -e "/usr/bin/\${tool##*/}" ] || ${program} ln -sf "$tool" /usr/bin/; done
   rm --version | grep -v GNU`;

const groups: Readonly<Record<string, readonly string[]>> = {
  "folders that are elsewhere": [
    // /var/lib and the data behind links
    "mv /var/lib /srv/lib; ln -s /srv/lib /var/lib; mkdir -p /srv/data; ln -s /srv/data /var/lib/etcd",
    // the data on a mount of its own, with a file system's folder in it, from which nothing may be run
    "mkdir -p /srv/data/lost+found /var/lib/etcd; mount --bind /srv/data /var/lib/etcd; mount -o remount,bind,nodev,nosuid,noexec /var/lib/etcd",
    // set-group-id folders, of which new ones inherit it, and binaries behind a link
    "chmod g+s /var/lib /etc /opt; mkdir /srv/opt; ln -s /srv/opt /opt/etcd",
  ],
  "accounts and logins": [
    // a user etcd of before, of another uid, locked, and a group of the same name
    "groupadd --gid 1500 etcd; useradd --uid 1600 --gid 1500 --shell /bin/bash etcd; usermod --lock --expiredate 1 etcd",
    // a group, and no user; a login without a home
    "groupadd --gid 1500 etcd; sed -i 's|^admin:\\(.*\\):/home/admin:|admin:\\1:/nowhere:|' /etc/passwd; mkdir /etc/ssh/keys; cp /home/admin/.ssh/authorized_keys /etc/ssh/keys/admin; chmod 755 /etc/ssh/keys; chmod 644 /etc/ssh/keys/admin; echo 'AuthorizedKeysFile /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/odd.conf; systemctl reload ssh",
    // no name for the host's own name, and a root that has no shell
    "hostname unknown; printf '127.0.0.1 localhost\\n' >/etc/hosts; usermod --shell /usr/sbin/nologin root; printf 'Defaults lecture=always, env_reset, secure_path=/usr/bin:/bin\\n' >/etc/sudoers.d/odd",
  ],
  "systemd and the kernel": [
    // a degraded system, and no journal
    "printf '[Service]\\nExecStart=/bin/false\\n' >/etc/systemd/system/broken.service; systemctl start broken || true; mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nStorage=none\\n' >/etc/systemd/journald.conf.d/odd.conf; systemctl restart systemd-journald; systemctl is-system-running | grep degraded",
    // processes of others are hidden, and no IPv6
    "mount -o remount,hidepid=2 /proc; sysctl -q net.ipv6.conf.all.disable_ipv6=1; printf 'fs.protected_regular = 2\\n' >/etc/sysctl.d/odd.conf",
    // proxies for all services, and a drop-in for them
    "mkdir -p /etc/systemd/system.conf.d /etc/systemd/system/service.d; printf '[Manager]\\nDefaultEnvironment=HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9\\n' >/etc/systemd/system.conf.d/odd.conf; printf '[Service]\\nOOMPolicy=continue\\n' >/etc/systemd/system/service.d/odd.conf; systemctl daemon-reexec",
  ],
  "tools that are others": [
    toolsOf("/usr/bin/coreutils"),
    // SELinux's tools without SELinux, a locale that is not there, and variables that change what tools do
    "for tool in restorecon chcon selinuxenabled; do printf '#!/bin/sh\\nexit 1\\n' >/usr/sbin/$tool; chmod 755 /usr/sbin/$tool; done; printf 'LC_ALL=tr_TR.UTF-8\\nPOSIXLY_CORRECT=1\\nTAR_OPTIONS=--wildcards\\nGREP_OPTIONS=--color=always\\nLS_COLORS=x\\nTZ=Asia/Kolkata\\nCDPATH=/tmp\\nIFS=e\\n' >>/etc/environment",
    // tools of somebody's own ahead of the system's
    "for tool in openssl curl sed awk date stat find; do printf '#!/bin/sh\\necho not yours >&2; exit 1\\n' >/usr/local/bin/$tool; chmod 755 /usr/local/bin/$tool; done; printf 'umask 0\\nulimit -S -n 64\\n' >/etc/profile.d/odd.sh; cp /etc/profile.d/odd.sh /home/admin/.bashrc",
  ],
};

for (const [what, scripts] of Object.entries(groups))
  test(`${what}: a healthy cluster`, async (t) => {
    const project = await stackFor("odd", scripts);
    t.after(() => project.dispose());
    await must(project.up());
    for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
    await must(project.up("--expect-no-changes"));
    await project.configure({ snapshotCount: 20_001 });
    await must(project.up());
    for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  });

const refusals: readonly (readonly (readonly [string, RegExp])[])[] = [
  [
    [
      "mount --bind /usr/local /usr/local; mount -o remount,bind,ro /usr/local",
      unfit("writable: /usr/local/bin /usr/local/sbin; make it writable"),
    ],
    ["chattr +i /etc/passwd", unfit("user: etcd is to be made in /etc/passwd; .*")],
    [
      "mount -t tmpfs -o nr_inodes=500,size=2g,mode=755 tmpfs /srv; mkdir /srv/etcd; ln -s /srv/etcd /var/lib/etcd",
      unfit("inodes: \\d+ inodes free for /var/lib/etcd; .*file-system: /var/lib/etcd is on tmpfs; .*"),
    ],
  ],
  [
    ["echo 'read -r line' >/home/admin/.bashrc", /^etcd-host: nothing on stdin \(\.bashrc\?\)/],
    [
      "printf 'Defaults requiretty\\n' >/etc/sudoers.d/odd",
      /^etcd-host: refused: admin may not run sudo here without being asked \(.*tty.*\); exempt it \(Defaults:admin !requiretty\)/,
    ],
    [
      "mkdir -p /lib/systemd/system; printf '[Service]\\nExecStart=/bin/sleep inf\\n' >/lib/systemd/system/etcd.service; systemctl daemon-reload; systemctl start etcd",
      unfit("foreign: /lib/systemd/system/etcd.service, and it runs; stop it and move its data away first"),
    ],
  ],
];

for (const hosts of refusals)
  test(`${hosts.map(([script]) => script.split(" ")[0]).join(", ")} …: each host says its own, and stays as it was`, async (t) => {
    const project = await stackFor(
      "unfit",
      hosts.map(([script]) => script),
    );
    t.after(() => project.dispose());
    const { sentence } = await refusedUp(project, NODES);
    for (const [index, [, words]] of hosts.entries()) assert.match(sentence(`node${index + 1}-host`), words);
  });
