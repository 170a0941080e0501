/** Rules for the version of etcd that the members run. */

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { INSTALLATION_TYPE, MEMBER_TYPE, nodeOf } from "../cluster/resource-names.ts";
import { floorAbove, knownMinors, minorOf, parseVersion } from "../etcd/releases.ts";
import { at, isChildOf, isInert, UNKNOWN } from "./read.ts";

const DIGEST = /--sha256-(amd64|arm64)=[0-9a-f]{64}\b/;

/** With a version that moves, or an archive without a digest, someone else chooses what runs. */
export const pinnedVersions: ResourceValidationPolicy = {
  name: "pinned-versions",
  description: "Members run an exact version that is known here, from an archive with a pinned digest.",
  enforcementLevel: "mandatory",
  validateResource: (resource, report) => {
    if (resource.type !== "command:remote:Command" || isInert(resource)) return;
    const wrong = [...inUnit(resource), ...inBinaries(resource)];
    for (const message of wrong) report(message);
  },
};

/** Advice: an advisory comes later than the version that it names, and a rule does not see what runs already. */
export const versionFloor: ResourceValidationPolicy = {
  name: "version-floor",
  description: "Members run a version without known vulnerabilities.",
  enforcementLevel: "advisory",
  validateResource: (resource, report) => {
    if (resource.type !== "command:remote:Command" || isInert(resource)) return;
    const version = versionIn(resource) ?? "";
    const floor = floorAbove(version);
    if (floor !== undefined)
      report(`It runs etcd ${version}, which has known vulnerabilities: use ${floor} or newer.`);
  },
};

type Step = Parameters<typeof isChildOf>[1] & { readonly props: unknown };

/** That of a member's unit, empty if it says none; nothing for other steps, and where it is not known yet. */
function versionIn(step: Step): string | undefined {
  const unit = at(step.props, "stdin");
  if (!isChildOf(MEMBER_TYPE, step) || unit === UNKNOWN) return undefined;
  return /^ExecStart=\/opt\/etcd\/([^/\s]+)\/etcd\b/m.exec(String(unit))?.[1] ?? "";
}

function inUnit(step: Step): readonly string[] {
  const version = versionIn(step);
  if (version === undefined) return [];
  const parsed = parseVersion(version);
  if (parsed === undefined)
    return ["Its unit does not start an exact version of etcd: make it run /opt/etcd/VERSION/etcd."];
  if (!knownMinors.some((known) => known === minorOf(parsed)))
    return [`It runs etcd ${version}, which is not known here: use one of ${knownMinors.join(", ")}.`];
  return [];
}

function inBinaries(step: Step & { readonly name: string }): readonly string[] {
  const text = at(step.props, "create");
  const installs = isChildOf(INSTALLATION_TYPE, step) && nodeOf(step.name, "binaries") !== undefined;
  if (!installs || text === UNKNOWN || DIGEST.test(String(text))) return [];
  return ["It installs binaries without a digest: npm run pin declares the version with its sha256."];
}
