// npm run restore-drill: what is drilled and where, what the host is given, and what it said, shown.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Snapshot } from "../../cli/backups/listed.ts";
import { chosenDrill } from "../../cli/restore-drill/chosen.ts";
import { reportIn, shownReport } from "../../cli/restore-drill/report.ts";
import { ANSWER_MARK } from "../../host/commands.ts";
import { StandIns } from "./stand-ins.ts";
import { assertHarmless, hostileLines } from "./workflow-commands.ts";

const NAME = "20261127T060000Z-r63-3.6-node1.db.gz";
const DIGEST = "9f".repeat(32);
const snapshot = (where: readonly string[], name = NAME): Snapshot => ({
  snapshot: name,
  taken: "2026-11-27T06:00:00Z",
  revision: 63,
  minor: "3.6",
  node: "node1",
  bytes: 2048,
  sha256: DIGEST,
  encrypted: name.endsWith(".age"),
  quorum: true,
  where,
});
const members = [
  { name: "node1", role: "leader", error: "" },
  { name: "node2", role: "follower", error: "timed out" },
  { name: "node3", role: "follower", error: "" },
] as const;
const chosen = { snapshot: NAME, sha256: DIGEST, encrypted: false };

test("the newest that a host has which answers and does not lead", () => {
  const stored = snapshot(["store", "node1"]);
  assert.deepEqual(chosenDrill([stored], members, {}), { ...chosen, host: "node3" });
  const older = snapshot(["node3"], "older.db.gz");
  assert.deepEqual(chosenDrill([snapshot(["node1", "node2"]), older], members, {}), {
    ...chosen,
    snapshot: "older.db.gz",
    host: "node3",
  });
  assert.deepEqual(chosenDrill([snapshot(["node1"])], members, {}), { ...chosen, host: "node1" });
});

test("by name, on a host that has it; of another name only where it is said who has it", () => {
  const both = [snapshot(["store"], `token-1/hourly/${NAME}`), snapshot(["node3"], "older.db.gz.age")];
  assert.deepEqual(chosenDrill(both, members, { snapshot: NAME, host: "node1" }), {
    ...chosen,
    snapshot: `token-1/hourly/${NAME}`,
    host: "node1",
  });
  assert.deepEqual(chosenDrill(both, members, { snapshot: "etcd-3.6-x.db", host: "node3" }), {
    snapshot: "etcd-3.6-x.db",
    encrypted: false,
    host: "node3",
  });
  for (const [wanted, refusal] of [
    [
      { snapshot: "etcd-3.6-x.db" },
      /^no host that answers, and no store, has etcd-3\.6-x\.db; npm run backups/,
    ],
    [{ host: "node2" }, /^there is no host node2 that could be asked$/],
    [{ host: "node9" }, /^there is no host node9 that could be asked$/],
  ] as const) {
    const refused = chosenDrill(both, members, wanted);
    assert.match("refusal" in refused ? refused.refusal : "", refusal);
  }
  const none = chosenDrill([], members, {});
  assert.match("refusal" in none ? none.refusal : "", /has a snapshot; etcd:backup takes them$/);
});

const SAID = {
  snapshot: NAME,
  taken: "2026-11-27T06:00:00Z",
  age: 3600,
  fetch: 0.4,
  revision: 63,
  unpack: 0.1,
  restore: 0.1,
  start: 1.2,
  keys: 12,
  bytes: 32_800,
  hash: 4711,
  ahead: 42,
  result: "ok",
};

test("what came of it is one screen", () => {
  const report = reportIn("node2", JSON.stringify(SAID));
  assert.ok(report);
  assert.equal(
    shownReport(report),
    `snapshot  ${NAME}, r63
taken     2026-11-27T06:00:00Z
RPO       60 min, 42 revisions would be lost
RTO       1.8 s on node2: fetch 0.4 s, unpack 0.1 s, restore 0.1 s, start 1.2 s
data      12 keys, 32 KiB

It holds: restored, started, read and written.
`,
  );
  const failed = reportIn("node2", JSON.stringify({ snapshot: NAME, fetch: 0.1, result: "it is too old" }));
  assert.ok(failed);
  assert.deepEqual([failed.ok, failed.keys, failed.rpo.revisions], [false, null, null]);
  assert.equal(
    shownReport(failed),
    `snapshot  ${NAME}\nRTO       0.1 s on node2: fetch 0.1 s\n\nIt does not hold: it is too old.\n`,
  );
});

