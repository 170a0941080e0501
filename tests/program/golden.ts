/** URNs that must not change by accident, and names. */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import type { Run } from "./harness.ts";

/** Against a file beside this one; `loss` is what a changed URN does. */
export async function assertGoldenUrns({ resources }: Run, file: string, loss: string): Promise<void> {
  const golden = new URL(file, import.meta.url);
  const urns = resources.map(({ urn }) => `${urn}\n`).sort();
  if (process.env.ACCEPT_URNS) await writeFile(golden, urns.join(""));
  assert.equal(
    urns.join(""),
    await readFile(golden, "utf8"),
    `A renamed or reparented resource is created anew and then deleted, which ${loss}. Put it back, or give it ` +
      "`aliases`; then, and for a resource that is new or gone on purpose, run this test with ACCEPT_URNS=1.",
  );
}

/** No two resources of one type have one name, whoever their parents are. */
export function assertNamesUnique({ resources }: Run): void {
  const names = resources.map((one) => `${one.type} ${one.name}`);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) < index),
    [],
  );
}
