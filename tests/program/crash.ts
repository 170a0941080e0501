/** A run that fails in the middle, in a process of its own: the rest of the graph rejects with it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { Recording } from "./engine.ts";
import { type RunOptions, runProgram } from "./harness.ts";

export interface Crash {
  /** The errors, each once, as Pulumi would show them: a RunError as its message alone. */
  readonly errors: readonly string[];
  /** As in `Run`, up to the failure. */
  readonly events: readonly string[];
}

export async function crash(options: RunOptions): Promise<Crash> {
  const file = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, ["--no-warnings", file, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [result] = await Promise.all([json(child.stdout), once(child, "close")]);
  const { errors, events } = Object(result);
  return { errors, events };
}

async function runAndReport(options: RunOptions): Promise<void> {
  const errors = new Set<string>();
  const recording = new Recording();
  process.on("unhandledRejection", (error: unknown) => {
    errors.add(pulumi.RunError.isInstance(error) ? error.message : String(Object(error).stack));
  });
  process.on("beforeExit", () => {
    process.stdout.write(JSON.stringify({ errors: [...errors], events: recording.events }));
    process.exit();
  });
  await runProgram(options, recording);
}

if (import.meta.main) void runAndReport(JSON.parse(process.argv[2] ?? "{}"));
