// etcdctl on a host, by the shell of the login there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { afterMark, etcdctlCommand } from "../../cli/client/on-host.ts";
import { ANSWER_MARK } from "../../host/commands.ts";
import { PROGRAM } from "../../host/paths.ts";

const words = [
  "put",
  "a key",
  "it's",
  "hello!",
  "!!",
  "C:\\dir\\\\x\\'",
  '"$HOME" `id`',
  "",
  "*",
  "~",
  "é",
  "--",
  "%s",
];

for (const shell of ["dash", "bash", "zsh", "fish", "tcsh"])
  test(`${shell} passes every word on as it is`, (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-on-host-"));
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const program = path.join(folder, "etcd-host");
    fs.writeFileSync(program, "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\n", { mode: 0o755 });
    const command = etcdctlCommand("node1", "", words).replaceAll(PROGRAM, program);
    const { status, stdout } = spawnSync(shell, ["-c", command], {
      encoding: "utf8",
      env: { HOME: folder, PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
    });
    const all = ["ctl", ...words].map((word) => `<${word}>`).join("");
    assert.deepEqual([status, stdout], [0, `\n${ANSWER_MARK}\n${all}`]);
  });

test("a host without the program says what to do", () => {
  const { status, stderr } = spawnSync("sh", ["-c", etcdctlCommand("node1", "", ["get", "a"])], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [1, "there is no member on node1 yet: run pulumi up\n"]);
});

test("what a login prints first is dropped, and the answer is passed on byte by byte", async () => {
  const answer = Buffer.from([0, 255, 10, 13, 128]);
  const all = Buffer.concat([Buffer.from(`motd\n${ANSWER_MARK} not yet\n\n${ANSWER_MARK}\n`), answer]);
  for (const size of [1, 7, all.length]) {
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
      all.subarray(n * size, (n + 1) * size),
    );
    const passed: Buffer[] = [];
    for await (const chunk of afterMark(Readable.from(chunks))) passed.push(chunk);
    assert.deepEqual(Buffer.concat(passed), answer);
  }
});
