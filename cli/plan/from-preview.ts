/** Takes a plan from a real preview of the stack. */

import { record } from "../../lib/json.ts";
import { pulumiCapture, type Stack } from "../../lib/pulumi.ts";
import { buildPlan } from "./build.ts";
import type { Plan } from "./model.ts";
import { POLICY_PACK, violations } from "./policy.ts";
import { type Preview, parsePreview } from "./preview.ts";
import { makeFolder, pulumiFile, writePlan } from "./saved.ts";
import { EVERYTHING, optionsFor, type Selection } from "./selection.ts";

export interface PreviewOptions {
  readonly stack?: string | undefined;
  /** Folder for the saved plan. @default none is saved */
  readonly save?: string | undefined;
  /** Whether to refresh the machines that the program created first. @default the state is trusted */
  readonly refresh?: boolean | undefined;
  /** @default the whole stack, as it is declared */
  readonly selection?: Selection;
}

export async function planFromPreview({
  stack,
  save,
  refresh,
  selection = EVERYTHING,
}: PreviewOptions): Promise<Plan> {
  if (save !== undefined) await makeFolder(save);
  const saving = save === undefined ? [] : ["--save-plan", pulumiFile(save)];
  const options = [...(refresh ? ["--refresh"] : []), ...optionsFor(selection)];
  const [preview, outputs] = await Promise.all([
    pulumiCapture(stack, "preview", "--json", "--show-sames", ...POLICY_PACK, ...options, ...saving),
    pulumiCapture(stack, "stack", "output", "--json"),
  ]);
  if (!preview.stdout.includes("{"))
    throw new Error(preview.stderr.trim() || "pulumi preview printed nothing");
  // Without the record of the last proof every member would look new.
  if (outputs.code !== 0) throw new Error(outputs.stderr.trim());
  const parsed = parsePreview(preview.stdout);
  const refused = isUnexplained(parsed) ? await refusedByPolicy(stack, options) : [];
  const plan = buildPlan(
    refused.length > 0 ? { ...parsed, errors: refused } : parsed,
    provenIn(outputs.stdout),
    selection,
  );
  if (preview.code !== 0 && plan.verdict !== "refused") throw new Error(preview.stderr.trim());
  if (save !== undefined) await writePlan(save, plan);
  return plan;
}

/** A policy's refusal leaves nothing but this in the JSON. */
function isUnexplained({ errors }: Preview): boolean {
  return errors.length === 1 && errors[0] === "preview failed";
}

async function refusedByPolicy(stack: Stack, options: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await pulumiCapture(stack, "preview", ...POLICY_PACK, ...options);
  return violations(stdout);
}

/** What the last run that ended healthy recorded; nothing on a new stack. */
function provenIn(stdout: string): unknown {
  return stdout.trim() === "" ? undefined : record(JSON.parse(stdout)).deployed;
}
