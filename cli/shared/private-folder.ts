import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work` with a folder that only this user can read, and that is gone afterwards. A terminal's signal goes to the
 * command that `work` runs, too; a pipeline's SIGTERM only to `interrupted`. This process stays to clean up, since there
 * are keys in the folder.
 */
export async function withPrivateFolder<T>(
  work: (directory: string, interrupted: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "etcd-client-"));
  const interruption = new AbortController();
  const stay = (signal: NodeJS.Signals) => {
    if (signal === "SIGTERM") interruption.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stay);
  try {
    return await work(directory, interruption.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stay);
    await rm(directory, { recursive: true, force: true });
  }
}
