/** What happens to a machine that the program creates. */

import { nodeOf } from "../../cluster/resource-names.ts";
import { type Json, record, text } from "../../lib/json.ts";
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

/** Why, in the words of the stack file. By what is declared: the reasons of the diff also hold what AWS chooses anew. */
export function machineChanges(instance: Resource | undefined): string {
  if (instance === undefined || instance.op === "create") return "its instance is gone: another is created";
  const [before, after] = [instance.old.inputs, instance.new.inputs];
  const settings = { ami: "AMI", instanceType: "type" };
  const changes = Object.entries(settings).flatMap(([key, name]) => {
    const [from, to] = [text(before[key]), text(after[key])];
    return from === to ? [] : [`${name} ${from} → ${to}`];
  });
  const key = ({ rootBlockDevice }: Json) => text(record(rootBlockDevice).kmsKeyId);
  if (key(before) !== key(after)) changes.push("another key of the root volume");
  if (changes.length > 0) return changes.join(", ");
  // a secret; another machine has another first key in it anyway
  if (instance.diffReasons.includes("userData")) return "another login or other keys";
  return "made again, although nothing that it is made from changes";
}

export const VOLUME_STAYS = "the data volume stays: the member keeps its data and its ID";

/** Whether a member that keeps its data would get an empty volume. */
export function losesVolume({ name, action }: HostRow, resources: readonly Resource[]): boolean {
  const volume = resources.find((resource) => resource.name === `${name}-data`);
  return volume?.op === "create" && !["bootstrap", "join", "replace"].includes(action);
}

export function refuseEmptyVolume({ name }: Pick<HostRow, "name">): string {
  return `${name}: its data volume is gone, and without its data the member may not start; raise its incarnation, and plan again.`;
}

/** Why a machine may not be replaced, or stopped, in this run: without a proof that the cluster can do without its member. */
export function refuseUnguarded(name: string, resources: readonly Resource[]): readonly string[] {
  const part = (own: string) => resources.find((resource) => resource.name === `${name}-${own}`);
  const [instance, attachment, guard] = [part("instance"), part("data-attachment"), part("guard")];
  if (instance?.op !== "replace") {
    if (instance === undefined || isAnother(instance)) return [];
    if (isAnother(part("host-key")))
      return [
        `${name}: with another host key no step would reach it, because its instance keeps the one that it was made with; leave ${name}-host-key as it is, or restore it from a backup of the state.`,
      ];
    if (part("key-exchange")?.op === "replace")
      return [
        `${name}: its sshd no longer serves the key by which ${name}-key-exchange was reached, so it would fail; leave that step as it is.`,
      ];
    if (attachment?.op !== "replace") return [];
    return [
      `${name}: its data volume would be detached, for which AWS stops the instance, without a proof of the cluster's quorum; leave ${name}-data-attachment as it is.`,
    ];
  }
  const isOther = (one: Resource) => one.name !== instance.name && nodeOf(one.name, "instance") !== undefined;
  if (guard === undefined && !resources.some(isOther)) return []; // the only member
  if (guard === undefined || !instance.new.dependencies.includes(guard.urn))
    return [
      `${name}: its instance would be replaced without a proof of the cluster's quorum, and beside others, because nothing that it is made from changes; to have another one, terminate it and run pulumi up --refresh (docs/aws.md), one at a time.`,
    ];
  if (guard.op !== "same") return [];
  return [
    `${name}: its instance would be replaced without a new proof of the cluster's quorum; raise checkId, and plan again.`, // passed in a run that failed
  ];
}
