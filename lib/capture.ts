import { type SpawnOptions, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { cannotRun } from "./run.ts";

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As timeout(1) says it. */
const TIMED_OUT = 124;

/**
 * Runs a command to its end, whatever its exit code; the caller tells what that means.
 * @param timeoutMs it is ended after that long, with exit code 124. @default never
 * @param options its environment; a signal upon which it is told to end, which is then waited for
 */
export async function capture(
  command: string,
  args: readonly string[],
  input = "",
  timeoutMs = 0,
  options: Pick<SpawnOptions, "env" | "signal" | "killSignal"> = {},
): Promise<Captured> {
  const child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"], timeout: timeoutMs });
  const failed = new Promise<never>((_, reject) => {
    child.on("error", (error) => {
      if (error.name !== "AbortError") reject(cannotRun(command, error));
    });
  });
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code) => resolve(code ?? (child.killed ? TIMED_OUT : 1)));
  });
  child.stdin.on("error", () => {}); // it ended before it read all of it: its exit code tells
  child.stdin.end(input);
  const all = Promise.all([ended, text(child.stdout), text(child.stderr)]);
  const [code, stdout, stderr] = await Promise.race([all, failed]);
  if (code === TIMED_OUT)
    return { code, stdout, stderr: `${stderr}no answer within ${timeoutMs / 1000} s\n` };
  return { code, stdout, stderr };
}
