/** Small programs of these tests that need etcd's own Go modules: those that the lab's etcd is built from. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must, run } from "../e2e/lab.ts";

const modules = fileURLToPath(new URL("../../lab/etcd/v3.6.14", import.meta.url));

/** Path of tools/NAME, compiled; it runs on the hosts too. */
export async function tool(name: string): Promise<string> {
  const source = fileURLToPath(new URL(`tools/${name}/main.go`, import.meta.url));
  const program = join(await mkdtemp(join(tmpdir(), "etcd-tool-")), name);
  // as lab/etcd/build: not by the user's own Go settings
  const env = { ...process.env, GOFLAGS: "", GOWORK: "off", GOTOOLCHAIN: "local", CGO_ENABLED: "0" };
  await must(run("go", ["-C", modules, "build", "-mod=readonly", "-trimpath", "-o", program, source], env));
  return program;
}
