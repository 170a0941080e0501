/** A pull request that changes nothing but the stack file, on the real engine: what its plan says, and what never runs. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Plan } from "../../cli/plan/model.ts";
import { bareHosts, labDown, must, onHost } from "./lab.ts";
import { cli, planOf } from "./planned.ts";
import { Project } from "./project.ts";

let project: Project;

before(async () => {
  await bareHosts(3);
  project = await Project.create("hostile");
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

const rows = ({ security }: Plan) =>
  security.map(({ kind, what, hosts }) => [kind, what, hosts.join(" ")].join(" · "));

test("an unchanged stack: nothing changes, and the plan says so", async () => {
  const plan = await planOf(project);
  assert.deepEqual([plan.verdict, plan.security], ["nothing", []]);
});

test("what a hostile stack file changes is in the comment, old and new, from what the last run recorded", async () => {
  const [nodes, ssh, version, sha256] = await Promise.all(
    ["nodes", "ssh", "version", "sha256"].map((key) => project.configured(key)),
  );
  const hostKey = (await onHost(1, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")).trim();
  const digest = Object(sha256)[String(version)];
  await project.configure({
    nodes: Object(nodes).map((node: object, index: number) =>
      index === 1 ? { ...node, sshAddress: "192.168.1.101", sshPort: 2222, hostKey } : node,
    ),
    ssh: { ...Object(ssh), user: "admin" },
    mirror: "http://192.168.1.1:9",
    sha256: {
      ...Object(sha256),
      [String(version)]: { ...digest, amd64: "e".repeat(64), arm64: "e".repeat(64) },
    },
    allow: ["downgrade"],
    extraFlags: { "enable-pprof": "true", cors: "*" },
    unit: { privateUsers: false },
  });
  const plan = await planOf(project);
  const all = "node1 node2 node3";
  assert.deepEqual(
    rows(plan).filter((row) => !row.startsWith("archive")),
    [
      "trust · ssh host key · node2",
      "trust · ssh target · node2",
      `login · ssh user · ${all}`,
      `flag · --cors · ${all}`,
      `flag · --enable-pprof · ${all}`,
      `sandbox · PrivateUsers · ${all}`,
      "allow · downgrade · ",
    ],
  );
  const target = plan.security.find(({ what }) => what === "ssh target");
  assert.deepEqual([target?.old, target?.new], ["192.168.1.102:22", "192.168.1.101:2222"]);
  assert.ok(rows(plan).includes(`archive · mirror of etcd's archives · ${all}`), rows(plan).join("\n"));
  const { stdout } = await must(cli(project, "plan", "--markdown"));
  assert.match(stdout, /^\| login: ssh user of node1, node2, node3 \| root \| admin \|$/m);
  assert.match(stdout, /^\| allow: downgrade \| none \| allowed \|$/m);
  assert.match(stdout, /^\| flag: --cors of node1, node2, node3 \| none \| &#42; \(/m);
  await project.refresh();
  await project.configure({ nodes, extraFlags: undefined, unit: undefined, allow: undefined });
});

test("an etcdctl, a link and a folder of others are never run, and the cluster goes on", async () => {
  const evil = "printf '#!/bin/sh\\n: >/tmp/ran\\n' >/tmp/evil; chmod 755 /tmp/evil";
  await onHost(
    1,
    `${evil}; rm /usr/local/bin/etcdctl; cp /tmp/evil /usr/local/bin/etcdctl; cp /tmp/evil /opt/etcd/etcdctl`,
  );
  await onHost(2, `${evil}; ln -sfn /tmp/evil /usr/local/bin/etcdctl`);
  await onHost(3, `${evil}; cp /tmp/evil /opt/etcd/3.6.14/etcdctl`);
  for (const n of [1, 2]) assert.match(await onHost(n, "etcd-host health"), /is healthy/);
  const refused = await onHost(3, "etcd-host ctl member list 2>&1 || echo code $?");
  assert.match(refused, /no etcdctl on this host is what was installed .*\ncode 3$/);
  await onHost(1, "rm /usr/local/bin/etcdctl"); // a command of others is refused before anything is changed
  await project.configure({ checkId: 1 });
  await must(project.up());
  for (const n of [1, 2, 3]) {
    assert.match(await onHost(n, "etcd-host verify"), /is as declared/);
    assert.equal(await onHost(n, "ls /tmp/ran 2>/dev/null || echo never"), "never");
  }
});
