// npm start: from a fresh machine to a healthy etcd cluster on the three hosts of the lab.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { exit, stdout } from "node:process";
import { type Log, Progress, StageFailed } from "../lib/progress.ts";
import { pulumiRun } from "../lib/pulumi.ts";
import { CommandFailed, run } from "../lib/run.ts";
import { diagnostics, finishedStep, resourceCounts } from "../lib/update-output.ts";
import { describeLab, labCommand } from "./describe.ts";
import { prepareEngine, prepareEtcd, prepareLab } from "./prepare.ts";
import { stackVersion, writeLabStack } from "./stack.ts";

const HOSTS = 3;
const STACK = "lab";

/** What the user is told about each kind of engine. */
const engineNames: Record<string, string> = {
  installed: "the one on PATH",
  downloaded: "the official one, downloaded",
  built: "built here, with this project's stand-ins for the official plugins",
};

const progress = new Progress(stdout);

async function start(): Promise<void> {
  await all([
    progress.stage(
      "engine",
      "Put pulumi on the PATH, or install Go, then run npm start again.",
      async (log) => engineNames[await prepareEngine(log)] ?? "",
    ),
    progress.stage("etcd", "The lines above say why; run npm start again when it is fixed.", async (log) =>
      prepareEtcd(await stackVersion(), log),
    ),
    progress.stage("lab", "Run lab/lab down, then npm start again.", (log) => prepareLab(HOSTS, log)),
  ]);
  await progress.stage("stack", "Correct the file, or remove it to have it made again.", async () => {
    await writeLabStack();
    await selectStack();
    return "Pulumi.lab.yaml";
  });
  await progress.stage(
    "pulumi up",
    "Fix what it names, then run npm start again: it resumes where it stopped.",
    up,
  );
  const answers: string[] = [];
  await progress.stage(
    "health",
    "Check with lab/lab ssh N etcd-host status; repair by raising checkId.",
    async () => {
      answers.push(
        await etcdctl("endpoint", "health", "--cluster"),
        await etcdctl("member", "list", "-w", "table"),
      );
      return "proven now";
    },
  );
  console.log(`\n${answers.join("\n")}\n`);
  console.log(
    "Next: lab/lab exec npm run plan, lab/lab exec npm run status, lab/lab ssh 1; end with npm run lab:down.",
  );
}

/** Lets every stage end, even if another has failed, so that none keeps running. */
async function all(stages: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(stages)).find((stage) => stage.status === "rejected");
  if (failed) throw failed.reason;
}

async function selectStack(): Promise<void> {
  const { dir } = await describeLab();
  if (existsSync(join(dir, `state/.pulumi/stacks/etcd/${STACK}.json`))) return;
  await pulumi(["stack", "init", STACK]);
}

async function up(): Promise<string> {
  const showStep = (line: string) => {
    const step = finishedStep(line);
    if (step) progress.print(`    ${step}`);
  };
  const output = await pulumi(["up", "--yes", "--skip-preview"], showStep).catch((error: unknown) => {
    throw error instanceof CommandFailed ? new Error(diagnostics(error.output)) : error;
  });
  return resourceCounts(output);
}

/** The article's own check, asked now: the outputs hold what was proven at the last change. */
function etcdctl(...args: string[]): Promise<string> {
  return run(labCommand, ["ssh", "1", "etcd-host", "ctl", ...args]);
}

/** On the lab's stack, which `lab exec` selects. */
function pulumi(args: readonly string[], output?: Log): Promise<string> {
  return pulumiRun(undefined, args, output, [labCommand, "exec"]);
}

// Ctrl-C also reaches what runs here: pulumi then ends after the running step and releases its lock.
process.on("SIGINT", () => progress.print("Interrupted: waiting for running work to end."));

try {
  await start();
} catch (error) {
  if (!(error instanceof StageFailed)) console.error(error instanceof Error ? error.message : error);
  exit(1);
}
