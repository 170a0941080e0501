import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labDown, must, onHost } from "./lab.ts";
import { listedMembers, startsOf } from "./members.ts";
import { cli, upAsPlanned } from "./planned.ts";
import type { Project } from "./project.ts";
import { refusedUp } from "./refused.ts";
import { savedCluster } from "./saved.ts";

const NODES = [1, 2, 3];
const UNIT = "/etc/systemd/system/etcd.service";
const BINARY = "/opt/etcd/3.6.14/etcd";
let project: Project;
let checkId = 0;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

interface Drift {
  readonly what: string;
  readonly host: number;
  /** What somebody does there, as root. */
  readonly script: string;
  /** What verify says of that host. */
  readonly said: RegExp;
  /** Whether the process has to start again for it. */
  readonly restarts?: true;
}

const replaceBinary = `cp ${BINARY} /opt/other && echo >>/opt/other && mv /opt/other ${BINARY}`;
const editUnit = `sed -i s/snapshot-count=10000/snapshot-count=77/ ${UNIT}; systemctl daemon-reload`;

/** One round at a time, each kind on a host of its own. */
const rounds: readonly (readonly Drift[])[] = [
  [
    {
      what: "a unit edited",
      host: 1,
      script: editUnit,
      said: /etcd\.service is not what was declared/,
    },
    {
      what: "a unit edited and the service restarted with it",
      host: 2,
      script: `${editUnit}; systemctl restart etcd`,
      said: /the running process has another unit/,
      restarts: true,
    },
    {
      what: "modes widened",
      host: 3,
      script: `chmod 644 /etc/etcd/pki/peer.key; chmod 755 /var/lib/etcd; chmod 666 ${UNIT} /etc/etcd/bootstrap.env`,
      said: /etcd\.service is 666 root:root, declared 644[\s\S]*peer\.key is 644 root:etcd, declared 640 root:etcd/,
    },
  ],
  [
    {
      what: "the binary replaced",
      host: 1,
      script: replaceBinary,
      said: /\/opt\/etcd\/3\.6\.14\/etcd is not what was declared/,
    },
    {
      what: "the binary replaced and the service restarted with it",
      host: 2,
      script: `${replaceBinary}; systemctl restart etcd`,
      said: /the running process has another binary/,
      restarts: true,
    },
    {
      what: "a drop-in that changes the process",
      host: 3,
      script: `mkdir /etc/systemd/system/etcd.service.d
        printf '[Service]\\nNice=5\\n' >/etc/systemd/system/etcd.service.d/nice.conf
        systemctl daemon-reload; systemctl restart etcd`,
      said: /etcd\.service\.d\/nice\.conf changes the unit/,
      restarts: true,
    },
  ],
  [
    {
      what: "the service stopped and disabled",
      host: 1,
      script: "systemctl disable --now etcd",
      said: /etcd\.service is not enabled\netcd\.service is inactive/,
      restarts: true,
    },
    {
      what: "a certificate from elsewhere in its place",
      host: 2,
      script: "cp /etc/etcd/pki/operator.crt /etc/etcd/pki/server.crt",
      said: /server\.crt is not what was declared/,
    },
    {
      what: "the program edited, and its record with it",
      host: 3,
      script:
        "echo '# mine' >>/usr/local/sbin/etcd-host; sha256sum /usr/local/sbin/etcd-host >/var/lib/etcd-host/declared-prepare",
      said: /etcd-host is not what the stack declares/,
    },
  ],
];

