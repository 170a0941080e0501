/** Rules for the members as a whole. */

import type { StackValidationArgs, StackValidationPolicy } from "@pulumi/policy";
import { MEMBER_TYPE } from "../cluster/resource-names.ts";
import { isChildOf, isInert } from "./read.ts";

/**
 * An even number of members tolerates no more failures than one member fewer, and has one more that can fail. This rule
 * is for stacks that are declared so; odd-after-loss is for what a lost node leaves.
 */
export const oddMemberCount: StackValidationPolicy = {
  name: "odd-member-count",
  description: "The number of members is odd.",
  enforcementLevel: "mandatory",
  validateStack: (args, report) => {
    const { present, lost } = countMembers(args);
    if (lost === 0 && present > 0 && present % 2 === 0)
      report(
        `There are ${present} members, which tolerate no more failures than ${present - 1} would: add one, or remove one.`,
      );
  },
};

/** Until a lost node is replaced the rest may be even: a deployment should not have to wait for a new machine. */
export const oddAfterLoss: StackValidationPolicy = {
  name: "odd-after-loss",
  description: "The number of members is odd again after a node was lost.",
  enforcementLevel: "advisory",
  validateStack: (args, report) => {
    const { present, lost } = countMembers(args);
    if (lost > 0 && present % 2 === 0)
      report(
        `${lost} lost, ${present} members left: replace the lost node (raise its incarnation), or remove one more.`,
      );
  },
};

function countMembers({ resources }: StackValidationArgs): { present: number; lost: number } {
  const steps = resources.filter(
    (resource) => resource.type === "command:remote:Command" && isChildOf(MEMBER_TYPE, resource),
  );
  const lost = steps.filter(isInert).length;
  return { present: steps.length - lost, lost };
}
