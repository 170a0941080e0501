import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandFailed, run } from "../../lib/run.ts";
import { diagnostics, finishedStep, resourceCounts } from "../../lib/update-output.ts";
import { assertHarmless, hostileLines } from "./workflow-commands.ts";

test("a finished step on a host is one short line, with or without output", () => {
  const line = " +  command:remote:Command node3-host created (0.57s) ok   architecture";
  assert.equal(finishedStep(line), "+ node3-host created in 0.57 s");
  assert.equal(finishedStep(" ~  command:remote:Command health updated (1s) "), "~ health updated in 1 s");
  assert.equal(
    finishedStep(" -  command:remote:Command node3-host deleted (12s)"),
    "- node3-host deleted in 12 s",
  );
});

test("nothing else is: a step that goes on, other resources, what a step prints", () => {
  for (const line of [
    " +  command:remote:Command node2-host creating (0s) created (1s)",
    " +  tls:index:PrivateKey ca created (0.06s) ",
    " +  pulumi:pulumi:Stack etcd-lab created (1s) 3 warnings",
    " ~  command:remote:Command node3-host **updating failed** [diff: ~create]; error: no",
    "@ updating....",
    "",
  ]) {
    assert.equal(finishedStep(line), undefined, line);
  }
});

const succeeded = `Updating (lab):
 +  pulumi:pulumi:Stack etcd-lab created (1s) 1 warning
Outputs:
    health: "node1"

Resources:
    + 5 created
    +-1 replaced
    12 unchanged

Duration: 2s
`;

test("the counts are those of the resources", () => {
  assert.equal(resourceCounts(succeeded), "5 created, 1 replaced, 12 unchanged");
  assert.equal(resourceCounts(""), "");
});

test("what hosts print in an update acts neither on a terminal nor on a workflow", async () => {
  const seen: string[] = [];
  const lines = hostileLines.map((line) => `    ${line}`).join("\n");
  const said = "JSON.parse(process.argv[1])";
  const print = ["-e", `process.stdout.write(${said}); process.stderr.write(${said})`];
  const stdout = await run(process.execPath, [...print, JSON.stringify(lines)], (line) => seen.push(line));
  assertHarmless([stdout, ...seen].join("\n"));
  const failing = [
    ...print.slice(0, 1),
    `${print[1]}; process.exitCode = 1`,
    JSON.stringify(`Diagnostics:\n${lines}`),
  ];
  await assert.rejects(run(process.execPath, failing), (error) => {
    assert.ok(error instanceof CommandFailed);
    for (const text of [error.message, error.output, diagnostics(error.output)]) assertHarmless(text);
    return true;
  });
});

const failed = `Updating (lab):
    pulumi:pulumi:Stack etcd-lab **failed** 1 error; 1 warning
Diagnostics:
  command:remote:Command (node3-host):
    error: Process exited with status 5: running "etcd-host prepare":
    refuse  memory  100 MB  (at least 2048 MB)

  pulumi:pulumi:Stack (etcd-lab):
    warning: using pulumi-resource-tls from $PATH at /bin/pulumi-resource-tls
    error: update failed

Resources:
    2 errored
`;

test("a failure is told by its diagnostics alone", () => {
  assert.equal(
    diagnostics(failed),
    `  command:remote:Command (node3-host):
    error: Process exited with status 5:
    refuse  memory  100 MB  (at least 2048 MB)
  pulumi:pulumi:Stack (etcd-lab):
    error: update failed`,
  );
});

test("what was not reached is not told beside the reason, and headings without a line are left out", () => {
  const lines = [
    "Diagnostics:",
    "  command:remote:Command (node2-member):",
    "    error: expected resource operations for urn:pulumi:lab::etcd::x::node2-member but none were seen",
    "",
    "  command:remote:Command (node3-host):",
    "    error: after 3 failed attempts: dial tcp 192.0.2.3:22: connect: no route to host",
    "",
    "  pulumi:pulumi:Stack (etcd-lab):",
    "    warning: using pulumi-resource-tls from $PATH at /bin/x",
    "",
    "Resources:",
  ];
  assert.equal(
    diagnostics(lines.join("\n")),
    "  command:remote:Command (node3-host):\n    error: after 3 failed attempts: dial tcp 192.0.2.3:22: connect: no route to host",
  );
  assert.match(diagnostics(lines.filter((line) => !line.includes("dial tcp")).join("\n")), /none were seen$/);
});

test("after a preview the update's own counts are told", () => {
  assert.equal(
    resourceCounts("Resources:\n    ~ 9 to update\n\nUpdating\nResources:\n    ~ 9 updated\n"),
    "9 updated",
  );
});

test("a failure before any diagnostics is told by all that was printed", () => {
  assert.equal(diagnostics("error: no stack named 'lab' found"), "error: no stack named 'lab' found");
});
