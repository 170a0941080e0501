// Runs files of node:test, one after the other or side by side, and notes how long each of them took.
import { glob } from "node:fs/promises";
import { join, relative } from "node:path";
import { stdout } from "node:process";
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export interface Took {
  /** As the repository has it. */
  readonly file: string;
  readonly seconds: number;
}

export const project = fileURLToPath(new URL("../..", import.meta.url));

/** How long this run's files took so far. */
export const took: Took[] = [];

/** The test files of tests/<suite>, in alphabetical order. */
export async function filesOf(suite: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of glob(`tests/${suite}/**/*.test.ts`, { cwd: project }))
    files.push(join(project, file));
  if (files.length === 0) throw new Error(`There are no tests in tests/${suite}.`);
  return files.sort();
}

/** Two files at a time, in the same environment; each result is shown at once. */
export function runFiles(files: readonly string[]): Promise<Counts> {
  return runInto(stdout, files, { concurrency: 2, env: process.env });
}

/** A file at a time in each environment, the next one when it has ended; each file is shown when it has. */
export async function runInLanes(
  files: readonly string[],
  lanes: readonly NodeJS.ProcessEnv[],
): Promise<Counts> {
  const waiting = [...files];
  const total = { passed: 0, failed: 0 };
  const work = async (lane: NodeJS.ProcessEnv) => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const shown: Buffer[] = [];
      const report = new Writable({
        write: (chunk: Buffer, _, done) => {
          shown.push(chunk);
          done();
        },
      });
      const env = { ...process.env, ...lane };
      const { passed, failed } = await runInto(report, [file], { concurrency: 1, env });
      total.passed += passed;
      total.failed += failed;
      stdout.write(Buffer.concat(shown));
    }
  };
  await Promise.all(lanes.map(work));
  return total;
}

/** A skipped test counts as failed, because nobody would run it again. */
async function runInto(
  report: Writable,
  files: readonly string[],
  options: { readonly concurrency: number; readonly env: NodeJS.ProcessEnv },
): Promise<Counts> {
  const counts = { passed: 0, failed: 0 };
  const stream = run({ files: [...files], cwd: project, ...options });
  const lines = stream.compose(new spec());
  stream.on("test:summary", ({ file, counts: all, duration_ms }) => {
    if (file !== undefined) {
      const one = { file: relative(project, file), seconds: duration_ms / 1000 };
      took.push(one);
      report.write(`${one.file}: ${one.seconds.toFixed(1)} s\n`);
      return;
    }
    counts.passed = all.passed; // of all files, at the end
    counts.failed = all.tests - all.passed;
  });
  lines.pipe(report, { end: false });
  await finished(lines);
  return counts;
}