for (const round of rounds) {
  test(`found, named, and put back by an up with a new checkId: ${round.map(({ what }) => what).join("; ")}`, async () => {
    for (const { host, script } of round) await onHost(host, script);
    const { code, stdout } = await cli(project, "verify", "--json");
    assert.equal(code, 5, stdout);
    const { hosts } = JSON.parse(stdout);
    for (const { host, said } of round) assert.match(hosts[host - 1].differences.join("\n"), said);
    const starts = await startsOf(NODES);

    checkId += 1;
    await project.configure({ checkId });
    await must(project.up());
    const again = await startsOf(NODES);
    assert.deepEqual(
      NODES.filter((n) => again[n - 1] !== starts[n - 1]),
      round.filter(({ restarts }) => restarts).map(({ host }) => host),
      "other members restarted than had to",
    );
    const repaired = await cli(project, "verify");
    assert.equal(repaired.code, 0, repaired.all);
    assert.deepEqual(await listedMembers(1), ["node1", "node2", "node3"]);
  });
}

test("a learner that somebody added is named, and left to whoever added it", async () => {
  const url = "https://192.168.1.109:2380";
  await onHost(
    1,
    `until etcd-host ctl member add ghost --learner --peer-urls=${url}; do sleep 0.5; done >/dev/null 2>&1`,
  );
  const { code, stdout } = await cli(project, "verify");
  assert.equal(code, 5);
  assert.match(
    stdout,
    /a member that never started at https:\/\/192\.168\.1\.109:2380, which is not declared/,
  );
  const { sentence } = await refusedUp(project, [], { checkId: checkId + 1 });
  assert.match(
    sentence("before"),
    /refused: the cluster has a member that this stack never had: .*192\.168\.1\.109/,
  );
  await onHost(
    1,
    `etcd-host ctl member remove $(etcd-host ctl member list | sed -n 's/,.*192.168.1.109.*//p') >/dev/null`,
  );
  checkId += 1;
  await project.configure({ checkId });
  await must(project.up());
  assert.equal((await cli(project, "verify")).code, 0);
});

test("verify changes nothing, names every host, and tells a host that cannot be reached from one that differs", async () => {
  const starts = await startsOf(NODES);
  const { code, stdout } = await cli(project, "verify");
  assert.equal(code, 0);
  for (const n of NODES)
    assert.match(stdout, new RegExp(`^node${n} 192\\.168\\.1\\.10${n} +as declared$`, "m"));
  assert.deepEqual(await startsOf(NODES), starts);
  assert.doesNotMatch(stdout, /PRIVATE KEY/);

  await onHost(2, "systemctl stop ssh.socket ssh 2>/dev/null || systemctl stop ssh");
  const cut = await cli(project, "verify");
  await onHost(2, "systemctl start ssh");
  assert.equal(cut.code, 1, cut.all);
  assert.match(cut.stdout, /^node2 192\.168\.1\.102 +unknown +cannot be reached: /m);
});

test("status shows members, roles, versions, alarms, certificates and the last verify on one screen", async () => {
  await must(cli(project, "verify"));
  const { code, stdout } = await cli(project, "status");
  assert.equal(code, 0, stdout);
  assert.equal(stdout.match(/ leader /g)?.length, 1, stdout);
  assert.equal(stdout.match(/ follower /g)?.length, 2, stdout);
  assert.equal(stdout.match(/ 3\.6\.14 /g)?.length, 3);
  assert.equal(stdout.match(/just now, as declared/g)?.length, 3);
  assert.match(stdout, /No alarm is raised\./);

  await onHost(3, "systemctl stop etcd");
  const broken = await cli(project, "status", "--json");
  await onHost(3, "systemctl start etcd");
  assert.equal(broken.code, 5);
  const { healthy, members } = JSON.parse(broken.stdout);
  assert.equal(healthy, false);
  assert.deepEqual([members[2].service, members[2].role], ["inactive", "does not answer"]);
});

test("what changes no member touches none: nothing at all, another checkId, another order", async () => {
  await upAsPlanned(project, { node1: "nothing", node2: "nothing", node3: "nothing" }, "--expect-no-changes");
  await project.configure({ checkId: checkId + 1 });
  await upAsPlanned(project, { node1: "compare", node2: "compare", node3: "compare" });
  await project.configure({ rolloutOrder: ["node3"] });
  await upAsPlanned(project, { node3: "nothing", node1: "nothing", node2: "nothing" });
});
