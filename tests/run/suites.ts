// The test suites: what each needs, and how it is run and counted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { stdout } from "node:process";
import { hostProgram } from "../../host/program.ts";
import { installMoto } from "../../lab/backends/moto.ts";
import { findEngine, OLDEST_CLI } from "../../lab/engine/find.ts";
import { prepareEtcd } from "../../lab/prepare.ts";
import { findPrometheus } from "../../lab/prometheus/find.ts";
import { stackVersion } from "../../lab/stack.ts";
import type { Log } from "../../lib/progress.ts";
import { run } from "../../lib/run.ts";
import { lanes, lanesDown } from "../e2e/lanes.ts";
import { installActionlint } from "../pipelines/actionlint.ts";
import { type Counts, filesOf, inTurn, project, runFiles, runInLanes, sumOf } from "./files.ts";
import { longFiles } from "./long-files.ts";
import { type Commands, installCommands } from "./packages.ts";

/** Something that a suite needs on the machine. */
interface Need {
  readonly name: string;
  readonly advice: string;
  readonly work: (log: Log) => Promise<string>;
}

export interface Suite {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly run: () => Promise<Counts>;
  /** Whether it has no files that report their own times. */
  readonly isOneProgram?: true;
  /** Whether nothing else may run beside it: it fills the machine itself, and its writers' gaps count. */
  readonly isAlone?: true;
}

const engine: Need = {
  name: "engine",
  advice: "Put pulumi on the PATH, or install Go.",
  work: async (log) => (await findEngine(log)).kind,
};
/** For all that follows in this process, and in those that it starts. */
const oldestEngine: Need = {
  ...engine,
  name: `engine ${OLDEST_CLI}`,
  work: async (log) => {
    process.env.ETCD_CLI = OLDEST_CLI;
    return engine.work(log);
  },
};
const archive: Need = {
  name: "etcd",
  advice: "The lines above say why.",
  work: async (log) => prepareEtcd(await stackVersion(), log),
};
const prometheus: Need = {
  name: "prometheus",
  advice: "Put prometheus and promtool on the PATH, or run this on a Debian-like system.",
  work: findPrometheus,
};
const cloud: Need = {
  name: "cloud",
  advice: "It needs Python's venv (Debian: apt-get install python3-venv) and PyPI.",
  work: installMoto,
};
const actionlint: Need = {
  name: "actionlint",
  advice: "It needs Go 1.25 or later, and Go's module proxy.",
  work: installActionlint,
};
const commands = (...needed: Commands): Need => ({
  name: "packages",
  advice: "Install them by hand, or run this as root on a Debian-like system.",
  work: (log) => installCommands(needed, log),
});

const labTools = commands("curl", "jq", "openssl", "ssh");
const lab = [labTools, engine, archive, prometheus];

export const fastSuites = ["unit", "components", "program", "host", "cli", "lab", "bench"];

export const suites: readonly Suite[] = [
  { name: "check", needs: [commands("shellcheck")], run: () => inTurn(check), isOneProgram: true },
  { name: "unit", needs: [], run: () => nodeTests("unit") },
  { name: "components", needs: [], run: () => nodeTests("components") },
  { name: "program", needs: [], run: () => nodeTests("program") },
  // early: its longest file takes three minutes, beside which all others fit
  {
    name: "state",
    needs: [commands("python3"), engine, cloud],
    run: async () => runFiles(longestFirst(await filesOf("state"))),
  },
  {
    name: "host",
    needs: [
      commands(
        ...(["shellcheck", "openssl", "curl", "wget", "systemd-analyze"] as const),
        ...(["busybox", "fish", "tcsh", "zsh"] as const),
      ),
    ],
    run: () => nodeTests("host"),
  },
  { name: "cli", needs: [commands("curl", "ssh")], run: () => nodeTests("cli") },
  { name: "lab", needs: [], run: () => nodeTests("lab") },
  { name: "bench", needs: [], run: () => nodeTests("bench") },
  { name: "monitoring", needs: [prometheus], run: () => nodeTests("monitoring") },
  {
    name: "pipelines",
    needs: [commands("curl", "jq", "shellcheck"), actionlint],
    run: () => nodeTests("pipelines"),
  },
  { name: "selftest", needs: [], run: () => inTurn(selftest), isOneProgram: true },
  { name: "engine", needs: [commands("openssl", "ssh"), engine], run: () => nodeTests("engine") },
  { name: "ec2", needs: [commands("ssh"), engine], run: () => nodeTests("ec2") },
  { name: "policy", needs: [engine], run: () => nodeTests("policy") },
  {
    name: "e2e",
    needs: lab,
    run: async () => endToEnd(longestFirst(await filesOf("e2e"))),
    isAlone: true,
  },
];

/** Suites that run only when named: they take longer than a round may. */
export const longRuns: readonly Suite[] = [
  { name: "sweep", needs: lab, run: sweep, isAlone: true },
  { name: "flags", needs: lab, run: flags, isAlone: true },
  { name: "faults", needs: lab, run: faults, isAlone: true },
  {
    name: "long",
    needs: lab,
    run: async () => endToEnd(await filesOf("long")),
    isAlone: true,
  },
  {
    name: "oldest-cli",
    needs: [labTools, commands("python3"), oldestEngine, archive, prometheus, cloud],
    run: onOldestCli,
    isAlone: true,
  },
];

