/** How strict a rule is where the stack itself asks for less protection. */

import type { EnforcementLevel } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";

/** The protection rules are only advisory where the stack says `protect: false`, as a lab does, or one about to be destroyed. */
export function protectionLevel(): EnforcementLevel {
  return configured("protect") === "false" ? "advisory" : "mandatory";
}

/** Nothing where there is no stack, as when a pack is published. */
function configured(key: string): string | undefined {
  return new pulumi.Config().get(key);
}
