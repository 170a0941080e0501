/**
 * Sweeps: the same fault at many moments. A round takes some of them, drawn by a seed that changes with the commit, so
 * that all come up in time; `npm run test:sweep` takes them all.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { env } from "node:process";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

const SEED = env.SWEEP_SEED ?? head();

/** `count` of the moments in their own order: the same ones for the same sweep and seed. */
export function drawn<T>(sweep: string, seed: string, moments: readonly T[], count: number): readonly T[] {
  const lot = (index: number) => createHash("sha256").update(`${seed}\0${sweep}\0${index}`).digest("hex");
  const indices = [...moments.keys()].sort((a, b) => (lot(a) < lot(b) ? -1 : 1)).slice(0, count);
  return moments.filter((_, index) => indices.includes(index));
}

/** The moments that this run takes of a sweep. Says which, and how to take the same ones again. */
export function swept<T>(sweep: string, moments: readonly T[], count = 2): readonly T[] {
  if (env.SWEEP === "all") return moments;
  const taken = drawn(sweep, SEED, moments, count);
  const numbers = taken.map((moment) => moments.indexOf(moment) + 1).join(", ");
  console.log(`${sweep}: moments ${numbers} of ${moments.length}; these again: SWEEP_SEED=${SEED}`);
  return taken;
}

function head(): string {
  const rev = ["-C", repository, "rev-parse", "--short", "HEAD"];
  return execFileSync("git", rev, { encoding: "utf8" }).trim();
}
