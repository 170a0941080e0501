// Runs files of node:test, one after the other or side by side, and notes how long each of them took.
import { glob } from "node:fs/promises";
import { join, relative } from "node:path";
import { stdout } from "node:process";
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { spec, type TestEvent } from "node:test/reporters";
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

/** How many programs run side by side, of whatever suites: one more than CI has processors, as each waits now and then. */
const AT_ONCE = 3;
let free = AT_ONCE;
const waiting: (() => void)[] = [];

/** Works when it is its turn, in the order of the calls. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

/** Each file in its turn, in the same environment. */
export async function runFiles(files: readonly string[]): Promise<Counts> {
  return sumOf(await Promise.all(files.map((file) => inTurn(() => runFile(file, process.env)))));
}

/** A file at a time in each environment, the next one when it has ended. */
export async function runInLanes(
  files: readonly string[],
  lanes: readonly NodeJS.ProcessEnv[],
): Promise<Counts> {
  const left = [...files];
  const counts: Counts[] = [];
  const work = async (lane: NodeJS.ProcessEnv) => {
    for (let file = left.shift(); file !== undefined; file = left.shift())
      counts.push(await runFile(file, { ...process.env, ...lane }));
  };
  await Promise.all(lanes.map(work));
  return sumOf(counts);
}

export function sumOf(counts: readonly Counts[]): Counts {
  const sum = (which: keyof Counts) => counts.reduce((all, one) => all + one[which], 0);
  return { passed: sum("passed"), failed: sum("failed") };
}

/** Shown in one piece when it has ended. A skipped test counts as failed, because nobody would run it again. */
async function runFile(path: string, env: NodeJS.ProcessEnv): Promise<Counts> {
  const shown: Buffer[] = [];
  const report = new Writable({
    write: (chunk: Buffer, _, done) => {
      shown.push(chunk);
      done();
    },
  });
  const counts = { passed: 0, failed: 0 };
  const stream = run({ files: [path], cwd: project, concurrency: 1, env });
  const lines = stream.filter(isResult).compose(new spec());
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
  stdout.write(Buffer.concat(shown));
  return counts;
}

/** The counts of each file would be eight lines more, which the suite adds up. */
function isResult({ type, data }: TestEvent): boolean {
  return (
    type !== "test:diagnostic" ||
    data.nesting > 0 ||
    !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(data.message)
  );
}
