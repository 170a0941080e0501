/** A plan as another job left it, which may have run code that nobody trusts: so no link is followed, and no text shown as it is. */

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { markdown } from "../plan/markdown.ts";
import type { Plan } from "../plan/model.ts";
import { failureComment, readFailure, readPlan } from "../plan/saved.ts";

export async function planIn(folder: string): Promise<Plan> {
  await refuseLinks(folder);
  return readPlan(folder);
}

/** Written again by this program: the comment in the folder need not say what the plan does. */
export async function commentOn(folder: string): Promise<string> {
  await refuseLinks(folder);
  const failure = await readFailure(folder);
  return failure === undefined ? markdown(await readPlan(folder), Date.now()) : failureComment(failure);
}

/** One to /proc/self/environ has the job's token behind it. */
async function refuseLinks(folder: string): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is not a folder, so it is no plan`);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!(await lstat(path)).isFile())
      throw new Error(`${path} is not a regular file, so the plan is none of this program's`);
  }
}
