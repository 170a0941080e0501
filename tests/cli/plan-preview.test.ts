// npm run plan with a pulumi that tells how it was called: one preview, whose events are read and do not stay.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deployed } from "../unit/deployment.ts";
import { previewText } from "./preview.ts";
import { StandIns } from "./stand-ins.ts";

const violation = (enforcementLevel: string, policyName: string, message: string) =>
  `${JSON.stringify({ policyEvent: { enforcementLevel, policyName, message, resourceUrn: "urn::node1-host" } })}\n`;
const mandatory = violation("mandatory", "no-triggers", "triggers replace the step.\n");
const advisory = violation("advisory", "ca-protected", "The CA's key is not protected.\n");

/** A pulumi that writes these events and this preview. */
function withPulumi(t: TestContext, events: string, preview: string, code: number): StandIns {
  const standIns = new StandIns(t);
  standIns.write("preview.json", preview);
  standIns.write("events", events);
  standIns.command(
    "pulumi",
    `echo "$*" >>"$DIR/calls"
    while [ $# -gt 1 ] && [ "$1" != --event-log ]; do shift; done
    echo "\${2%/*}" >"$DIR/folder"
    [ "$PULUMI_DEBUG_COMMANDS" != true ] || cat "$DIR/events" >"$2"
    stat -c %a "\${2%/*}" "$2" >"$DIR/modes"
    cat "$DIR/preview.json"
    exit ${code}`,
  );
  return standIns;
}

const failed = previewText({ errors: ["preview failed"] });

test("what a policy refuses is said by the one preview; its events were for this user alone and are gone", async (t) => {
  const standIns = withPulumi(t, mandatory + advisory, failed, 255);
  const { code, stdout } = await standIns.run("plan", "--json");
  const { verdict, refusals, warnings } = JSON.parse(stdout);
  assert.deepEqual([code, verdict], [3, "refused"]);
  assert.deepEqual(refusals, ["no-triggers: triggers replace the step. (node1-host)"]);
  assert.deepEqual(warnings, ["ca-protected: The CA's key is not protected. (node1-host)"]);
  assert.equal(standIns.read("calls").trim().split("\n").length, 1, standIns.read("calls"));
  assert.equal(standIns.read("modes"), "700\n600\n");
  assert.ok(!fs.existsSync(standIns.read("folder").trim()));
});

test("advice alone is a warning, and the record of the last proof is the preview's own", async (t) => {
  const shown = JSON.parse(previewText());
  const [stack] = shown.steps;
  stack.oldState = { outputs: { deployed: deployed(3) } };
  const standIns = withPulumi(t, advisory, JSON.stringify(shown), 0);
  const { code, stdout, stderr } = await standIns.run("plan", "--json");
  assert.equal(code, 0, stderr);
  const { verdict, warnings, hosts } = JSON.parse(stdout);
  assert.deepEqual([verdict, warnings.length], ["nothing", 1]);
  assert.deepEqual(
    hosts.map(({ action }: { action: string }) => action),
    ["nothing", "nothing", "nothing"],
  );
  assert.equal(standIns.read("calls").trim().split("\n").length, 1, standIns.read("calls"));
});

test("other refusals stay beside a policy's; without events nothing is planned", async (t) => {
  const both = previewText({ errors: ["nodes: no.", "preview failed"] });
  const first = await withPulumi(t, mandatory, both, 255).run("plan", "--json");
  assert.deepEqual(JSON.parse(first.stdout).refusals, [
    "nodes: no.",
    "no-triggers: triggers replace the step. (node1-host)",
  ]);
  const without = withPulumi(t, "", failed, 255);
  without.command("pulumi", `cat "$DIR/preview.json"`);
  const second = await without.run("plan");
  assert.equal(second.code, 1);
  assert.match(second.stderr, /^pulumi preview wrote no events/m);
});

test("a SIGTERM, as a pipeline sends it, ends the preview first, and nothing stays", async (t) => {
  const standIns = new StandIns(t);
  const ready = join(standIns.dir, "ready");
  execFileSync("mkfifo", [ready]);
  standIns.command(
    "pulumi",
    `exec 3>"$DIR/ready"
    while [ $# -gt 1 ] && [ "$1" != --event-log ]; do shift; done
    echo secret >"$2"
    sleep 600 3>&- & pid=$!
    trap 'kill $pid; echo told >"$DIR/told"; exit 1' INT
    echo "\${2%/*}" >&3
    exec 3>&-
    wait`,
  );
  const { child, ended } = standIns.start("plan");
  const folder = (await readFile(ready, "utf8")).trim();
  assert.ok(fs.existsSync(join(folder, "events")));
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  assert.equal(code, 1);
  assert.match(stderr, /^interrupted: nothing was planned$/m);
  assert.equal(standIns.read("told"), "told\n");
  assert.ok(!fs.existsSync(folder));
});
