import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Runs `work` with a folder that only this user can read, and that is gone afterwards. A signal goes to the command
 * that `work` runs; this process stays to clean up, since there are keys in the folder.
 */
export function withPrivateFolder(work: (directory: string) => number): number {
  const directory = mkdtempSync(join(tmpdir(), "etcd-client-"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
