/** What an approval of a host's row is for: the texts that its steps come from, and those they go to. */

import { createHash } from "node:crypto";
import type { NodeConfig, SshConfig } from "../../config/model.ts";
import type { Json } from "../../lib/json.ts";
import type { HostResources } from "./host-resources.ts";
import type { StepDigest } from "./model.ts";
import { UNKNOWN } from "./preview.ts";

/**
 * Of all steps, done ones too: so a partly done plan is recognized. Secrets are masked in a preview, so a
 * renewed leaf certificate changes no digest.
 */
export function stepDigests(resources: HostResources, connection = ""): readonly StepDigest[] {
  const steps = (["host", "binaries", "certificates", "member"] as const).map(
    (step): StepDigest => ({
      step,
      from: digestOf(resources[step]?.old.inputs, step),
      to: digestOf(resources[step]?.new.inputs, step),
    }),
  );
  // only where there is one: most stacks are never restored, and older ones have no timers
  const others = (names: readonly ("restore" | "halt" | "upkeep")[]) =>
    names.flatMap((step): StepDigest[] => {
      const own = resources[step];
      if (own === undefined) return [];
      return [{ step, from: digestOf(own.old.inputs, step), to: digestOf(own.new.inputs, step) }];
    });
  steps.splice(-1, 0, ...others(["restore", "halt"]));
  steps.push(...others(["upkeep"]));
  const { instance } = resources;
  const machine = { from: machineDigest(instance?.old.inputs), to: machineDigest(instance?.new.inputs) };
  if (instance !== undefined) steps.unshift({ step: "machine", ...machine });
  if (connection === "") return steps;
  // the input is a secret: the configuration says what it becomes, and the preview that it changes
  const changes = changesConnection(resources);
  return [...steps, { step: "connection", from: "", to: hash(JSON.stringify([connection, changes])) }];
}

export function connectionOf(
  { sshAddress, sshPort, hostKey }: NodeConfig,
  { user, bastion }: SshConfig,
): string {
  return JSON.stringify([sshAddress, sshPort, hostKey, user, bastion ?? null]);
}

export function changesConnection({ host, binaries, certificates, member }: HostResources): boolean {
  const steps = [host, binaries, certificates, member];
  return steps.some((step) => step?.changes === true && step.diffReasons.includes("connection"));
}

/** Of these stdin is a secret, or not known yet: certificates, what decrypts a snapshot, the key of a store. */
const UNREAD: readonly StepDigest["step"][] = ["certificates", "restore", "upkeep"];

function digestOf(inputs: Json | undefined, step: StepDigest["step"]): string {
  const { create, update, delete: remove, stdin } = inputs ?? {};
  const read = UNREAD.includes(step) ? undefined : stdin;
  if (create === undefined) return "";
  const isPartial = [create, update, read].includes(UNKNOWN);
  return `${isPartial ? "~" : ""}${hash(JSON.stringify([create, update, remove, read]))}`;
}

/** What an instance is made from, tags and sizes included: all of it is reviewed. */
function machineDigest(inputs: Json | undefined): string {
  if (inputs?.ami === undefined) return "";
  const { __defaults: _, ...given } = inputs;
  const text = JSON.stringify(Object.entries(given).sort());
  return `${text.includes(UNKNOWN) ? "~" : ""}${hash(text)}`;
}

function hash(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
