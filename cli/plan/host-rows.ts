/** One row for each host: what an `up` does there, and why. */

import { LEAF_ROLES, nodeOf, partOf } from "../../cluster/resource-names.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig, NodeConfig, SshConfig } from "../../config/model.ts";
import { optionsOf } from "../../host/options.ts";
import { type Json, text } from "../../lib/json.ts";
import { changesConnection, connectionOf, stepDigests } from "./digests.ts";
import { type HostResources, isComponent, resourcesOf } from "./host-resources.ts";
import { isAnother, machineChanges, newMachine, VOLUME_STAYS } from "./machines.ts";
import type { Action, HostRow } from "./model.ts";
import { type Preview, type Resource, UNKNOWN } from "./preview.ts";
import { replacedParts } from "./replaced.ts";
import { lineDiff, unitChanges } from "./unit-diff.ts";

/** Members in the rollout's order, then those that leave, then lost ones. */
export function hostRows(
  preview: Preview,
  { nodes, ssh }: Pick<ClusterConfig, "nodes" | "ssh">,
  deployed: Deployed | undefined,
): readonly HostRow[] {
  const present = nodes.filter((node) => !node.lost).map((node) => node.name);
  const chain = rollout(preview.resources, present);
  const members = [...nodes]
    .filter((node) => !node.lost)
    .sort((a, b) => chain.indexOf(a.name) - chain.indexOf(b.name))
    .map((node, index) => ({
      order: index + 1,
      ...memberRow(node, ssh, resourcesOf(node.name, preview.resources), deployed),
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
): Omit<HostRow, "order"> {
  const unit = unitDiff(resources.member);
  const certificates = LEAF_ROLES.filter((role) => resources.leafCertificates[role]?.changes);
  const isProven = deployed?.nodes[node.name]?.incarnation === node.incarnation;
  const replaced = isAnother(resources.instance) ? [] : replacedParts(resources, isProven);
  const action = memberAction(node, resources, deployed, {
    unitChanges: unit.length > 0,
    isProven,
    replaced,
  });
  return {
    name: node.name,
    address: node.address,
    action,
    why: reasons(action, node, resources, deployed, unit, certificates, replaced),
    unit: action === "restart" || action === "rebuild" ? unit : [],
    certificates,
    replaced,
    steps: stepDigests(resources, connectionOf(node, ssh)),
  };
}

function unitDiff(member: Resource | undefined): readonly string[] {
  if (member === undefined || member.op === "create") return [];
  return lineDiff(text(member.old.inputs.stdin), text(member.new.inputs.stdin));
}

interface Known {
  readonly unitChanges: boolean;
  /** Whether this incarnation was a member in the last proof. */
  readonly isProven: boolean;
  readonly replaced: readonly string[];
}

function memberAction(
  node: NodeConfig,
  { host, binaries, certificates, member, leafCertificates, instance }: HostResources,
  deployed: Deployed | undefined,
  { unitChanges, isProven, replaced }: Known,
): Action {
  const steps = { host, binaries, certificates };
  if (member?.op === "create") {
    if (!isProven) return deployed === undefined ? "bootstrap" : "join";
    return isAnother(instance) ? "rebuild" : "repeat";
  }
  if (member?.changes) {
    if (isReplaced(node, member, deployed)) return "replace";
    if (isAnother(instance)) return "rebuild";
    const changed = changedOptions(member);
    if (unitChanges || changed.includes("bundles")) return "restart";
    return changed.length > 0 || !replaced.includes("member") ? "compare" : "repeat";
  }
  if (Object.keys(steps).some((step) => replaced.includes(step))) return "repeat";
  if (onlyRenews(steps, leafCertificates)) return "renew";
  if (Object.values(steps).some((step) => step?.changes)) return "prepare";
  return "nothing";
}

/** Leaf certificates that are due, and nothing else: no other text of the host changes. */
function onlyRenews(
  { host, binaries, certificates }: Pick<HostResources, "host" | "binaries" | "certificates">,
  leafCertificates: HostResources["leafCertificates"],
): boolean {
  const issued = Object.values(leafCertificates).filter((leaf) => leaf?.changes);
  const others = [host, binaries].some((step) => step?.changes);
  const same = certificates?.diffReasons.every((reason) => reason === "stdin");
  return (
    certificates?.changes === true &&
    issued.length > 0 &&
    issued.every((leaf) => leaf !== undefined && isDue(leaf)) &&
    !others &&
    same === true
  );
}

/** Reissued with the same names, uses and validity; only the time from which it is due may differ. */
function isDue(leaf: Resource): boolean {
  const inputs = ({ earlyRenewalHours: _, ...rest }: Json) => JSON.stringify(Object.entries(rest).sort());
  return leaf.op !== "create" && inputs(leaf.old.inputs) === inputs(leaf.new.inputs);
}

/** A raised incarnation, read from the step itself; from the last proof where its text is not yet known. */
function isReplaced(node: NodeConfig, member: Resource, deployed: Deployed | undefined): boolean {
  const before = optionsOf(text(member.old.inputs.create)).get("incarnation");
  return (before ?? String(deployed?.nodes[node.name]?.incarnation)) !== String(node.incarnation);
}

/** Options of a step's call that differ; all that matter if the new text is known only when `up` gets there. */
function changedOptions(step: Resource): readonly string[] {
  const now = text(step.new.inputs.update);
  if (now === UNKNOWN) return ["bundles"];
  const before = optionsOf(text(step.old.inputs.update));
  const after = optionsOf(now);
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => before.get(key) !== after.get(key),
  );
}

function reasons(
  action: Action,
  node: NodeConfig,
  resources: HostResources,
  deployed: Deployed | undefined,
  unit: readonly string[],
  certificates: readonly string[],
  replaced: readonly string[],
): readonly string[] {
  const again = replaced.length === 0 ? [] : [`made again: ${replaced.join(", ")}`];
  const keys = certificates.filter((role) => resources.leafKeys[role]?.op === "create");
  const withKeys = keys.length > 0 && deployed?.nodes[node.name] !== undefined ? " with new keys" : "";
  const renewal =
    certificates.length === 0 ? [] : [`new certificates${withKeys} (${certificates.join(", ")})`];
  const before = deployed?.nodes[node.name];
  switch (action) {
    case "bootstrap":
      return ["first start, in a new cluster", ...newMachine(resources.instance)];
    case "join":
      return ["new member: joins as a learner, then votes", ...newMachine(resources.instance)];
    case "replace":
      return [
        `incarnation ${before?.incarnation ?? "?"} → ${node.incarnation}: joins without data, as a new member`,
        ...moved(node, deployed),
        ...(isAnother(resources.instance) ? [`another instance: ${machineChanges(resources.instance)}`] : []),
      ];
    case "rebuild":
      return [machineChanges(resources.instance), VOLUME_STAYS, ...unitChanges(unit), ...renewal];
    case "restart":
      return [
        ...moved(node, deployed),
        ...unitChanges(unit),
        ...bundleChange(resources.member),
        ...renewal,
        ...again,
      ];
    case "compare":
      return [
        ...optionChanges(resources.member),
        ...connectionChange(resources),
        "restarts only if it differs",
        ...renewal,
        ...again,
      ];
    case "repeat":
      return [...again, "restarts only if it differs", ...renewal];
    case "renew":
      return [...renewal, "etcd reloads them by itself"];
    case "prepare":
      return [...renewal, ...preparation(resources), ...again];
    default:
      return [];
  }
}

function moved(node: NodeConfig, deployed: Deployed | undefined): readonly string[] {
  const before = deployed?.nodes[node.name]?.address;
  return before === undefined || before === node.address ? [] : [`moves from ${before} to ${node.address}`];
}

function connectionChange(resources: HostResources): readonly string[] {
  return changesConnection(resources) ? ["another ssh connection"] : [];
}

function bundleChange(member: Resource | undefined): readonly string[] {
  return member !== undefined && changedOptions(member).includes("bundles") ? ["new CA bundle"] : [];
}

/** Where the program makes the machine: which one it is, and from what. */
const MACHINE_OPTIONS = ["machine", "made-from"];

function optionChanges(step: Resource | undefined): readonly string[] {
  if (step === undefined) return [];
  const before = optionsOf(text(step.old.inputs.update));
  const after = optionsOf(text(step.new.inputs.update));
  const changed = changedOptions(step);
  const others = changed.filter((key) => !MACHINE_OPTIONS.includes(key));
  return [
    ...(others.length < changed.length ? ["its machine was created by a run that failed"] : []),
    ...others.map((key) =>
      key === "check-id"
        ? `checkId ${before.get(key)} → ${after.get(key)}: compared with what is declared`
        : `\`${key}\` changes`,
    ),
  ];
}

/** Steps that run again and touch no process. */
function preparation({ host, binaries, certificates }: HostResources): readonly string[] {
  const program = host?.diffReasons.includes("stdin") ? ["a new etcd-host"] : [];
  const steps = Object.entries({ host, binaries, certificates })
    .filter(([, step]) => step?.changes)
    .map(([name, step]) => `${name} step: ${step?.diffReasons.join(", ")}`);
  return [...program, ...(program.length > 0 ? [] : steps), "no restart"];
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
