// Part of the stand-ins for machines without downloads: one command on this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Output } from "./output.ts";

export interface ProcessOptions {
  cwd: string | undefined;
  env: Record<string, string>;
  stdin: string | undefined;
  cancelled: AbortSignal;
}

export async function runProcess(words: string[], output: Output, options: ProcessOptions): Promise<void> {
  const [program = "/bin/sh", ...args] = words;
  const { NODE_COMPILE_CACHE: _ours, ...inherited } = process.env;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...inherited, ...options.env },
    signal: options.cancelled,
    killSignal: "SIGKILL",
  });
  child.stdout.on("data", output.stdout);
  child.stderr.on("data", output.stderr);
  child.stdin.on("error", () => {}); // a command may end without reading its standard input
  child.stdin.end(options.stdin);
  const [code, signal] = await once(child, "close");
  if (signal !== null) throw new Error(`signal: ${signal === "SIGKILL" ? "killed" : signal}`);
  if (code !== 0) throw new Error(`exit status ${code}`);
}
