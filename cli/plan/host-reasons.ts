/** Why a host's row says what it says, a clause each. */

import type { Deployed } from "../../cluster/topology.ts";
import type { NodeConfig } from "../../config/model.ts";
import { optionsOf } from "../../host/options.ts";
import { text } from "../../lib/json.ts";
import { changesConnection } from "./digests.ts";
import { changedOptions } from "./host-action.ts";
import type { HostResources } from "./host-resources.ts";
import { isAnother, machineChanges, newMachine, VOLUME_STAYS } from "./machines.ts";
import type { Action } from "./model.ts";
import type { Resource } from "./preview.ts";
import { unitChanges } from "./unit-diff.ts";
import { upkeepReasons } from "./upkeep-rows.ts";

export function reasons(
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
  const timers = upkeepReasons(resources.upkeep);
  switch (action) {
    case "bootstrap":
      return ["first start, in a new cluster", ...newMachine(resources.instance), ...timers];
    case "join":
      return ["new member: joins as a learner, then votes", ...newMachine(resources.instance), ...timers];
    case "replace":
      return [
        `incarnation ${before?.incarnation ?? "?"} → ${node.incarnation}: joins without data, as a new member`,
        ...moved(node, deployed),
        ...(isAnother(resources.instance) ? [`another instance: ${machineChanges(resources.instance)}`] : []),
        ...timers,
      ];
    case "restore":
      return [
        before === undefined
          ? "starts with the data of the snapshot"
          : "stops, its data is set aside, and it starts with the data of the snapshot",
        ...moved(node, deployed),
        ...unitChanges(unit),
        ...renewal,
        ...timers,
      ];
    case "rebuild":
      return [machineChanges(resources.instance), VOLUME_STAYS, ...unitChanges(unit), ...renewal, ...timers];
    case "restart":
      return [
        ...moved(node, deployed),
        ...unitChanges(unit),
        ...bundleChange(resources.member),
        ...renewal,
        ...again,
        ...timers,
      ];
    case "compare":
      return [
        ...optionChanges(resources.member),
        ...connectionChange(resources),
        "restarts only if it differs",
        ...renewal,
        ...again,
        ...timers,
      ];
    case "repeat":
      return [...again, "restarts only if it differs", ...renewal, ...timers];
    case "renew":
      return [...renewal, "etcd reloads them by itself"];
    case "reissue":
      return [
        ...renewal,
        ...issuerChange(resources.certificates),
        "etcd reloads them by itself",
        ...programChange(resources.host),
        ...again,
        ...timers,
      ];
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
  return member !== undefined && changedOptions(member).includes("bundles") ? ["another CA bundle"] : [];
}

/** Which CA signs from now on. */
function issuerChange(certificates: Resource | undefined): readonly string[] {
  const issuing = (step: Resource["new"] | undefined, kind: string) =>
    optionsOf(text(step?.inputs.create)).get(`${kind}-ca`)?.split(",")[0] ?? "1";
  return ["client", "peer"].flatMap((kind) => {
    const [old, now] = [issuing(certificates?.old, kind), issuing(certificates?.new, kind)];
    return old === now ? [] : [`by ${kind} CA ${now} in place of ${old}`];
  });
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

function programChange(host: Resource | undefined): readonly string[] {
  return host?.diffReasons.includes("stdin") ? ["a new etcd-host"] : [];
}

/** Steps that run again and touch no process. */
function preparation({ host, binaries, certificates, upkeep }: HostResources): readonly string[] {
  const program = [...programChange(host), ...upkeepReasons(upkeep)];
  const steps = Object.entries({ host, binaries, certificates })
    .filter(([, step]) => step?.changes)
    .map(([name, step]) => `${name} step: ${step?.diffReasons.join(", ")}`);
  return [...program, ...(program.length > 0 ? [] : steps), "no restart"];
}
