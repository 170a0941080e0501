/** What concerns the whole cluster: its version, its CAs, its member list and the proof at the end. */

import {
  BEFORE,
  CLIENT_CA,
  certificateIn,
  HEALTH,
  MEMBERSHIP,
  PEER_CA,
} from "../../cluster/resource-names.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { minorOf, parseVersion } from "../../etcd/releases.ts";
import { optionsOf } from "../../host/options.ts";
import { text } from "../../lib/json.ts";
import { accessRow } from "./access-rows.ts";
import type { ClusterRow, HostRow } from "./model.ts";
import type { Resource } from "./preview.ts";
import { replacedRow } from "./replaced.ts";

export function clusterRows(
  resources: readonly Resource[],
  config: Pick<ClusterConfig, "release" | "rbac" | "clients">,
  deployed: Deployed | undefined,
  hosts: readonly HostRow[],
): readonly ClusterRow[] {
  const changes = (name: string) => resources.some((resource) => resource.name === name && resource.changes);
  const issues = (ca: string) =>
    resources.some(({ name, changes, op }) => name === certificateIn(ca) && changes && op !== "protect");
  const cas = [CLIENT_CA, PEER_CA].filter((ca) => deployed !== undefined && issues(ca));
  return [
    ...versionRow(config, deployed),
    ...cas.map((ca): ClusterRow => ({ step: "ca", text: renewal(ca, resources) })),
    ...replacedRow(resources, deployed),
    ...checkRow(resources),
    ...lostRow(hosts, deployed),
    ...membershipRow(hosts),
    ...(changes(MEMBERSHIP) ? accessRow(config, deployed) : []),
    ...(changes(HEALTH) ? [proofRow(resources)] : []),
  ];
}

function renewal(ca: string, resources: readonly Resource[]): string {
  const end = text(resources.find(({ name }) => name === certificateIn(ca))?.old.outputs.validityEndTime);
  return `${ca} gets a new certificate with the same key; clients outside trust the old one until ${end}`;
}

function proofRow(resources: readonly Resource[]): ClusterRow {
  const again = isUnproven(resources)
    ? ": the members were checked since the last proof, by a run that did not end with one"
    : "";
  return { step: "health", text: `the whole cluster is proven healthy${again}` };
}

function isUnproven(resources: readonly Resource[]): boolean {
  // the step, not the component of the same name
  const [before, proof] = [BEFORE, HEALTH].map((name) =>
    resources.find((one) => one.name === name && one.changes),
  );
  if (proof?.op !== "update" || before !== undefined) return false;
  const [old, now] = [proof.old, proof.new].map(({ inputs }) =>
    optionsOf(text(inputs.update)).get("checked"),
  );
  return old !== now;
}

function versionRow(
  { release }: Pick<ClusterConfig, "release">,
  deployed: Deployed | undefined,
): readonly ClusterRow[] {
  if (deployed === undefined || deployed.version === release.version) return [];
  const [from, to] = [parseVersion(deployed.version), parseVersion(release.version)];
  if (from === undefined || to === undefined) return [];
  const step = `etcd ${deployed.version} → ${release.version}`;
  if (minorOf(from) === minorOf(to)) return [{ step: "version", text: `${step}, a patch` }];
  const how =
    to.minor < from.minor
      ? "a downgrade by etcd's own procedure"
      : "a minor upgrade: a snapshot is saved first, and only a downgrade leads back";
  return [{ step: "version", text: `${step}, ${how}` }];
}

/** Options that every run of the step has, or that the hosts' rows show. */
const TOLD = ["check-id", "version", "upgrades-from", "founding"];

/** What such an option is called in the stack file. */
const SETTINGS: Readonly<Record<string, string>> = {
  first: "rolloutOrder",
  "election-timeout": "electionTimeout",
};

/** The members are checked before anything is touched: the criteria are part of the approval. */
function checkRow(resources: readonly Resource[]): readonly ClusterRow[] {
  const before = resources.find(({ name }) => name === BEFORE);
  if (before === undefined || !before.changes || before.op === "create") return [];
  const [old, now] = [before.old, before.new].map(({ inputs }) => optionsOf(text(inputs.update)));
  const keys = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].filter(
    (key) => !TOLD.includes(key),
  );
  const changed = keys.filter((key) => old?.get(key) !== now?.get(key));
  if (changed.length === 0) return [];
  const says = changed.map((key) => `${SETTINGS[key] ?? key} ${now?.get(key) ?? "none"}`);
  return [{ step: "before", text: `checked with ${says.join(", ")}` }];
}

function lostRow(hosts: readonly HostRow[], deployed: Deployed | undefined): readonly ClusterRow[] {
  const gone = hosts.filter(({ action, name }) => action === "inert" && deployed?.nodes[name] !== undefined);
  if (gone.length === 0) return [];
  return [{ step: "before", text: `${namesOf(gone)} removed before any member is touched` }];
}

function membershipRow(hosts: readonly HostRow[]): readonly ClusterRow[] {
  const gone = hosts.filter(({ action }) => action === "remove");
  if (gone.length === 0) return [];
  return [{ step: "membership", text: `${namesOf(gone)} removed when all others are healthy` }];
}

function namesOf(hosts: readonly HostRow[]): string {
  return hosts.map(({ name }) => name).join(", ");
}
