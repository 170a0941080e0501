// What operators type at a running cluster: snapshots on the workstation, endpoints of one's own, a defragmentation.
import assert from "node:assert/strict";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isWhole } from "../../cli/client/snapshot.ts";
import { labCommand } from "../../lab/describe.ts";
import {
  assertLed,
  assertOneAtATime,
  byRule,
  hostOf,
  killInTheMiddle,
  type Member,
  membersOf,
  turnsSince,
} from "./defragmenting.ts";
import { labDown, must, onHost, run } from "./lab.ts";
import { cli } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
const MIB = 1024 ** 2;
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** Megabytes in keys that stay, and in keys that are deleted, with their history. */
async function fragment(staying: number, deleted: number): Promise<void> {
  await onHost(
    1,
    `cd /etc/etcd/pki
    ETCDCTL_CACERT=client-ca.crt ETCDCTL_CERT=operator.crt ETCDCTL_KEY=operator.key ETCDCTL_COMMAND_TIMEOUT=60s
    export ETCDCTL_CACERT ETCDCTL_CERT ETCDCTL_KEY ETCDCTL_COMMAND_TIMEOUT
    head -c 1000000 /dev/zero | tr '\\0' x >/tmp/value
    { seq -f stays/%g ${staying}; seq -f goes/%g ${deleted}; } | xargs -P 4 -I KEY sh -c 'etcdctl put KEY </tmp/value'
    etcdctl del --prefix goes/
    etcdctl compact --physical "$(etcdctl endpoint status -w fields | sed -n 's/^"Revision" : //p')"`,
  );
}

test("each member is defragmented in turn, the leader last, while clients write", async (context) => {
  await fragment(40, 80);
  const earlier = await membersOf(project);
  for (const { name, dbBytes } of earlier) assert.ok(dbBytes > 110 * MIB, `${name}: ${dbBytes}`);
  let said = "";
  const written = await whileWriting(project, async () => {
    said = (await must(cli(project, "defragment"))).stdout;
  });
  context.diagnostic(said);
  context.diagnostic(`${written.acknowledged} writes, longest gap ${written.longestGapMs} ms`);
  const leads = ({ role }: Member) => role === "leader";
  const order = [...earlier.filter((member) => !leads(member)), ...earlier.filter(leads)];
  assert.deepEqual(
    [...said.matchAll(/^(node\d): 1\d\d MiB before, \d\d MiB now, \d\d MiB of it in use; \d+ s$/gm)].map(
      ([, name]) => name,
    ),
    order.map(({ name }) => name),
  );
  assert.equal(written.missing, 0);
  await assertNoOutage(written, NODES);
  for (const { name, dbBytes, fragmentation } of await membersOf(project))
    assert.ok(dbBytes < 60 * MIB && fragmentation < 0.3, `${name}: ${dbBytes}, ${fragmentation}`);
});

test("timers on all hosts at once: one after the other, the leader last, also after a killed run", async (context) => {
  await fragment(20, 70);
  const began = Date.now();
  const [follower, leader] = [await hostOf("follower", project), await hostOf("leader", project)];
  let [killed, said]: [string, readonly string[]] = ["", []];
  const written = await whileWriting(project, async () => {
    killed = await killInTheMiddle(follower);
    said = await Promise.all(NODES.map((n) => onHost(n, byRule)));
  });
  context.diagnostic(said.join("\n"));
  context.diagnostic(`${written.acknowledged} writes, longest gap ${written.longestGapMs} ms`);
  assert.equal(killed, "killed");
  assert.equal(written.missing, 0);
  await assertLed(began, NODES);
  for (const { name, dbBytes } of await membersOf(project))
    assert.ok(dbBytes < 60 * MIB, `${name}: ${dbBytes}`);
  const turns = await turnsSince(began, NODES);
  context.diagnostic(`at it: ${turns.map(([from, to]) => to - from).join(", ")} ms`);
  assert.equal(turns.length, 3);
  assertOneAtATime(turns);
  assert.deepEqual(turns.at(-1), (await turnsSince(began, [leader]))[0], "who led was the last");
  const again = await Promise.all(NODES.map((n) => onHost(n, byRule)));
  assert.match(again.join("\n"), /^(node\d: .* less to give back than .*\n?){3}$/);
});

test("a snapshot comes to the workstation, whether etcdctl is there or not, and is whole", async () => {
  const file = join(project.dir, "backup.db");
  const save = ["snapshot", "save", "backup.db"];
  const sent = await must(cli(project, "client", ...save));
  assert.match(sent.stdout, new RegExp(`^saved and verified ${file}: \\d\\d\\.\\d MiB\n$`));
  assert.ok(await isWhole(file));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal(await onHost(1, "ls -A /var/lib/etcd-host/snapshots"), "");

  const etcdctl = Buffer.from(await onHost(1, "base64 /usr/local/bin/etcdctl"), "base64");
  await writeFile(join(project.dir, "etcdctl"), etcdctl);
  await chmod(join(project.dir, "etcdctl"), 0o755);
  const here = 'cd "$1" && shift && PATH="$PWD:$PATH" && export PATH && exec node cli/client/client.ts "$@"';
  const client = (...args: string[]) =>
    run(labCommand, ["exec", "sh", "-c", here, "client", project.dir, ...args], project.env);
  await must(client(...save));
  assert.ok(await isWhole(file));
  const one = await must(client("--endpoints=https://192.168.1.102:2379", ...save));
  assert.match(one.stdout, /^saved and verified /);
  assert.ok((await readFile(file)).length > 20 * MIB);
});

test("an export of the state, its passphrase and the stack file open the stack together", async () => {
  const file = join(project.dir, "export.json");
  await must(project.pulumi("stack", "export", "--file", file));
  const drill = await must(cli(project, "state-drill", "--export", file));
  assert.match(drill.stdout, /open the stack together, and nothing would change\.\n$/);
  const wrong = `cd '${project.dir}' && PULUMI_CONFIG_PASSPHRASE=other node cli/state-drill/state-drill.ts --export ${file}`;
  const { code, stderr } = await run(labCommand, ["exec", "sh", "-c", wrong], project.env);
  assert.deepEqual(
    [code, stderr],
    [
      1,
      `The passphrase (PULUMI_CONFIG_PASSPHRASE, or the file in PULUMI_CONFIG_PASSPHRASE_FILE) does not open Pulumi.${project.stack}.yaml.\n`,
    ],
  );
});

test("an operator's endpoints are asked, and no others", async () => {
  const url = "https://192.168.1.102:2379";
  for (const words of [[`--endpoints=${url}`], ["--endpoints", url]]) {
    const question = [...words, "endpoint", "status", "-w", "simple"];
    const { stdout } = await must(cli(project, "client", ...question));
    assert.match(stdout, /^https:\/\/192\.168\.1\.102:2379, [^\n]*\n$/);
    assert.equal(`${await onHost(3, `etcd-host ctl ${question.join(" ")}`)}`.split("\n").length, 1);
  }
  const refused = await cli(project, "client", `--endpoints=${url}`, "defrag");
  assert.equal(refused.code, 3);
  assert.equal(await onHost(1, "etcd-host ctl defrag 2>/dev/null || echo $?"), "3");
});