test("a host that says anything else has said nothing", () => {
  for (const said of ["", "{", "[]", '{"result":1}', '{"result":"ok"}'])
    assert.equal(reportIn("node2", said), undefined);
  for (const line of hostileLines) {
    const hostile = `${line}\n${line}`;
    const report = reportIn("node2", JSON.stringify({ snapshot: hostile, taken: hostile, result: hostile }));
    assert.ok(report);
    assertHarmless(shownReport(report));
    assert.equal(shownReport(report).split("\n").length, 5);
  }
});

/** Hosts that list one snapshot each, and what the drill is given there. */
function hosts(t: TestContext, name: string, answer: string): StandIns {
  const standIns = new StandIns(t);
  standIns.command(
    "ssh",
    `asked=\${4##*etcd-host }
    case $asked in drill*) cat | tail -n 1 >"$DIR/sent"; echo "$3 $asked" >"$DIR/asked" ;; *) cat >/dev/null ;; esac
    printf '\\n${ANSWER_MARK}\\n'
    case $asked in
      snapshots*) echo "here ${name} 2048 ${DIGEST}" ;;
      facts*) printf 'status [{"Status":{"header":{"member_id":%s},"leader":1}}]\\n' "\${3#node-node}" ;;
      drill*) ${answer} ;;
    esac`,
  );
  return standIns;
}

test("the host is told which one, and by what it is known; its answer and its exit code are the command's", async (t) => {
  const held = hosts(t, NAME, `echo '${JSON.stringify(SAID)}'`);
  const { code, stdout, stderr } = await held.run("restore-drill", "--json");
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).host, "node2");
  assert.match(
    held.read("asked"),
    new RegExp(`^node-node2 drill --json --snapshot=${NAME} --sha256=${DIGEST}\n$`),
  );

  const failed = hosts(t, NAME, `echo '${JSON.stringify({ ...SAID, result: "it is too old" })}'; exit 5`);
  const five = await failed.run("restore-drill", "--host", "node3");
  assert.equal(five.code, 5);
  assert.match(five.stdout, /\n\nIt does not hold: it is too old\.\n$/);
  assert.match(failed.read("asked"), /^node-node3 /);

  const refused = hosts(t, NAME, "echo 'etcd-host: refused: no room' >&2; exit 3");
  const three = await refused.run("restore-drill");
  assert.deepEqual([three.code, three.stdout, three.stderr], [3, "", "node2: etcd-host: refused: no room\n"]);
});

test("the key of an encrypted one goes to the host on stdin; without one nothing is asked there", async (t) => {
  const standIns = hosts(t, `${NAME}.age`, `echo '${JSON.stringify(SAID)}'`);
  const without = await standIns.run("restore-drill");
  assert.equal(without.code, 3);
  assert.match(
    without.stderr,
    /^refused: \S+\.age is encrypted: give its key by pulumi config set --secret backupIdentity/,
  );
  standIns.write("key", "AGE-SECRET-KEY-1\n");
  const { code, stderr } = await standIns.run("restore-drill", "--identity", "key");
  assert.equal(code, 0, stderr);
  assert.equal(standIns.read("sent"), "AGE-SECRET-KEY-1\n");
  assert.ok(!standIns.read("asked").includes("SECRET"));
  const config = JSON.parse(standIns.read("config.json"));
  const secret = { value: "AGE-SECRET-KEY-2\n", secret: true };
  standIns.write("config.json", JSON.stringify({ ...config, "etcd:backupIdentity": secret }));
  assert.equal((await standIns.run("restore-drill")).code, 0);
  assert.equal(standIns.read("sent"), "AGE-SECRET-KEY-2\n");
});
