// The Pulumi CLI: how it is called is said here once.
import { type Captured, capture } from "./capture.ts";
import { printable } from "./printable.ts";
import type { Log } from "./progress.ts";
import { run } from "./run.ts";

/** The stack named, or the one that is selected. */
export type Stack = string | undefined;

/** `pulumi ARGS…`, to its end, whatever its exit code. What it says on stderr can be shown; stdout is data as it is. */
export function pulumiCapture(stack: Stack, ...args: string[]): Promise<Captured> {
  return pulumiWith({}, stack, ...args);
}

/** The same in another environment, or until a signal. */
export async function pulumiWith(
  options: Parameters<typeof capture>[4],
  stack: Stack,
  ...args: string[]
): Promise<Captured> {
  const { stderr, ...captured } = await capture("pulumi", wordsOf(stack, args), "", 0, options);
  return { ...captured, stderr: printable(stderr) };
}

/**
 * The same with the engine's events written to a file, by an option that this variable brings: the Automation API uses
 * it. Once `interrupted`, it ends after the running step.
 */
export function pulumiWithEvents(
  stack: Stack,
  file: string,
  interrupted: AbortSignal,
  ...args: string[]
): Promise<Captured> {
  const env = { ...process.env, PULUMI_DEBUG_COMMANDS: "true" };
  const options = { env, signal: interrupted, killSignal: "SIGINT" } as const;
  return capture("pulumi", wordsOf(stack, [...args, "--event-log", file]), "", 0, options);
}

/** The JSON that `pulumi ARGS…` prints. */
export async function pulumiJson(stack: Stack, ...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await pulumiCapture(stack, ...args);
  if (code !== 0) throw new Error(stderr.trim() || `pulumi ${args.join(" ")} ended with ${code}`);
  return JSON.parse(stdout);
}

/**
 * `pulumi ARGS…`, each line of stdout to `output` as it comes; returns all of them. A failure is a CommandFailed.
 * @param through a command that runs it. @default none
 */
export function pulumiRun(
  stack: Stack,
  args: readonly string[],
  output: Log = () => {},
  through: readonly string[] = [],
): Promise<string> {
  const [command = "pulumi", ...words] = [...through, "pulumi", ...wordsOf(stack, args)];
  return run(command, words, undefined, output);
}

/** It asks nothing, and its output is read by a program. */
function wordsOf(stack: Stack, args: readonly string[]): string[] {
  const choice = stack === undefined ? [] : ["--stack", stack];
  return [...args, "--non-interactive", "--color=never", ...choice];
}
