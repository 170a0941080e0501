import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPrometheus } from "../../lab/prometheus/find.ts";

/** Runs promtool in a folder that holds these files; rejects with what it says when it finds fault. */
export async function promtool(files: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-promtool-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const { stdout } = await promisify(execFile)(join(await findPrometheus(), "promtool"), args, {
      cwd: folder,
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
