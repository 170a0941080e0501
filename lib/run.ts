import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { printable } from "./printable.ts";
import type { Log } from "./progress.ts";

/** A command ended with another code than 0; the message is the end of what it printed. */
export class CommandFailed extends Error {
  readonly output: string;

  constructor(command: string, code: number | null, lines: readonly string[]) {
    super(lines.slice(-30).join("\n") || `${command} ended with ${code ?? "a signal"}.`);
    this.output = lines.join("\n");
  }
}

/** For those who have just begun. */
const HINTS: Readonly<Record<string, string>> = {
  pulumi: ": install the Pulumi CLI; for the lab, type lab/lab exec before the command",
};

/** A command that is not there, or may not be run. */
export function cannotRun(command: string, error: Error): Error {
  return new Error(`${command} cannot be run (${error.message})${HINTS[command] ?? ""}`, { cause: error });
}

/**
 * Runs a command, passes each line of stderr to `log` and of stdout to `output`, and returns its stdout, all of it as text
 * that can be shown: pulumi's has in it what hosts print. A SIGTERM, as
 * a pipeline sends it, reaches the command as the SIGINT that makes `pulumi` end after the running step.
 */
export async function run(
  command: string,
  args: readonly string[],
  log: Log = () => {},
  output: Log = () => {},
): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const stdout: string[] = [];
  const all: string[] = [];
  createInterface(child.stdout).on("line", (read) => {
    const line = printable(read);
    stdout.push(line);
    all.push(line);
    output(line);
  });
  createInterface(child.stderr).on("line", (read) => {
    const line = printable(read);
    all.push(line);
    log(line);
  });
  const interrupt = () => child.kill("SIGINT");
  process.on("SIGTERM", interrupt);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error) => reject(cannotRun(command, error)));
    child.on("close", resolve);
  }).finally(() => process.off("SIGTERM", interrupt));
  if (code !== 0) throw new CommandFailed(command, code, all);
  return stdout.join("\n");
}
