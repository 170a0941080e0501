/** Runs the program, or a part of it, under Pulumi's mocks and returns what the engine would have been asked for. */

import * as pulumi from "@pulumi/pulumi";
import { type Answers, mockEngine, type Output, Recording, type Registration, STACK_TYPE } from "./engine.ts";

export type { Registration } from "./engine.ts";

export interface RunOptions extends Answers {
  /** The stack's configuration, without the namespace. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface Run {
  readonly resources: readonly Registration[];
  readonly events: readonly string[];
  readonly registeredOutputs: ReadonlyMap<string, Readonly<Record<string, Output>>>;
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, Output>>;
  /** What the program threw. */
  readonly failure?: unknown;
}

type Exports = Readonly<Record<string, unknown>>;

let runs = 0;

/** The whole program: each run evaluates index.ts anew. */
export function runProgram(options: RunOptions, recording = new Recording()): Promise<Run> {
  runs += 1;
  return runMocked(options, async () => (await import(`../../index.ts?run=${runs}`)).default, recording);
}

/** Whatever `body` makes; what it returns becomes the stack's outputs. */
export async function runMocked(
  options: RunOptions,
  body: () => Exports | Promise<Exports>,
  recording = new Recording(),
): Promise<Run> {
  await mockEngine(options, recording);
  setConfig(options.config ?? {});

  // The SDK takes a stack for every promise, which would be a third of a run's time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  let failure: unknown;
  await pulumi.runtime.runInPulumiStack(async () => {
    try {
      return { ...(await body()) };
    } catch (error) {
      failure = error;
      return {};
    }
  });
  await pulumi.runtime.disconnect();
  Error.stackTraceLimit = stackTraceLimit;

  const { resources, events, outputs: registeredOutputs } = recording;
  const stack = resources.find((resource) => resource.type === STACK_TYPE);
  const outputs = registeredOutputs.get(stack?.urn ?? "") ?? {};
  return { resources, events, registeredOutputs, outputs, ...(failure === undefined ? {} : { failure }) };
}

/** The engine hands over texts as they are and everything else as JSON. */
function setConfig(config: Exports): void {
  const texts = Object.entries(config).map(([key, value]) => [
    `etcd:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts), ["etcd:sshPrivateKey"]);
}
