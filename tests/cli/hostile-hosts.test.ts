// Hosts that were taken over: what they answer to status and verify acts neither on a terminal nor on a workflow.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ANSWER_MARK } from "../../host/commands.ts";
import { StandIns } from "./stand-ins.ts";
import { assertHarmless, hostileLines } from "./workflow-commands.ts";

/** A stack whose members are declared, on hosts that answer with these lines, on both of their outputs. */
function stackOf(t: TestContext, lines: readonly string[]): StandIns {
  const folder = new StandIns(t);
  const resources = ["node1", "node2", "node3"].map((name) => ({
    urn: `urn:pulumi:prod::etcd::command:remote:Command::${name}-member`,
    inputs: {
      stdin: "[Service]\nExecStart=/opt/etcd/3.6.14/etcd\n",
      create: "etcd-host start --incarnation=1",
    },
  }));
  folder.write("export.json", JSON.stringify({ deployment: { resources } }));
  folder.command(
    "pulumi",
    `case $* in *export*) cat "$DIR/export.json" ;; *) cat "$DIR/config.json" ;; esac`,
  );
  folder.write("said", lines.join("\n"));
  folder.command(
    "ssh",
    `cat >/dev/null\nprintf '\\n${ANSWER_MARK}\\n'\ncat "$DIR/said"\ncat "$DIR/said" >&2\nexit 5`,
  );
  return folder;
}

for (const [command, lines] of [
  ["verify", hostileLines.map((line) => `differs: ${line}`)],
  ["verify", hostileLines],
  ["status", [...hostileLines, ...hostileLines.map((line) => `service ${line}`)]],
  ["status", hostileLines.map((line) => `verify ${line} ${line}`)],
] as const)
  for (const options of [[], ["--json"]])
    test(`${command} ${options.join(" ")}: ${JSON.stringify(lines[0])} and the like are shown, and do nothing`, async (t) => {
      const { code, stdout, stderr } = await stackOf(t, lines).run(command, ...options);
      assertHarmless(stdout);
      assertHarmless(stderr);
      assert.match(stdout, /node3/);
      assert.notEqual(code, 0);
    });

test("what ssh says of a host that cannot be asked does nothing either", async (t) => {
  const folder = stackOf(t, []);
  for (const line of hostileLines) {
    folder.write("said", `${line}\n`);
    folder.command("ssh", `cat >/dev/null\ncat "$DIR/said" >&2\nexit 255`);
    for (const command of ["verify", "status"]) {
      const { stdout, stderr } = await folder.run(command);
      assertHarmless(stdout + stderr);
    }
  }
});

test("a stack that cannot be read is told of without what acts", async (t) => {
  const folder = stackOf(t, []);
  folder.write("said", hostileLines.join("\n"));
  folder.command("pulumi", `cat "$DIR/said" >&2; exit 1`);
  const { code, stderr } = await folder.run("status");
  assert.equal(code, 1);
  assertHarmless(stderr);
});
