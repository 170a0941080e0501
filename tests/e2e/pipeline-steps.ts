/** The steps of .github's workflows, and those that tests/e2e/pipeline.test.ts cannot run. */

import { workflows } from "../pipelines/files.ts";

/** Steps that are not run there, and why. */
export const NOT_RUN = [
  "check.yml install", // the lab has no registry; what is installed is what the tests run on
  "check.yml check", // a suite of its own, as is the next
  "check.yml test",
  "pin.yml install",
  "pin.yml pin", // asks a mirror, not a cluster, as does the next: tests/pipelines runs both
  "pin.yml propose",
  "preview.yml install",
  "preview.yml plugins",
  "preview.yml skip", // prints one sentence, as does the next
  "up.yml security",
  "preview.yml planned", // looks at other jobs' results: tests/pipelines/access.test.ts
  "renew.yml install",
  "renew.yml plugins",
  "state-drill.yml install",
  "state-drill.yml plugins",
  "up.yml install",
  "up.yml plugins",
  "verify.yml install",
  "verify.yml plugins",
];

/** As "FILE ID". */
export async function allSteps(): Promise<readonly string[]> {
  return [...(await workflows())].flatMap(([file, { jobs }]) =>
    Object.values(jobs).flatMap((each) =>
      each.steps.filter(({ run }) => run !== undefined).map(({ id }) => `${file} ${id}`),
    ),
  );
}
