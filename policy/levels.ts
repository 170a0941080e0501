/** How strict a rule is where the stack itself says that it is to be less protected. */

import type { EnforcementLevel } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";

/** The rules on protection only advise where the stack says `protect: false`, as a lab does, or one about to be destroyed. */
export function protectionLevel(): EnforcementLevel {
  return configured("protect") === "false" ? "advisory" : "mandatory";
}

/** The rule on versions only advises where the stack allows a version with known holes, by the program's own override. */
export function versionLevel(): EnforcementLevel {
  const allow: unknown = JSON.parse(configured("allow") ?? "[]");
  return Array.isArray(allow) && allow.includes("version-below-security-floor") ? "advisory" : "mandatory";
}

/** Nothing where there is no stack, as when a pack is published. */
function configured(key: string): string | undefined {
  return new pulumi.Config().get(key);
}
