/** Rules for machines and volumes in AWS, read as plain properties: no SDK is needed. */

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { protectionLevel } from "./levels.ts";
import { at, items, UNKNOWN } from "./read.ts";

const INSTANCE = "aws:ec2/instance:Instance";
const VOLUME = "aws:ebs/volume:Volume";

/** etcd does not encrypt what it stores; a snapshot or a released volume carries every secret that clients put there. */
export const encryptedVolumes: ResourceValidationPolicy = {
  name: "encrypted-volumes",
  description: "Volumes are encrypted.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (type === VOLUME && !isOn(at(props, "encrypted")))
      report("The volume is not encrypted: set encrypted to true.");
    if (type !== INSTANCE) return;
    if (!isOn(at(props, "rootBlockDevice", "encrypted")))
      report("Its root volume is not encrypted: set rootBlockDevice.encrypted to true.");
    if (!items(at(props, "ebsBlockDevices")).every((device) => isOn(at(device, "encrypted"))))
      report("One of its volumes is not encrypted: set encrypted to true in each of ebsBlockDevices.");
  },
};

/** A member's data is on one volume of one machine: deleting either loses the member. */
export const deleteProtection: ResourceValidationPolicy = {
  name: "delete-protection",
  description: "Machines and volumes cannot be deleted by mistake.",
  enforcementLevel: protectionLevel(),
  validateResource: ({ type, props, opts }, report) => {
    if (type === INSTANCE && !isOn(at(props, "disableApiTermination")))
      report(
        "The machine could be terminated: set disableApiTermination to true, or set etcd:protect to true.",
      );
    if (type === VOLUME && !opts.protect)
      report("The volume could be deleted: set the option protect, or set etcd:protect to true.");
  },
};

/** Version 1 of the metadata service gives the machine's credentials to anyone who makes a program on it fetch a URL. */
export const imdsv2Required: ResourceValidationPolicy = {
  name: "imdsv2-required",
  description: "Machines answer only version 2 of the metadata service.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    const tokens = at(props, "metadataOptions", "httpTokens");
    if (type === INSTANCE && tokens !== UNKNOWN && tokens !== "required")
      report('The machine answers version 1: set metadataOptions.httpTokens to "required".');
  },
};

/** An image that is looked up changes, and a new image replaces the machine. */
export const pinnedImage: ResourceValidationPolicy = {
  name: "pinned-image",
  description: "Machines are created from an image that is named by its id.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    const image = at(props, "ami");
    const isPinned = typeof image === "string" && /^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(image);
    if (type === INSTANCE && !isPinned)
      report("Its image is not pinned: set ami to an id such as ami-0abcdef1234567890.");
  },
};

/** What a preview cannot know counts as on; the rule runs again in `up`. */
function isOn(value: unknown): boolean {
  return value === UNKNOWN || value === true;
}
