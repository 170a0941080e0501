// npm run up -- [--stack STACK] [--refresh] --plan DIRECTORY: does what was approved, or nothing.
// npm run up -- [--stack STACK] --renewals-only: renews certificates that are due, if that is all there is to do.
// Exit codes: 0 done or nothing to do, 1 failed, 2 wrong call, 3 refused and nothing changed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CommandFailed, run } from "../../lib/run.ts";
import { diagnostics, finishedStep, resourceCounts, withoutValues } from "../../lib/update-output.ts";
import { deviations, notDone, onlyRenewals, samePlan } from "../plan/compare.ts";
import { planFromPreview } from "../plan/from-preview.ts";
import type { Plan } from "../plan/model.ts";
import { POLICY_PACK } from "../plan/policy.ts";
import { pulumiFile, readPlan } from "../plan/saved.ts";
import { callOrExit } from "../shared/command-line.ts";

const USAGE = "usage: npm run up -- [--stack STACK] [--refresh] (--plan DIRECTORY | --renewals-only)";

interface Call {
  readonly stack?: string | undefined;
  readonly plan?: string | undefined;
  readonly refresh?: boolean | undefined;
  readonly "renewals-only"?: boolean | undefined;
}

const PLAN_AGAIN = "Nothing was changed: plan again, and have that approved.";

class Refused extends Error {}

/** Ctrl-C reaches pulumi as well, SIGTERM by `run`: it ends after the running step. This process stays to clean up. */
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    interrupted = true;
  });

function parseCommandLine(words: string[]): Call {
  const options = {
    stack: { type: "string" },
    plan: { type: "string" },
    refresh: { type: "boolean" },
    "renewals-only": { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args: words, options });
  if ((values.plan === undefined) === (values["renewals-only"] !== true))
    throw new Error("say what may be done: --plan or --renewals-only");
  return values;
}

/** Previews again, judges, then updates under a saved plan: the engine refuses any step that is not in it. */
async function up({ stack, refresh, plan: folder }: Call, fresh: string): Promise<string> {
  const approved = folder === undefined ? undefined : await readPlan(folder);
  const current = await planFromPreview({ stack, refresh, save: fresh });
  refuseUnapproved(approved, current);
  const looking = refresh ? ["--refresh"] : [];
  if (current.verdict === "nothing") return "nothing to do";
  if (folder !== undefined && approved !== undefined && samePlan(approved, current)) {
    return update(stack, [...looking, "--plan", pulumiFile(folder)]); // previews once more, by the approved plan itself
  }
  if (approved !== undefined)
    console.log("The approved plan is done in part, or certificates came due since: the rest is done.");
  return update(stack, [...looking, "--plan", pulumiFile(fresh), "--skip-preview"]);
}

function refuseUnapproved(approved: Plan | undefined, current: Plan): void {
  if (current.verdict === "refused")
    throw new Refused(`Refused, and nothing was changed:\n${current.refusals.join("\n")}`);
  if (approved === undefined) {
    if (onlyRenewals(current)) return;
    throw new Refused(
      `There is more to do than to renew certificates (${current.headline}): npm run plan shows it.`,
    );
  }
  if (approved.verdict === "refused")
    throw new Refused("The saved plan was refused; correct the configuration, plan again.");
  if (approved.stack !== current.stack)
    throw new Refused(`The saved plan is for the stack ${approved.stack}, not for ${current.stack}.`);
  const found = deviations(approved, current);
  if (found.length > 0) {
    const lines = found.map((line) => `  ${line}`).join("\n");
    throw new Refused(`What would happen now is not what was approved:\n${lines}\n${PLAN_AGAIN}`);
  }
  const other = current.verdict === "nothing" ? notDone(approved, current) : [];
  if (other.length > 0)
    throw new Refused(
      `The stack no longer asks for what was approved for ${other.join(", ")}. ${PLAN_AGAIN}`,
    );
}

async function update(stack: string | undefined, args: readonly string[]): Promise<string> {
  const choice = stack === undefined ? [] : ["--stack", stack];
  const showStep = (line: string) => {
    const step = finishedStep(line);
    if (step) console.log(`  ${step}`);
  };
  if (interrupted) throw new Error("Interrupted: nothing was changed.");
  const all = ["up", "--yes", "--non-interactive", "--color=never", ...POLICY_PACK, ...choice, ...args];
  try {
    return resourceCounts(await run("pulumi", all, undefined, showStep));
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    if (interrupted)
      throw new Error("Interrupted: the running step was ended, the rest is not done. Run it again.");
    const why = withoutValues(diagnostics(error.output));
    if (/violates plan/.test(why) && !/^Updating /m.test(error.output))
      throw new Refused(`${why}\nNothing was changed: plan again.`);
    throw new Error(why);
  }
}

process.umask(0o077); // saved plans are for this user alone
const call = callOrExit(USAGE, parseCommandLine);
const fresh = await mkdtemp(join(tmpdir(), "etcd-plan-"));
try {
  console.log(await up(call, fresh));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Refused ? 3 : 1;
} finally {
  await rm(fresh, { recursive: true, force: true });
}
