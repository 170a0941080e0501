// Part of the stand-ins for machines without downloads: what happens to the text that a command prints.
import { StringDecoder } from "node:string_decoder";
import { message } from "./errors.ts";
import type { Log } from "./provider.ts";

export interface Output {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

/** The official plugin reads logged output by lines of at most this many bytes, and a longer one ends its reading, not its waiting. */
const LONGEST_LINE = 64 * 1024 - 1;

/**
 * Runs a command; its lines go to the engine as they come, its whole output is the result, or part of the failure. After a
 * line that is too long it never ends, like the official plugin.
 */
export async function recordOutput(
  command: string,
  logging: string | undefined,
  log: Log,
  run: (output: Output) => Promise<void>,
): Promise<{ stdout: string; stderr: string }> {
  const chunks: { stdout: Buffer[]; stderr: Buffer[]; all: Buffer[] } = { stdout: [], stderr: [], all: [] };
  const lines = splitLines((line) => log("status", line));
  const collect = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
    chunks[stream].push(chunk);
    chunks.all.push(chunk);
    if (logging === undefined || logging === "stdoutAndStderr" || logging === stream) lines.write(chunk);
  };
  try {
    await run({ stdout: collect("stdout"), stderr: collect("stderr") });
  } catch (error) {
    throw new Error(`${message(error)}: running ${JSON.stringify(command)}:\n${Buffer.concat(chunks.all)}`);
  } finally {
    if (lines.isStuck()) await new Promise(() => {});
    lines.end();
  }
  return { stdout: trimmed(chunks.stdout), stderr: trimmed(chunks.stderr) };
}

/** Exactly one trailing newline is cut. */
function trimmed(chunks: Buffer[]): string {
  return Buffer.concat(chunks).toString().replace(/\n$/, "");
}

function splitLines(emit: (line: string) => void) {
  const decoder = new StringDecoder();
  let rest = "";
  let stuck = false;
  const pass = (line: string) => {
    stuck ||= Buffer.byteLength(line) > LONGEST_LINE;
    if (!stuck) emit(line);
  };
  return {
    write(chunk: Buffer) {
      const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) pass(line);
    },
    end() {
      if (rest !== "") emit(rest);
    },
    isStuck: () => stuck || Buffer.byteLength(rest) > LONGEST_LINE,
  };
}