/** Format, lint, types, shell and the length of files: what `npm run check` says. */
async function check(): Promise<Counts> {
  const bin = (name: string) => join(project, "node_modules/.bin", name);
  const colours = `--colors=${stdout.isTTY ? "force" : "off"}`;
  const files = await ownFiles();
  const codes = [
    await show(bin("biome"), ["ci", "--error-on-warnings", "--diagnostic-level=warn", colours, "."]),
    await show(bin("tsc"), ["--noEmit"]),
    await show("shellcheck", ["--external-sources", "--check-sourced", ...(await shellFiles(files))]),
    await show("shellcheck", ["-"], hostProgram()),
  ];
  const tooLong = await longFiles(project, files);
  for (const sentence of tooLong) console.error(sentence);
  return count([...codes.map((code) => code === 0), tooLong.length === 0]);
}

/** Runs a command with its output shown, and returns its exit code. */
async function show(command: string, args: readonly string[], input = ""): Promise<number> {
  const child = spawn(command, args, { cwd: project, stdio: ["pipe", "inherit", "inherit"] });
  child.stdin.end(input);
  const [code] = await once(child, "close");
  return code ?? 1;
}

function count(results: readonly boolean[]): Counts {
  const passed = results.filter((result) => result).length;
  return { passed, failed: results.length - passed };
}

/** Every file of the project, as the repository has it or will. */
async function ownFiles(): Promise<readonly string[]> {
  const list = await run("git", ["-C", project, "ls-files", "--cached", "--others", "--exclude-standard"]);
  return list.split("\n");
}

/**
 * Every shell program among them, whatever it is called. What lab/lab sources is checked with it;
 * the parts in host/sh make one program, and are checked as that.
 */
async function shellFiles(files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files.filter((name) => !name.startsWith("host/sh/"))) {
    const text = await readFile(join(project, file), "utf8").catch(() => ""); // deleted, not yet committed
    if (/^#!.*\b(ba)?sh\n/.test(text)) found.push(join(project, file));
  }
  return found;
}

async function nodeTests(suite: string): Promise<Counts> {
  return runFiles(await filesOf(suite));
}

/** The lab's own self test ends with a line of the same form as ours. */
async function selftest(): Promise<Counts> {
  const file = join(project, "lab/selftest");
  const output = await run(file, [], console.error, console.log).catch((error: unknown) => String(error));
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [];
  if (!passed || !failed) throw new Error("lab/selftest did not finish.");
  return { passed: Number(passed), failed: Number(failed) };
}

/** On several labs side by side: what a test waits for is mostly a machine that boots, or an election. */
async function endToEnd(files: readonly string[]): Promise<Counts> {
  try {
    return await runInLanes(files, lanes);
  } finally {
    await lanesDown(); // even if a test was ended before it could
  }
}

/** If the slowest file began last, all else would wait for it. */
const LONGEST = [
  ...["ec2", "ec2-lost", "replace", "killed", "replaced", "roll", "upgrade", "pipeline", "interrupted"],
  ...["operations-aws", "operations"], // of tests/state
];

function longestFirst(files: readonly string[]): readonly string[] {
  const place = (file: string) => {
    const index = LONGEST.indexOf(basename(file, ".test.ts"));
    return index === -1 ? LONGEST.length : index;
  };
  return files.toSorted((a, b) => place(a) - place(b));
}

/** All moments of the end-to-end tests' sweeps (tests/e2e/sweep.ts), of which each round takes some. */
async function sweep(): Promise<Counts> {
  process.env.SWEEP = "all";
  const files: string[] = [];
  for (const file of await filesOf("e2e"))
    if ((await readFile(file, "utf8")).includes('from "./sweep.ts"')) files.push(file);
  return endToEnd(files);
}

/** Every flag that `extraFlags` accepts, for each minor of etcd. */
async function flags(): Promise<Counts> {
  process.env.SWEEP = "all";
  return endToEnd([join(project, "tests/e2e/flags.test.ts")]);
}

/** Hosts of every kind that docs/hosts.md has, and other tools on them. */
async function faults(): Promise<Counts> {
  process.env.LAB_EXTRA_PACKAGES = "rust-coreutils";
  return endToEnd(await filesOf("faults"));
}

/** What decides whether the program works with a CLI: each operation of Pulumi, and the life of a cluster and of instances. */
const BY_CLI = ["first-up", "roll", "membership", "replaced", "interrupted", "ec2", "refusals"];

async function onOldestCli(): Promise<Counts> {
  const inLab = (await filesOf("e2e")).filter((file) => BY_CLI.includes(basename(file, ".test.ts")));
  const counts: Counts[] = [];
  for (const suite of ["engine", "policy", "state"]) counts.push(await nodeTests(suite));
  counts.push(await endToEnd(longestFirst(inLab)));
  return sumOf(counts);
}
