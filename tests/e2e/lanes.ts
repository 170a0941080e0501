/** The labs that the files of this folder run on, side by side: one file at a time on each. */

import { join } from "node:path";
import { labCommand } from "../../lab/describe.ts";
import { cache, labEnv, must, run } from "./lab.ts";

const { E2E_LAB_NAME: name = "etcdtest", E2E_LAB_DIR: dir = join(cache, "lab-test") } = process.env;

/** A name has no more than eight characters: networks are called after it. */
export const lanes = [
  { E2E_LAB_NAME: name, E2E_LAB_DIR: dir },
  ...[2, 3].map((lane) => ({ E2E_LAB_NAME: `${name.slice(0, 7)}${lane}`, E2E_LAB_DIR: `${dir}${lane}` })),
];

export async function lanesDown(): Promise<void> {
  for (const { E2E_LAB_NAME: LAB_NAME, E2E_LAB_DIR: LAB_DIR } of lanes)
    await must(run(labCommand, ["down"], { ...labEnv, LAB_NAME, LAB_DIR }));
}
