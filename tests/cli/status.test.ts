// The cluster on one screen, from what `etcd-host facts` says on each host.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "../../cli/shared/ask-hosts.ts";
import { type ClusterStatus, clusterStatus } from "../../cli/status/facts.ts";
import { screen } from "../../cli/status/screen.ts";
import { assertHarmless, hostileLines } from "./workflow-commands.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");

/** What a member says of itself; `id` 1 leads. */
function statusLine(id: number, more: Readonly<Record<string, unknown>> = {}): string {
  const status = {
    header: { member_id: id },
    version: "3.6.14",
    dbSize: 100 * 1024 * 1024,
    dbSizeInUse: 75 * 1024 * 1024,
    leader: 1,
    dbSizeQuota: 2 * 1024 * 1024 * 1024,
    raftIndex: 500,
    ...more,
  };
  return `status ${JSON.stringify([{ Endpoint: "https://127.0.0.1:2379", Status: status }])}`;
}

function answer(n: number, lines: readonly string[], failure = ""): Answer {
  const node = {
    name: `node${n}`,
    address: `192.0.2.${n}`,
    listenAddress: "",
    sshAddress: "",
    sshPort: 22,
    hostKey: "",
    incarnation: 1,
    issue: 1,
    lost: false,
  };
  return { node, code: failure === "" ? 0 : 255, stdout: `${lines.join("\n")}\n`, stderr: failure };
}

const certificates = [
  "certificate server 2027-11-24T12:00:00Z",
  "certificate peer 2026-12-04T12:00:00Z",
  "certificate operator 2027-01-01T00:00:00Z",
];

function three(
  second: Answer = answer(2, ["service active", ...certificates, statusLine(2)]),
): ClusterStatus {
  return clusterStatus([
    answer(1, ["service active", ...certificates, "verify 2026-11-24T09:00:00Z 0", statusLine(1)]),
    second,
    answer(3, ["service active", ...certificates, statusLine(3, { raftIndex: 490 })]),
  ]);
}

test("a healthy cluster: one leads, and each shows its database, lag, certificate and last verify", () => {
  const status = three();
  assert.equal(status.healthy, true);
  assert.deepEqual(
    status.members.map(({ role, raftLag, fragmentation }) => [role, raftLag, fragmentation]),
    [
      ["leader", 0, 0.25],
      ["follower", 0, 0.25],
      ["follower", 10, 0.25],
    ],
  );
  assert.deepEqual(screen(status, NOW).split("\n"), [
    "member           service  role      version  db                free  lag  certificate  last verify",
    "node1 192.0.2.1  active   leader    3.6.14   100 MiB of 2 GiB  25 %  0    10 days      3 h ago, as declared",
    "node2 192.0.2.2  active   follower  3.6.14   100 MiB of 2 GiB  25 %  0    10 days      never",
    "node3 192.0.2.3  active   follower  3.6.14   100 MiB of 2 GiB  25 %  10   10 days      never",
    "",
    "No alarm is raised.",
    "",
  ]);
});

test("a member that does not answer, and a host that cannot be asked, are told apart", () => {
  const stopped = three(answer(2, ["service inactive", ...certificates]));
  assert.equal(stopped.healthy, false);
  assert.match(screen(stopped, NOW), /^node2 192\.0\.2\.2 {2}inactive {2}does not answer {2}- /m);

  const cut = three(answer(2, [], "Connection closed\nssh: connect to host 192.0.2.2 port 22: timed out"));
  assert.equal(cut.healthy, false);
  assert.match(screen(cut, NOW), /^node2 192\.0\.2\.2 {2}unknown {2,}does not answer/m);
  assert.match(screen(cut, NOW), /^node2: ssh: connect to host 192\.0\.2\.2 port 22: timed out$/m);
  assert.match(screen(cut, NOW), /^Not healthy: /m);
});

test("an alarm is said once, and is not healthy; so is a cluster that nobody leads", () => {
  const alarm = "memberID:2 alarm:NOSPACE ";
  const full = three(answer(2, ["service active", statusLine(2, { errors: [alarm] })]));
  assert.equal(full.healthy, false);
  assert.deepEqual(screen(full, NOW).match(/^ALARM.*/gm), [
    "ALARM memberID:2 alarm:NOSPACE: npm run reclaim",
  ]);
  const alone = clusterStatus([answer(2, ["service active", statusLine(2, { leader: 0 })])]);
  assert.deepEqual([alone.healthy, alone.members[0]?.role], [false, "follower"]);
});

test("what a member says of itself is text on one line: no member writes a line, or a command, of its own", () => {
  const said = hostileLines.join("\n");
  const status = clusterStatus([
    answer(1, ["service active", statusLine(1, { version: `3.6.14${said}`, errors: [`alarm\n${said}`] })]),
  ]);
  const text = screen(status, NOW);
  assertHarmless(text);
  assert.equal(text.match(/^ALARM/gm)?.length, 1);
  assert.equal(text.split("\n").length, screen(three(), NOW).split("\n").length, text);
});

test("a learner, what differed, and an answer that is no JSON", () => {
  const status = clusterStatus([
    answer(1, ["service active", "verify 2026-11-20T12:00:00Z 2", statusLine(1)]),
    answer(2, ["service active", statusLine(2, { isLearner: true })]),
    answer(3, ["service active", "status [{"]),
  ]);
  assert.deepEqual(
    status.members.map(({ role }) => role),
    ["leader", "learner", "does not answer"],
  );
  assert.match(screen(status, NOW), /4 days ago, 2 differ$/m);
});

test("the clients' certificates are shown as the stack has them, and only where there are any", () => {
  const ends = {
    client: "2027-11-24T12:00:00Z",
    "client-ca": "2031-11-24T12:00:00Z",
    "node1-server": "2027-11-24T12:00:00Z",
    "client.prometheus": "2026-12-24T12:00:00Z",
    "client.app1": "2026-11-25T12:00:00Z",
  };
  const status = clusterStatus([answer(1, ["service active", statusLine(1)])], ends);
  assert.deepEqual(status.clients, { app1: ends["client.app1"], prometheus: ends["client.prometheus"] });
  assert.match(screen(status, NOW), /\n\nclient {6}certificate\napp1 {8}1 days\nprometheus {2}30 days\n\n/);
});

test("what has ended is said of its host, whose members answer the connections that they have", () => {
  const ended = "the peer CA of this host ended on 2026-11-24T11:00:00Z, so no new connection is accepted";
  const lines = [
    "service active",
    "certificate peer-ca 2026-11-24T11:00:00Z",
    `ended ${ended}`,
    statusLine(2),
  ];
  const status = three(answer(2, lines));
  assert.equal(status.healthy, false);
  const shown = screen(status, NOW);
  assert.match(shown, /^node2 192\.0\.2\.2 .* ended /m);
  assert.match(shown, new RegExp(`^node2: ${ended}$`, "m"));
});
