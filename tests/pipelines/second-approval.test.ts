// Which plans need a second approval, and what is done with its result.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { needsSecondApproval } from "../../cli/pipeline/second-approval.ts";
import { SCHEMA } from "../../cli/plan/model.ts";
import { readPlan } from "../../cli/plan/saved.ts";
import type { Repository } from "./git.ts";
import { checkout, leave, pipeline } from "./proposed.ts";

let repository: Repository;

before(async () => {
  repository = await checkout();
});
after(() => leave(repository));

test("a second approval is asked for what changes trust, and an older plan that does not say is none", async () => {
  const folder = join(repository.folder, "plans/prod");
  await mkdir(folder, { recursive: true });
  const cases = [
    [{ security: [] }, false],
    [{ security: [{ what: "a host key" }] }, true],
  ] as const;
  const write = (plan: object) =>
    writeFile(join(folder, "plan.json"), JSON.stringify({ schema: SCHEMA, ...plan }));
  await write({});
  await assert.rejects(readPlan(folder), /plan again/);
  assert.equal((await pipeline("approvals", "plans", "prod")).code, 1);
  for (const [plan, needed] of cases) {
    await write(plan);
    assert.equal(needsSecondApproval(await readPlan(folder)), needed);
  }
  const approvals = () => pipeline("approvals", "plans", "prod");
  assert.equal((await approvals()).stdout, "security=true\n");
  for (const [result, code] of [
    ["success", 0],
    ["skipped", 3],
    ["", 3],
  ] as const) {
    const said = await pipeline("approved", folder, result);
    assert.equal(said.code, code, result);
    if (code !== 0)
      assert.match(said.stderr, /^Refused, .* has not been approved in the environment etcd-security\. /);
  }
  await write({ security: [] });
  assert.equal((await approvals()).stdout, "security=false\n");
  assert.equal((await pipeline("approved", folder, "skipped")).code, 0);
});
