// main.ts [SUITE...]: runs the named suites, or all, those quickest to fail first; ends with the slowest files
// and "N passed, N failed" over all of them.
import { join } from "node:path";
import { argv, env, exit, stdout } from "node:process";
import { cacheFolder } from "../../lab/engine/find.ts";
import { Progress, StageFailed } from "../../lib/progress.ts";
import { type Counts, sumOf, took } from "./files.ts";
import { fastSuites, longRuns, type Suite, suites } from "./suites.ts";

const SLOWEST = 10;
const WRONG_CALL = 2;

const progress = new Progress(stdout);

// Each test file is a process of its own, and so is each command that it runs: what one of them has compiled, the next
// one takes. The stand-ins of lab/engine keep theirs in the same place.
env.NODE_COMPILE_CACHE ??= join(cacheFolder(), "compile-cache");

/** Runs one suite, for which all is ready. */
async function runSuite(suite: Suite): Promise<Counts> {
  const started = performance.now();
  const counts = await suite.run().catch(failure);
  const seconds = (performance.now() - started) / 1000;
  if (suite.isOneProgram) took.push({ file: suite.name, seconds });
  console.log(`${suite.name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds.toFixed(1)} s`);
  return counts;
}

async function prepared(suite: Suite): Promise<void> {
  for (const { name, advice, work } of suite.needs) await progress.stage(name, advice, work);
}

/** What a suite needs counts as well, if it cannot be had. */
function failure(error: unknown): Counts {
  if (!(error instanceof StageFailed)) console.error(error instanceof Error ? error.message : error);
  return { passed: 0, failed: 1 };
}

/** Side by side: a suite begins as soon as all files of those before it have, and what it needs is prepared meanwhile. */
async function runSuites(all: readonly Suite[]): Promise<Counts> {
  const counts: Promise<Counts>[] = [];
  for (const suite of all) {
    if (suite.isAlone) await Promise.all(counts);
    const ready = await prepared(suite).then(() => undefined, failure);
    counts.push(ready === undefined ? runSuite(suite) : Promise.resolve(ready));
    if (suite.isAlone) await Promise.all(counts);
  }
  return sumOf(await Promise.all(counts));
}

function chosen(names: readonly string[]): readonly Suite[] {
  if (names.length === 0) return suites;
  return names
    .flatMap((name) => (name === "fast" ? fastSuites : [name]))
    .map((name) => [...suites, ...longRuns].find((suite) => suite.name === name) ?? refuse(name));
}

function refuse(name: string): never {
  const all = ["fast", ...[...suites, ...longRuns].map((suite) => suite.name)];
  console.error(`There is no suite ${name}; choose from ${all.join(", ")}.`);
  exit(WRONG_CALL);
}

function showSlowest(): void {
  const files = took.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  if (files.length > 0) console.log("\nslowest files:");
  for (const { file, seconds } of files) console.log(`${seconds.toFixed(1).padStart(7)} s  ${file}`);
}

const { passed, failed } = await runSuites(chosen(argv.slice(2)));
showSlowest();
console.log(`\n${passed} passed, ${failed} failed`);
exit(failed === 0 ? 0 : 1);
