// The engine kills a pack when it has answered: what Node compiled of it is kept before.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pack } from "./pack.ts";

test("a pack that is killed as soon as it answers leaves what Node compiled", async (t) => {
  const cache = await mkdtemp(join(tmpdir(), "pack-cache-"));
  t.after(() => rm(cache, { recursive: true }));
  const runner = createRequire(join(pack, "index.js")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  const child = spawn(process.execPath, [runner, "127.0.0.1:1", "."], {
    cwd: pack,
    env: { ...process.env, NODE_COMPILE_CACHE: cache, PULUMI_CONFIG: "{}" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [port] = await once(child.stdout, "data");
  assert.match(String(port), /^\d+\n/);
  child.kill("SIGKILL");
  await once(child, "close");
  const kept = await readdir(cache, { recursive: true });
  assert.ok(kept.length > 100, `${kept.length} files`);
});
