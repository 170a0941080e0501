/** What happens to a machine that the program creates. */

import { text } from "../../lib/json.ts";
import type { HostRow } from "./model.ts";
import type { Resource } from "./preview.ts";

/** Whether the host gets another instance: a replacement, or one in place of an instance that is gone. */
export function isAnother(instance: Resource | undefined): boolean {
  return instance?.op === "replace" || instance?.op === "create";
}

/** What is created for a node that starts. */
export function newMachine(instance: Resource | undefined): readonly string[] {
  if (instance?.op !== "create") return [];
  const { ami, instanceType } = instance.new.inputs;
  return [`on a new instance: ${text(instanceType)}, ${text(ami)}`];
}

/** Why, in the words of the stack file. */
export function machineChanges(instance: Resource | undefined): string {
  if (instance === undefined || instance.op === "create") return "its instance is gone: another is created";
  const settings = { ami: "AMI", instanceType: "type" };
  const changes = Object.entries(settings).flatMap(([key, name]) => {
    const [from, to] = [text(instance.old.inputs[key]), text(instance.new.inputs[key])];
    return from === to ? [] : [`${name} ${from} → ${to}`];
  });
  return changes.join(", ") || `other ${instance.diffReasons.join(", ")}`;
}

export const VOLUME_STAYS = "the data volume stays: the member keeps its data and its ID";

/** Whether a member that keeps its data would get an empty volume. */
export function losesVolume({ name, action }: HostRow, resources: readonly Resource[]): boolean {
  const volume = resources.find((resource) => resource.name === `${name}-data`);
  return volume?.op === "create" && !["found", "join", "replace"].includes(action);
}

export function refuseEmptyVolume({ name }: Pick<HostRow, "name">): string {
  return `${name}: its data volume is gone, and without its data the member may not start; raise its incarnation, and plan again.`;
}

/**
 * Whether an instance would be replaced without its guard: one that passed in a run that failed, and does not run
 * again, or a replacement that the program did not foresee (`--replace`, another major of the provider).
 */
export function isUnguarded(name: string, resources: readonly Resource[]): boolean {
  const op = (part: string) => resources.find((resource) => resource.name === `${name}-${part}`)?.op;
  return op("instance") === "replace" && op("guard") === "same";
}

export function refuseUnguarded({ name }: Pick<HostRow, "name">): string {
  return `${name}: its instance would be replaced without a new proof of the cluster's quorum; raise checkId, and plan again.`;
}
