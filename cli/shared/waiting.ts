// What an operator sees while a command works. On stderr, so that stdout is the answer alone.
import { stderr } from "node:process";
import { Progress } from "../../lib/progress.ts";

/** A live line on a terminal, elsewhere a line for each stage. */
export const progress = new Progress(stderr);

/** On a terminal only: a pipeline's log needs no line for a few seconds of work. */
export function waitOnTerminal<T>(doing: string, work: () => Promise<T>): Promise<T> {
  return stderr.isTTY ? progress.wait(doing, work) : work();
}
