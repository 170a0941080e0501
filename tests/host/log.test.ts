// What a failed start shows: etcd's own reason, however much came after it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "./host.ts";

const json = (level: string, msg: string, more: Readonly<Record<string, string>> = {}) =>
  JSON.stringify({ level, ts: "2026-11-27T20:00:00.000Z", caller: "etcdmain/etcd.go:204", msg, ...more });
const starting = "Starting etcd.service - etcd member node1...";
const ended = "etcd.service: Main process exited, code=exited, status=2/INVALIDARGUMENT";
/** As Go prints it, of each of the many goroutines of a server. */
const stack = Array.from({ length: 40 }, (_, n) => [
  `goroutine ${n + 1} [running]:`,
  "go.uber.org/zap/zapcore.CheckWriteAction.OnWrite(0x0?, 0xc0001a?, {0x0?, 0x0?, 0xc000?})",
  "\tgo.uber.org/zap@v1.27.0/zapcore/entry.go:196 +0x54",
  "created by go.etcd.io/etcd/server/v3/embed.(*Etcd).serveClients in goroutine 1",
  "\tgo.etcd.io/etcd/server/v3/embed/etcd.go:810 +0x2c5",
  "",
]).flat();

for (const [what, journal, shown] of [
  [
    "the line of a panic, not its stack",
    [
      starting,
      json("info", "starting etcd"),
      json("panic", "failed to open database", { path: "/var/lib/etcd", error: "timeout" }),
      "panic: failed to open database",
      "",
      ...stack,
      ended,
    ],
    [
      "panic: failed to open database: timeout",
      "panic: failed to open database",
      starting,
      "info: starting etcd",
      ended,
    ],
  ],
  [
    "level, message and error of a fatal line, before what systemd says of it",
    [
      starting,
      json("fatal", "discovery failed", { error: 'cannot parse "a\\b": bad\nvalue', stacktrace: "x" }),
      ended,
    ],
    ['fatal: discovery failed: cannot parse "a\\\\b": bad value', starting, ended],
  ],
  [
    "the flag that etcd does not know, above its usage",
    [
      starting,
      "flag provided but not defined: -x",
      "Usage:",
      ...Array.from({ length: 9 }, (_, n) => `  ${n}`),
      ended,
    ],
    ["flag provided but not defined: -x", "  3", "  4", "  5", "  6", "  7", "  8", ended],
  ],
  [
    "a line of etcd's other format",
    [starting, '2026-11-27T20:00:00Z\tfatal\tetcdmain/etcd.go:204\tdiscovery failed\t{"error": "no"}', ended],
    ['fatal: discovery failed {"error": "no"}', starting, ended],
  ],
  [
    "what systemd could not set up",
    [starting, "etcd.service: Failed to set up user namespacing: No space left on device", ended],
    ["etcd.service: Failed to set up user namespacing: No space left on device", starting, ended],
  ],
  [
    "the reason of the start before, while the next one has not ended",
    [
      starting,
      json("error", "no"),
      starting,
      json("fatal", "cannot listen"),
      ended,
      starting,
      json("info", "again"),
    ],
    ["fatal: cannot listen", starting, "error: no", starting, ended, starting, "info: again"],
  ],
  ["the last lines where none says why", ["one", "two"], ["one", "two"]],
] as const)
  test(`a failed start shows ${what}`, async (t) => {
    const host = Host.create(t);
    host.write("journal", `${journal.join("\n")}\n`);
    for (const shell of ["dash", "bash"] as const) {
      const { stdout, code } = await host.shell("last_log_lines", [], { shell });
      assert.deepEqual([code, stdout.trimEnd().split("\n")], [0, shown]);
    }
  });

test("where etcd logs to a file, the reason is read there", async (t) => {
  const host = Host.create(t);
  host.write("journal", `${starting}\n${ended}\n`);
  host.write("etcd.log", `${json("fatal", "cannot listen")}\n`);
  host.write("etc/systemd/system/etcd.service", `  --log-outputs=${host.file("etcd.log")},stderr \\\n`);
  const { stdout } = await host.shell("last_log_lines 3");
  assert.deepEqual(stdout.trimEnd().split("\n"), ["fatal: cannot listen", ended]);
});

test("a host without a journal shows nothing, and goes on", async (t) => {
  assert.deepEqual(await Host.create(t).shell("last_log_lines; echo on"), {
    code: 0,
    stdout: "on\n",
    stderr: "",
  });
});
