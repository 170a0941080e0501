import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever its exit code; the caller tells what that means. */
export async function capture(command: string, args: readonly string[], input = ""): Promise<Captured> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const failed = new Promise<never>((_, reject) => {
    child.on("error", (error) => reject(new Error(`${command} cannot be run: ${error.message}`)));
  });
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code) => resolve(code ?? 1));
  });
  child.stdin.on("error", () => {}); // it ended before it read all of it: its exit code tells
  child.stdin.end(input);
  const all = Promise.all([ended, text(child.stdout), text(child.stderr)]);
  const [code, stdout, stderr] = await Promise.race([all, failed]);
  return { code, stdout, stderr };
}
