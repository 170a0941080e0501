/** The folder of a saved plan: Pulumi's own file, ours, and the comment. */

import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { record } from "../../lib/json.ts";
import { printable } from "../../lib/printable.ts";
import { markdown } from "./markdown.ts";
import { type Plan, SCHEMA } from "./model.ts";

const FILES = { pulumi: "pulumi.json", plan: "plan.json", comment: "plan.md" } as const;

export function pulumiFile(folder: string): string {
  return join(folder, FILES.pulumi);
}

/** For this user alone, and never committed: Pulumi's file holds the units in the clear, and encrypted secrets. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, ".gitignore"), "*\n");
}

/** The comment of a plan that could not be made. */
export async function writeFailure(folder: string, stack: string | undefined, why: string): Promise<void> {
  const text = printable(why).replaceAll(/^/gm, "> ");
  await writeFile(
    join(folder, FILES.comment),
    `### ${stack ?? "the stack"}: could not be planned\n\n${text}\n`,
  );
}

export async function writePlan(folder: string, plan: Plan): Promise<void> {
  const write = (file: string, text: string) => writeFile(join(folder, file), text, { mode: 0o600 });
  await write(FILES.plan, `${JSON.stringify(plan, null, 2)}\n`);
  await write(FILES.comment, markdown(plan, Date.now()));
  await chmod(pulumiFile(folder), 0o600).catch(() => {}); // a refused plan has none
}

export async function readPlan(folder: string): Promise<Plan> {
  const file = join(folder, FILES.plan);
  const value: unknown = JSON.parse(
    await readFile(file, "utf8").catch(() => {
      throw new Error(`${file} cannot be read: make the plan with npm run plan -- --save ${folder}`);
    }),
  );
  if (!isPlan(value))
    throw new Error(`${file} is not a plan of this version of the program: plan again with npm run plan`);
  return value;
}

/** The file is this program's own, so its version tells the rest. */
function isPlan(value: unknown): value is Plan {
  return record(value).schema === SCHEMA;
}
