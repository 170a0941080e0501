/** Takes a plan from a real preview of the stack. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { recordKept } from "../../cluster/proof.ts";
import { HEALTH } from "../../cluster/resource-names.ts";
import { text } from "../../lib/json.ts";
import { pulumiWithEvents, type Stack } from "../../lib/pulumi.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { buildPlan } from "./build.ts";
import type { Plan } from "./model.ts";
import { POLICY_PACK, type Violations, violationsIn } from "./policy.ts";
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
  const options = [...(refresh ? ["--refresh"] : []), ...optionsFor(selection), ...saving];
  const preview = await previewOf(stack, options);
  const plan = buildPlan(preview, provenIn(preview), selection);
  if (save !== undefined) await writePlan(save, plan);
  return plan;
}

/** One preview says all of it. Its events have secrets in the clear: they are read in a folder that does not stay. */
function previewOf(stack: Stack, options: readonly string[]): Promise<Preview> {
  return withPrivateFolder(async (folder, interrupted) => {
    const events = join(folder, "events");
    const { code, stdout, stderr } = await pulumiWithEvents(
      stack,
      events,
      interrupted,
      ...["preview", "--json", "--show-sames", ...POLICY_PACK, ...options],
    );
    if (interrupted.aborted) throw new Error("interrupted: nothing was planned");
    if (!stdout.includes("{")) throw new Error(stderr.trim() || "pulumi preview printed nothing");
    const preview = withViolations(parsePreview(stdout), violationsIn(await readEvents(events)));
    if (code !== 0 && preview.errors.length === 0) throw new Error(stderr.trim());
    return preview;
  });
}

/** Without them nobody knows what the policies say. */
function readEvents(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => {
    throw new Error("pulumi preview wrote no events: use Pulumi 3.250.0 or later");
  });
}

/** A policy's refusal leaves nothing but this in the JSON. */
const UNEXPLAINED = "preview failed";

function withViolations(preview: Preview, { mandatory, advisory }: Violations): Preview {
  const errors = preview.errors.filter((error) => mandatory.length === 0 || error !== UNEXPLAINED);
  return {
    ...preview,
    errors: [...errors, ...mandatory],
    warnings: [...preview.warnings, ...advisory],
  };
}

/** What the last run that ended healthy recorded: an output of the stack, or with the step that proved it; nothing on a new stack. */
function provenIn({ resources, errors }: Preview): unknown {
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  // Without the record every member would look new.
  if (stack === undefined && errors.length === 0) throw new Error("pulumi preview does not show the stack");
  const health = resources.find(({ name, type }) => name === HEALTH && type === "command:remote:Command");
  return (
    stack?.old.outputs.deployed ??
    recordKept(text(health?.old.inputs.stdin), text(health?.old.outputs.stdout))
  );
}
