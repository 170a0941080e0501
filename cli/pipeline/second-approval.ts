import type { Plan } from "../plan/model.ts";

/** Whether a plan changes what is trusted. One that does not say so is none of this version, and is not read. */
export function needsSecondApproval({ security }: Plan): boolean {
  return security.length > 0;
}
