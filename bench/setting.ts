/** Where it is measured: the machine and the versions. */

import { cpus, loadavg, totalmem } from "node:os";
import { run } from "../lib/run.ts";
import type { Setting } from "./report.ts";
import { benchVersion, onClient } from "./stack.ts";

/** What the reader is told about each kind of engine. */
const engines: Readonly<Record<string, string>> = {
  installed: "the CLI and plugins on PATH",
  downloaded: "official CLI and plugins",
  built: "built here, with this project's stand-ins for the language host and the plugins",
};

/** One minute's load average: read before the bench adds load itself. */
export function loadBefore(): number {
  return loadavg()[0] ?? 0;
}

export async function settingOf(engine: string, load: number): Promise<Setting> {
  const version = await onClient("pulumi", "version");
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load,
    engine: engines[engine] ?? engine,
    node: process.version.slice(1),
    pulumi: version.trim().replace(/^v/, ""),
    etcd: await benchVersion(),
    commit: await commit(),
  };
}

async function commit(): Promise<string> {
  const head = await run("git", ["rev-parse", "--short", "HEAD"]);
  const changed = await run("git", ["status", "--porcelain", "--", ".", ":!docs"]);
  return changed === "" ? head : `${head} with changes`;
}
