// On the real engine: npm run plan says what the policies say of its one preview.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Plan } from "../../cli/plan/model.ts";
import type { Project } from "../engine/project.ts";
import { hostKey, threeNodes } from "../unit/configuration.ts";
import { projectOf, shippedProject } from "./pack.ts";

const program = fileURLToPath(new URL("../../cli/plan/plan.ts", import.meta.url));

function planOf({ folder, environment }: Project): Promise<Plan> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment, maxBuffer: 1 << 26 };
    execFile(process.execPath, [program, "--json"], options, (_, stdout) => resolve(JSON.parse(stdout)));
  });
}

test("a mandatory rule refuses the plan, in the pack's own words", async () => {
  const project = (await projectOf("violating.ts")).under({ ONLY: "no-triggers" });
  try {
    const { verdict, refusals } = await planOf(project);
    assert.equal(verdict, "refused");
    assert.equal(refusals.length, 2, refusals.join("\n"));
    for (const refusal of refusals) assert.match(refusal, /^no-triggers: [^\n]+ \(no-triggers[.\w]*\)$/);
  } finally {
    await project.remove();
  }
});

test("advice is a warning of the plan, which is made", async () => {
  const nodes = threeNodes.map((node) => ({ ...node, hostKey: hostKey() }));
  const config = { nodes, version: "3.6.14", ssh: { agent: true }, protect: false };
  const project = await shippedProject(config);
  try {
    const { verdict, hosts, warnings } = await planOf(project);
    assert.deepEqual([verdict, hosts.length], ["safe", 3]);
    const advice = warnings.filter((text) => text.startsWith("ca-protected: "));
    assert.deepEqual(
      advice.map((text) => text.replace(/^.*(\(.*\))$/s, "$1")),
      ["(client-ca-key)", "(peer-ca-key)"],
    );
  } finally {
    await project.remove();
  }
});
