// How the `command` plugin reaches a host: through another one, and while it does not answer. Official or stand-in.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { command, endHost, startHost } from "./host.ts";
import type { Project } from "./project.ts";
import { freePort, type Sshd } from "./sshd.ts";

let sshd: Sshd;
let project: Project;

before(async () => {
  ({ sshd, project } = await startHost());
});

after(async () => {
  await endHost({ sshd, project });
});

test("through a bastion", async () => {
  const logins = sshd.logins();
  await project.up(command("inner", "{ ...connection, proxy: connection }"));
  assert.equal(sshd.logins(), logins + 2);
  const closed = await freePort();
  const outer = await project.failToUp(
    command("outer-closed", `{ ...connection, proxy: { ...connection, port: ${closed} } }`),
  );
  assert.match(
    outer,
    new RegExp(`proxy: after 0 failed attempts: dial tcp 127.0.0.1:${closed}: connect: connection refused`),
  );
  const inner = await project.failToUp(
    command("inner-closed", `{ ...connection, port: ${closed}, proxy: connection }`),
  );
  assert.match(inner, /proxy: after 0 failed attempts: ssh: rejected: connect failed \(Connection refused\)/);
});

test("a refused connection is tried again, dialErrorLimit times", async () => {
  const port = await freePort();
  const text = await project.failToUp(
    command("refused", `{ ...connection, port: ${port}, dialErrorLimit: 3 }`),
  );
  assert.match(
    text,
    new RegExp(`after 3 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`),
  );
  assert.match(text, /Dial 1\/3 failed: retrying/);
  assert.match(text, /Dial 3\/3 failed: retrying/);
  assert.doesNotMatch(text, /Dial 4\/3/);
});

test("a host that comes up while it is being dialled is reached", async () => {
  const marker = path.join(sshd.folder, "retried");
  const port = await freePort();
  await project.write(
    command("late", `{ ...connection, port: ${port}, dialErrorLimit: -1 }`, `create: "touch ${marker}"`),
  );
  const up = project.start("up", "--yes", "--skip-preview");
  let text = "";
  let forwarder: Awaited<ReturnType<typeof sshd.also>> | undefined;
  const ended = once(up, "exit");
  up.stdout.setEncoding("utf8").on("data", async (chunk: string) => {
    text += chunk;
    if (forwarder === undefined && /Dial 2\/inf failed/.test(text)) forwarder = sshd.also(port);
  });
  const [code] = await ended;
  forwarder?.close();
  assert.equal(code, 0, text);
  assert.ok(existsSync(marker));
});

test("a black-holed host takes perDialTimeout for each attempt", async () => {
  // A listener that never accepts, with its queue full, answers nothing to further connections.
  const block = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)";
  const listen =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {";
  const script = `${listen} require('fs').writeSync(1, String(s.address().port)); ${block}; })`;
  const hole = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = await once(hole.stdout, "data");
  const port = Number(chunk);
  const fillers = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  try {
    await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, "connect")));
    const started = Date.now();
    const text = await project.failToUp(
      command("hole", `{ ...connection, port: ${port}, dialErrorLimit: 1, perDialTimeout: 1 }`),
    );
    assert.match(text, new RegExp(`after 1 failed attempts: dial tcp 127.0.0.1:${port}: i/o timeout`));
    assert.ok(Date.now() - started >= 2000);
  } finally {
    for (const filler of fillers) filler.destroy();
    hole.kill("SIGKILL");
  }
});
