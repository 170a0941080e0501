// npm run up: does what was approved, or renews certificates that are due if there is nothing else to do; or nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import { isOfEndingCa } from "../../cluster/authorities.ts";
import { printable } from "../../lib/printable.ts";
import { pulumiRun } from "../../lib/pulumi.ts";
import { CommandFailed } from "../../lib/run.ts";
import { diagnostics, finishedStep, resourceCounts, withoutValues } from "../../lib/update-output.ts";
import { deviations, notDone, onlyRenewals, samePlan } from "../plan/compare.ts";
import { planFromPreview } from "../plan/from-preview.ts";
import type { Plan } from "../plan/model.ts";
import { POLICY_PACK } from "../plan/policy.ts";
import { pulumiFile, readPlan } from "../plan/saved.ts";
import { inWords, optionsFor, type Selection, selected } from "../plan/selection.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { progress } from "../shared/waiting.ts";

const PLAN_AGAIN = "Nothing was changed: plan again, and have that approved.";

class Refused extends Error {}

/** Ctrl-C reaches pulumi as well, SIGTERM by `run`: it ends after the running step. This process stays to clean up. */
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    interrupted = true;
  });

/** Previews again, checks, then updates under a saved plan: the engine refuses any step that is not in it. */
async function up(fresh: string): Promise<string> {
  const approved = folder === undefined ? undefined : await readPlan(folder);
  const current = await progress.wait("previewing", async () =>
    planFromPreview({ stack, refresh, save: fresh, selection: await selectionFor(approved) }),
  );
  refuseUnapproved(approved, current);
  const options = [...(refresh ? ["--refresh"] : []), ...optionsFor(current.selection)];
  if (current.verdict === "nothing") return ending(current, "nothing to do");
  if (folder !== undefined && approved !== undefined && samePlan(approved, current)) {
    return update([...options, "--plan", pulumiFile(folder)]); // previews once more, by the approved plan itself
  }
  if (approved !== undefined)
    console.log("The approved plan is partly done, or certificates came due since: doing the rest.");
  return ending(current, await update([...options, "--plan", pulumiFile(fresh), "--skip-preview"]));
}

/** A job that only renews is the reminder: it is red where a CA needs a person. */
function ending({ warnings }: Plan, said: string): string {
  const cas = folder === undefined ? warnings.filter(isOfEndingCa) : [];
  if (cas.length === 0) return said;
  throw new Refused(`${said}; but a CA needs somebody:\n${cas.join("\n")}`);
}

/** The approved plan's own, which need not be said again. */
async function selectionFor(approved: Plan | undefined): Promise<Selection> {
  const given = await selected(stack, named);
  if (approved === undefined) return given;
  const [asked, planned] = [inWords(given), inWords(approved.selection)];
  if (asked !== "" && optionsFor(given).join(" ") !== optionsFor(approved.selection).join(" "))
    throw new Refused(
      `The saved plan is for ${planned || "the whole stack"}, not for ${asked}. ${PLAN_AGAIN}`,
    );
  return approved.selection;
}

function refuseUnapproved(approved: Plan | undefined, current: Plan): void {
  if (current.verdict === "refused")
    throw new Refused(`Refused, and nothing was changed:\n${current.refusals.join("\n")}`);
  if (approved === undefined) {
    if (onlyRenewals(current)) return;
    throw new Refused(
      `There is more to do than renew certificates (${current.headline}): npm run plan shows it.`,
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

async function update(more: readonly string[]): Promise<string> {
  const showStep = (line: string) => {
    const step = finishedStep(line);
    if (step) progress.print(`  ${step}`, stdout);
  };
  if (interrupted) throw new Error("Interrupted: nothing was changed.");
  const args = ["up", "--yes", ...POLICY_PACK, ...more];
  try {
    return resourceCounts(await progress.wait("updating", () => pulumiRun(stack, args, showStep)));
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    if (interrupted)
      throw new Error("Interrupted: the running step was finished, the rest was not. Run it again.");
    const why = withoutValues(diagnostics(error.output));
    if (/violates plan/.test(why) && !/^Updating /m.test(error.output))
      throw new Refused(`${why}\nNothing was changed: plan again.`);
    throw new Error(why);
  }
}

process.umask(0o077); // saved plans are for this user alone
const { stack, refresh, plan: folder, ...named } = callOrExit(commands.up, argv.slice(2)).values;
const fresh = await mkdtemp(join(tmpdir(), "etcd-plan-"));
try {
  console.log(await up(fresh));
} catch (error) {
  console.error(printable(error instanceof Error ? error.message : String(error)));
  process.exitCode = error instanceof Refused ? 3 : 1;
} finally {
  await rm(fresh, { recursive: true, force: true });
}
