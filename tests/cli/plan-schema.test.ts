// docs/plan.schema.json is what plans are.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type Json, record } from "../../lib/json.ts";
import { deployed } from "../unit/deployment.ts";
import { comes, leaves, nodesOf, planOf, restarts } from "./preview.ts";

const file = new URL("../../docs/plan.schema.json", import.meta.url);
const schema = record(JSON.parse(readFileSync(file, "utf8")));
const isValid = new Ajv2020({ allErrors: true, strictTypes: false }).compile(schema);

const restarted = planOf({
  changes: {
    "node1-member": restarts(),
    "node2-server-cert": { op: "replace" },
    "node2-certificates": { op: "update" },
    "more-bucket": { op: "create" },
    health: { op: "update" },
  },
  warnings: ["a warning"],
});
const created = { op: "create" };
const founded = { ...comes("node1"), ...comes("node2"), ...comes("node3"), "client-cert": created };
const plans = {
  nothing: planOf(),
  restarted,
  outage: planOf({ nodes: nodesOf(1), changes: { "node1-member": restarts() } }),
  founded: planOf({ changes: founded }, "new"),
  "removed and lost": planOf(
    {
      nodes: nodesOf(3, { node3: { lost: true } }),
      chain: ["node1", "node2", "node4"],
      changes: leaves("node4"),
    },
    deployed(4),
  ),
  "never proven, removed": planOf({ chain: ["node1", "node2", "node3", "node4"], changes: leaves("node4") }),
  refused: planOf({ errors: ["no"] }),
  "made again": planOf({
    changes: {
      "node1-member": { op: "replace" },
      "node2-peer-key": { op: "replace" },
      before: { op: "replace" },
    },
  }),
};

for (const [title, plan] of Object.entries(plans))
  test(`a plan fits the schema: ${title}`, () => {
    assert.equal(isValid(JSON.parse(JSON.stringify(plan))), true, JSON.stringify(isValid.errors));
  });

const [row] = restarted.hosts;
const wrong: Readonly<Record<string, unknown>> = {
  "a field that is missing": { ...restarted, refusals: undefined },
  "a field that is not described": { ...restarted, more: 1 },
  "another version": { ...restarted, schema: 1 },
  "an unknown verdict": { ...restarted, verdict: "fine" },
  "an unknown action": { ...restarted, hosts: [{ ...row, action: "dance" }] },
  "a row with a field more": { ...restarted, hosts: [{ ...row, more: 1 }] },
  "an unknown part that is made again": { ...restarted, hosts: [{ ...row, replaced: ["unit"] }] },
  "a place below the first": { ...restarted, hosts: [{ ...row, order: 0 }] },
  "an unknown step": { ...restarted, cluster: [{ step: "dance", text: "" }] },
  "no expiry at all": { ...restarted, earliestExpiry: undefined },
};
for (const [title, value] of Object.entries(wrong))
  test(`the schema refuses ${title}`, () => {
    assert.equal(isValid(JSON.parse(JSON.stringify(value))), false);
  });

test("every field is described in one short sentence", () => {
  const parts = [schema, ...Object.values(record(schema.$defs)).map(record)];
  for (const part of parts.flatMap((one): readonly Json[] => [
    one,
    ...Object.values(record(one.properties)).map(record),
  ]))
    assert.match(String(part.description), /^[A-Z].{3,110}\.$/, JSON.stringify(part));
});
