// Part of the simulated EC2: volumes attached to instances.
import { type Properties, text } from "../../engine/properties.ts";
import { ROOT_DEVICE } from "../catalog.ts";
import { type Cloud, need, refuse } from "../cloud.ts";
import { idOf, matches } from "../fields.ts";
import { attachmentsOf, stop } from "../life.ts";
import type { Description } from "../resource.ts";
import { attachmentOf } from "./volume.ts";

const OPERATION = "AttachVolume";

export const volumeAttachment: Description = {
  kind: "volume-attachment",
  title: "EBS Volume Attachment",
  fields: {
    deviceName: {
      shape: "text",
      required: true,
      replaces: true,
      test: matches(/^\/dev\/(sd[a-z]|xvd[a-z]{1,2})\d*$/, "the name of an EBS device (/dev/sdf)"),
    },
    volumeId: { shape: "text", required: true, replaces: true, test: idOf("vol") },
    instanceId: { shape: "text", required: true, replaces: true, test: idOf("i") },
    forceDetach: { shape: "flag" },
    stopInstanceBeforeDetaching: { shape: "flag" },
  },
  computed: [],

  create(cloud, inputs) {
    const [volumeId = "", instanceId = ""] = [text(inputs, "volumeId"), text(inputs, "instanceId")];
    const volume = need(cloud, OPERATION, "volume", inputs, "volumeId");
    const instance = need(cloud, OPERATION, "instance", inputs, "instanceId");
    const existing = attachmentOf(cloud, volumeId);
    if (existing && existing.instanceId !== instanceId)
      refuse(OPERATION, "VolumeInUse", `${volumeId} is already attached to an instance`);
    if (volume.availabilityZone !== instance.availabilityZone) {
      const reason = `The volume '${volumeId}' is not in the same availability zone as instance '${instanceId}'`;
      refuse(OPERATION, "InvalidVolume.ZoneMismatch", reason);
    }
    if (instance.instanceState !== "running" && instance.instanceState !== "stopped")
      refuse(OPERATION, "IncorrectState", `Instance '${instanceId}' is not 'running'.`);
    refuseDevice(cloud, inputs, instanceId, volumeId);
    return { id: `vai-${volumeId.slice(4)}-${instanceId.slice(2)}`, computed: {} };
  },

  async settle(cloud, id, thing) {
    const { volume, instance, address } = partsOf(cloud, thing);
    try {
      await cloud.machines.attach(address, volume);
    } catch (error) {
      await cloud.store.locked(() => cloud.store.remove("volume-attachment", id));
      throw error;
    }
    cloud.store.event("attached", { instance, volume });
    return {};
  },

  async retire(cloud, _id, thing) {
    const { volume, instance, address } = partsOf(cloud, thing);
    const machine = cloud.store.get("instance", instance);
    if (!machine) return;
    if (thing.stopInstanceBeforeDetaching === true && machine.instanceState === "running")
      await stop(cloud, instance);
    if ((await cloud.machines.detach(address, volume, thing.forceDetach === true)) === "busy") {
      // The real provider waits five minutes for the host to unmount it.
      const message = `waiting for EBS Volume (${volume}) Attachment (${instance}) delete: timeout while waiting for resource to be gone (last state: 'busy', timeout: 5m0s)`;
      throw new Error(message);
    }
    cloud.store.event("detached", { instance, volume });
  },
};

function partsOf(cloud: Cloud, thing: Properties) {
  const [volume = "", instance = ""] = [text(thing, "volumeId"), text(thing, "instanceId")];
  return { volume, instance, address: text(cloud.store.get("instance", instance) ?? {}, "privateIp") ?? "" };
}

function refuseDevice(cloud: Cloud, inputs: Properties, instanceId: string, volumeId: string): void {
  const device = text(inputs, "deviceName") ?? "";
  const others = attachmentsOf(cloud, instanceId).filter(({ thing }) => thing.volumeId !== volumeId);
  if (device === ROOT_DEVICE || others.some(({ thing }) => thing.deviceName === device)) {
    const reason = `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`;
    refuse(OPERATION, "InvalidParameterValue", reason);
  }
}
