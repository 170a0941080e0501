/** Rule for the version of etcd that the members run. */

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { INSTALLATION_TYPE, MEMBER_TYPE, nodeOf } from "../cluster/resource-names.ts";
import { knownMinors, minorOf, parseVersion, securityFloors } from "../etcd/releases.ts";
import { versionLevel } from "./levels.ts";
import { at, isChildOf, isInert, UNKNOWN } from "./read.ts";

const DIGEST = /--sha256-(amd64|arm64)=[0-9a-f]{64}\b/;

/** With a version that moves, or an archive without a digest, someone else chooses what runs. */
export const pinnedVersions: ResourceValidationPolicy = {
  name: "pinned-versions",
  description:
    "Members run an exact version without known vulnerabilities, from an archive with a pinned digest.",
  enforcementLevel: versionLevel(),
  validateResource: (resource, report) => {
    if (resource.type !== "command:remote:Command" || isInert(resource)) return;
    const wrong = [...inUnit(resource), ...inBinaries(resource)];
    for (const message of wrong) report(message);
  },
};

type Step = Parameters<typeof isChildOf>[1] & { readonly props: unknown };

function inUnit(step: Step): readonly string[] {
  const unit = at(step.props, "stdin");
  if (!isChildOf(MEMBER_TYPE, step) || unit === UNKNOWN) return [];
  const [, version = ""] = /^ExecStart=\/opt\/etcd\/([^/\s]+)\/etcd\b/m.exec(String(unit)) ?? [];
  const parsed = parseVersion(version);
  if (parsed === undefined)
    return ["Its unit does not start an exact version of etcd: make it run /opt/etcd/VERSION/etcd."];
  const minor = knownMinors.find((known) => known === minorOf(parsed));
  if (minor === undefined)
    return [`It runs etcd ${version}, which is not known here: use one of ${knownMinors.join(", ")}.`];
  const floor = securityFloors[minor];
  if (parsed.patch >= (parseVersion(floor)?.patch ?? 0)) return [];
  return [`It runs etcd ${version}, which has known vulnerabilities: use ${floor} or newer.`];
}

function inBinaries(step: Step & { readonly name: string }): readonly string[] {
  const text = at(step.props, "create");
  const installs = isChildOf(INSTALLATION_TYPE, step) && nodeOf(step.name, "binaries") !== undefined;
  if (!installs || text === UNKNOWN || DIGEST.test(String(text))) return [];
  return [
    "It installs binaries without a digest: set etcd:sha256 for the version, from the release's SHA256SUMS.",
  ];
}
