// Part of the simulated EC2: EBS volumes.
import { number, type Properties, text, UNKNOWN } from "../../engine/properties.ts";
import type { Failure } from "../../engine/provider.ts";
import { zonesOf } from "../catalog.ts";
import { arn, type Cloud, refuse } from "../cloud.ts";
import { between, matches, oneOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";

export const ZONE = matches(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, "an Availability Zone (eu-central-1a)");
export const KMS_KEY = matches(/^arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key|alias)\/.+$/, "the ARN of a KMS key");

/** The limits of gp3. */
const GP3 = { size: [1, 65_536], iops: [3000, 80_000], throughput: [125, 2000] } as const;
const IOPS_PER_GIB = 500;
const THROUGHPUT_PER_IOPS = 0.25;

export const volume: Description = {
  kind: "volume",
  title: "EBS Volume",
  fields: {
    availabilityZone: { shape: "text", required: true, replaces: true, test: ZONE },
    size: { shape: "number", required: true, test: between(...GP3.size) },
    type: { shape: "text", initial: "gp2", test: oneOf("gp2", "gp3") },
    iops: { chosen: true, shape: "number" },
    throughput: { chosen: true, shape: "number", test: between(...GP3.throughput) },
    encrypted: { shape: "flag", replaces: true, initial: false },
    kmsKeyId: { chosen: true, shape: "text", replaces: true, test: KMS_KEY },
    tags: TAGS,
  },
  computed: ["arn", "createTime"],
  rules: (inputs) => [...performanceFailures(inputs), ...keyFailures(inputs, "encrypted")],

  async create(cloud, inputs) {
    const operation = "CreateVolume";
    refuseZone(cloud, operation, text(inputs, "availabilityZone") ?? "");
    refusePerformance(operation, inputs);
    const id = newId("vol");
    await cloud.machines.makeVolume(id, number(inputs, "size") ?? 0);
    const fast = inputs.type === "gp3" ? { iops: 3000, throughput: 125 } : {};
    const computed = {
      ...fast,
      ...(inputs.encrypted === true ? { kmsKeyId: defaultKey(cloud) } : {}),
      ...given(inputs, ["iops", "throughput", "kmsKeyId"]),
      arn: arn(cloud, "ec2", `volume/${id}`),
      createTime: new Date().toISOString(),
    };
    return { id, computed };
  },

  async update(cloud, id, before, after) {
    const operation = "ModifyVolume";
    refusePerformance(operation, after);
    const [old, size] = [number(before, "size") ?? 0, number(after, "size") ?? 0];
    if (size < old) {
      refuse(operation, "InvalidParameterValue", "New size cannot be smaller than existing size");
    }
    if (size > old) await cloud.machines.growVolume(id, size);
    return {};
  },

  async remove(cloud, id) {
    const attachment = attachmentOf(cloud, id);
    if (attachment) {
      const reason = `Volume ${id} is currently attached to ${text(attachment, "instanceId")}`;
      refuse("DeleteVolume", "VolumeInUse", reason);
    }
    await cloud.machines.dropVolume(id);
    cloud.store.event("volume-deleted", { volume: id });
  },
};

/** AWS's own key for volumes. */
export function defaultKey(cloud: Cloud): string {
  return arn(cloud, "kms", "key/00000000-0000-0000-0000-0000000000eb");
}

export function attachmentOf(cloud: Cloud, volumeId: string): Properties | undefined {
  return cloud.store.list("volume-attachment").find(({ thing }) => thing.volumeId === volumeId)?.thing;
}

function given(inputs: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => keys.includes(key)));
}

export function refuseZone(cloud: Cloud, operation: string, zone: string): void {
  const zones = zonesOf(cloud.region);
  if (zones.includes(zone)) return;
  const reason = `Value (${zone}) for parameter availabilityZone is invalid. The zones of ${cloud.region} are: ${zones.join(", ")}.`;
  refuse(operation, "InvalidParameterValue", reason);
}

function performanceFailures(inputs: Properties): Failure[] {
  return ["iops", "throughput"].flatMap((property) =>
    inputs.type !== "gp3" && inputs.type !== UNKNOWN && inputs[property] !== undefined
      ? [{ property, reason: `'${property}' must not be set when 'type' is '${inputs.type ?? "gp2"}'` }]
      : [],
  );
}

/** For a data volume or a root volume. */
export function keyFailures(inputs: Properties, property: string): Failure[] {
  return inputs.kmsKeyId === undefined || inputs.encrypted === true || inputs.encrypted === UNKNOWN
    ? []
    : [{ property, reason: "The parameter KmsKeyId requires the parameter Encrypted to be set." }];
}

export function refusePerformance(operation: string, inputs: Properties): void {
  const iops = number(inputs, "iops") ?? GP3.iops[0];
  const [least, most] = GP3.iops;
  const limits = [
    [iops < least, `Volume iops of ${iops} is too low; minimum is ${least}.`],
    [iops > most, `Volume iops of ${iops} is too high; maximum is ${most}.`],
    [
      iops > least && iops > IOPS_PER_GIB * (number(inputs, "size") ?? Infinity),
      `Iops to volume size ratio of ${iops}/${number(inputs, "size")} is too high; maximum is ${IOPS_PER_GIB}.`,
    ],
    [
      (number(inputs, "throughput") ?? 0) > THROUGHPUT_PER_IOPS * iops,
      `Throughput (MiBps) to iops ratio of ${number(inputs, "throughput")}/${iops} is too high; maximum is ${THROUGHPUT_PER_IOPS}.`,
    ],
  ] as const;
  for (const [broken, reason] of limits) {
    if (broken) refuse(operation, "InvalidParameterValue", reason);
  }
}
