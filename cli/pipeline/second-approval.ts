import { record } from "../../lib/json.ts";
import type { Plan } from "../plan/model.ts";

/** Whether a plan changes what is trusted. One that does not say so was made by a program that did not look. */
export function needsSecondApproval(plan: Plan): boolean {
  const { security } = record(plan);
  return !Array.isArray(security) || security.length > 0;
}
