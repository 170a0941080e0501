/** An update that has to fail: what it says of each resource, and what it leaves of the hosts. */

import assert from "node:assert/strict";
import { footprint, type Result } from "./lab.ts";
import type { Config } from "./mistakes.ts";
import type { Project } from "./project.ts";

export interface Refused {
  /** What Pulumi lists at the end, below each resource's name. */
  readonly diagnostics: ReadonlyMap<string, readonly string[]>;
  /** The one sentence of `etcd-host` about a step. */
  readonly sentence: (step: string) => string;
}

/** The second is of a login that ate the program: its first words are all that runs there. */
const SENTENCE = /^etcd-host: ((refused|failed): |nothing on stdin)/;

/** An `up` that fails, with a message for people, and leaves `untouched` hosts exactly as they are. */
export async function refusedUp(
  project: Project,
  untouched: readonly number[],
  config: Config = {},
): Promise<Refused> {
  const footprints = () => Promise.all(untouched.map(footprint));
  await project.configure(config);
  const before = await footprints();
  // The engine starts nothing after a failure: where several hosts fail in one run, none may wait for a free slot.
  const result = await project.up("--parallel=32");
  assert.notEqual(result.code, 0, result.all);
  assert.doesNotMatch(result.all, /^\s+at .*:\d+|node:internal|unhandled/im, "a stack trace is shown");
  assert.deepEqual(await footprints(), before);

  const diagnostics = diagnosticsOf(result);
  const sentence = (step: string) => {
    const lines = diagnostics.get(step) ?? [];
    const [first, ...others] = lines.filter((line) => SENTENCE.test(line));
    assert.deepEqual(others, []);
    assert.ok(first, `${step} says nothing: ${result.all}`);
    return first;
  };
  return { diagnostics, sentence };
}

function diagnosticsOf({ stdout }: Result): Map<string, string[]> {
  const [, listed = ""] = /^Diagnostics:\n([\s\S]*?)^(?=\S)/m.exec(stdout) ?? [];
  const found = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of listed.split("\n")) {
    const [, name] = /^ {2}\S+ \((\S+)\):$/.exec(line) ?? [];
    if (name !== undefined) {
      lines = [];
      found.set(name, lines);
    } else if (line.trim() !== "") {
      lines.push(line.trim());
    }
  }
  return found;
}

/** The sentences about the configuration; several come below a heading that counts them. */
export function mistakesIn(lines: readonly string[]): readonly string[] {
  const error = lines.findIndex((line) => line.startsWith("error: "));
  const [first = "", ...others] = lines.slice(error);
  if (others.length === 0) return [first.replace("error: ", "")];
  assert.equal(
    first,
    `error: this stack cannot come up as configured, for ${others.length} reasons; nothing was changed:`,
  );
  return others.map((line) => line.replace(/^- /, ""));
}

/** The preflight's one sentence, whole: about one check, and what to do. */
export function unfit(about: string): RegExp {
  return new RegExp(
    `^etcd-host: refused: node\\d cannot run here\\. ${about}\\. Nothing was changed on this host$`,
  );
}
