/** The folder of a saved plan: Pulumi's own file, ours, and the comment. */

import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { record, text } from "../../lib/json.ts";
import { printable } from "../../lib/printable.ts";
import { inline, markdown, quote } from "./markdown.ts";
import { type Plan, SCHEMA } from "./model.ts";

const FILES = {
  pulumi: "pulumi.json",
  plan: "plan.json",
  comment: "plan.md",
  failure: "failure.json",
} as const;

export function pulumiFile(folder: string): string {
  return join(folder, FILES.pulumi);
}

/** For this user alone, and never committed: Pulumi's file holds the units in the clear, and encrypted secrets. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, ".gitignore"), "*\n");
}

/** Why a plan could not be made, and of what. */
export interface Failure {
  readonly stack: string;
  readonly why: string;
}

export async function writeFailure(folder: string, failure: Failure): Promise<void> {
  await rm(join(folder, FILES.plan), { force: true });
  await writeFile(join(folder, FILES.failure), `${JSON.stringify(failure, null, 2)}\n`);
  await writeFile(join(folder, FILES.comment), failureComment(failure));
}

export function failureComment({ stack, why }: Failure): string {
  return `### ${inline(stack)}: could not be planned\n\n${quote(printable(why))}\n`;
}

/** Nothing if a plan was made. */
export async function readFailure(folder: string): Promise<Failure | undefined> {
  const content = await readFile(join(folder, FILES.failure), "utf8").catch(() => undefined);
  if (content === undefined) return undefined;
  const { stack, why } = record(JSON.parse(content));
  return { stack: text(stack), why: text(why) };
}

export async function writePlan(folder: string, plan: Plan): Promise<void> {
  const write = (file: string, text: string) => writeFile(join(folder, file), text, { mode: 0o600 });
  await write(FILES.plan, `${JSON.stringify(plan, null, 2)}\n`);
  await rm(join(folder, FILES.failure), { force: true });
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

/** The file is this program's own, so its version tells the rest; plans of this version had no section on security at first. */
function isPlan(value: unknown): value is Plan {
  const { schema, security } = record(value);
  return schema === SCHEMA && Array.isArray(security);
}
