/** One row for each host: what an `up` does there, and why. */

import { LEAF_ROLES, nodeOf, partOf } from "../../cluster/resource-names.ts";
import { isPending } from "../../cluster/restore.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig, NodeConfig, SshConfig } from "../../config/model.ts";
import { text } from "../../lib/json.ts";
import { connectionOf, stepDigests } from "./digests.ts";
import { memberAction } from "./host-action.ts";
import { reasons } from "./host-reasons.ts";
import { type HostResources, isComponent, resourcesOf } from "./host-resources.ts";
import { isAnother } from "./machines.ts";
import type { HostRow } from "./model.ts";
import type { Preview, Resource } from "./preview.ts";
import { replacedParts } from "./replaced.ts";
import { lineDiff } from "./unit-diff.ts";

/** Members in the rollout's order, then those that leave, then lost ones. */
export function hostRows(
  preview: Preview,
  config: Pick<ClusterConfig, "nodes" | "ssh" | "restore">,
  deployed: Deployed | undefined,
): readonly HostRow[] {
  const { nodes, ssh } = config;
  const restores = isPending(config, deployed);
  const present = nodes.filter((node) => !node.lost).map((node) => node.name);
  const chain = rollout(preview.resources, present);
  const members = [...nodes]
    .filter((node) => !node.lost)
    .sort((a, b) => chain.indexOf(a.name) - chain.indexOf(b.name))
    .map((node, index) => ({
      order: index + 1,
      ...memberRow(node, ssh, resourcesOf(node.name, preview.resources), deployed, restores),
    }));
  const declared = nodes.map((node) => node.name);
  const leaving = leavingHosts(preview.resources).filter((name) => !declared.includes(name));
  return [
    ...members,
    ...leaving.map((name) => leavingRow(name, resourcesOf(name, preview.resources), deployed)),
    ...nodes.filter((node) => node.lost).map((node) => lostRow(node, deployed)),
  ];
}

/** The order in which the engine runs the member steps: each depends on the one before it. Founders start together. */
function rollout(resources: readonly Resource[], names: readonly string[]): readonly string[] {
  const steps = names.flatMap((name) =>
    resources.filter((resource) => resource.name === partOf(name, "member")),
  );
  const depth = (step: Resource): number => {
    const before = steps.filter((other) => step.new.dependencies.includes(other.urn));
    return Math.max(0, ...before.map((other) => depth(other) + 1));
  };
  return steps
    .map((step) => ({ name: nodeOf(step.name, "member") ?? step.name, depth: depth(step) }))
    .sort((a, b) => a.depth - b.depth)
    .map(({ name }) => name);
}

/** By name: a preview lists them in any order, and the same plan has to look the same. */
function leavingHosts(resources: readonly Resource[]): readonly string[] {
  return resources
    .filter((resource) => resource.op === "delete" && !isComponent(resource))
    .flatMap(({ name }) => nodeOf(name, "host") ?? [])
    .sort();
}

function memberRow(
  node: NodeConfig,
  ssh: SshConfig,
  resources: HostResources,
  deployed: Deployed | undefined,
  restores: boolean,
): Omit<HostRow, "order"> {
  const unit = unitDiff(resources.member);
  const certificates = LEAF_ROLES.filter((role) => resources.leafCertificates[role]?.changes);
  const isProven = deployed?.nodes[node.name]?.incarnation === node.incarnation;
  const replaced = isAnother(resources.instance) ? [] : replacedParts(resources, isProven);
  const action = memberAction(node, resources, deployed, {
    unitChanges: unit.length > 0,
    isProven,
    replaced,
    restores,
  });
  return {
    name: node.name,
    address: node.address,
    action,
    why: reasons(action, node, resources, deployed, unit, certificates, replaced),
    unit: ["restart", "rebuild", "restore"].includes(action) ? unit : [],
    certificates,
    replaced,
    steps: stepDigests(resources, connectionOf(node, ssh)),
  };
}

function unitDiff(member: Resource | undefined): readonly string[] {
  if (member === undefined || member.op === "create") return [];
  return lineDiff(text(member.old.inputs.stdin), text(member.new.inputs.stdin));
}

function leavingRow(name: string, resources: HostResources, deployed: Deployed | undefined): HostRow {
  const address = deployed?.nodes[name]?.address ?? "";
  const row = {
    order: null,
    name,
    address,
    unit: [],
    certificates: [],
    replaced: [],
    steps: stepDigests(resources),
  };
  if (resources.host?.old.retained)
    return { ...row, action: "inert", why: ["was lost, and is now forgotten"] };
  const end =
    resources.instance === undefined
      ? "stops, and its data is set aside"
      : "its instance is terminated, and its data volume is kept";
  return { ...row, action: "remove", why: [`no longer declared: ${end}`] };
}

function lostRow(node: NodeConfig, deployed: Deployed | undefined): HostRow {
  const listed = deployed?.nodes[node.name] !== undefined;
  return {
    order: null,
    name: node.name,
    address: node.address,
    action: "inert",
    why: [listed ? "lost: its member is removed, nothing runs there" : "lost: nothing runs there"],
    unit: [],
    certificates: [],
    replaced: [],
    steps: [],
  };
}
