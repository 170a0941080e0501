// Part of the simulated EC2: instances.
import { isObject, number, type Properties, text, texts, UNKNOWN } from "../../engine/properties.ts";
import type { Failure } from "../../engine/provider.ts";
import { imageOf, instanceTypeOf, ROOT_DEVICE } from "../catalog.ts";
import { arn, type Cloud, need, needId, refuse } from "../cloud.ts";
import { between, type Fields, idOf, oneOf, TAGS } from "../fields.ts";
import { nameTag, restart, stop, terminate } from "../life.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";
import { instanceOf } from "./interface.ts";
import { defaultKey, KMS_KEY, keyFailures } from "./volume.ts";

const OPERATION = "RunInstances";
const USER_DATA_LIMIT = 16_384;

/** What EC2 takes from the interface instead, where one is given. */
const OF_THE_INTERFACE = ["subnetId", "vpcSecurityGroupIds", "associatePublicIpAddress", "privateIp"];

const rootBlockDevice: Fields = {
  volumeType: { shape: "text", initial: "gp2", test: oneOf("gp2", "gp3") },
  volumeSize: { shape: "number", test: between(1, 65_536) },
  iops: { shape: "number" },
  throughput: { shape: "number", test: between(125, 2000) },
  encrypted: { shape: "flag", replaces: true, initial: false },
  kmsKeyId: { shape: "text", chosen: true, replaces: true, test: KMS_KEY },
  deleteOnTermination: { shape: "flag", initial: true },
  tags: TAGS,
};

const metadataOptions: Fields = {
  httpEndpoint: { shape: "text", initial: "enabled", test: oneOf("enabled", "disabled") },
  httpTokens: { shape: "text", initial: "optional", test: oneOf("optional", "required") },
  httpPutResponseHopLimit: { shape: "number", initial: 1, test: between(1, 64) },
  instanceMetadataTags: { shape: "text", initial: "disabled", test: oneOf("enabled", "disabled") },
};

export const instance: Description = {
  kind: "instance",
  title: "EC2 Instance",
  fields: {
    ami: { shape: "text", required: true, replaces: true, test: idOf("ami") },
    instanceType: { shape: "text", required: true },
    primaryNetworkInterface: {
      shape: {
        networkInterfaceId: { shape: "text", required: true, replaces: true, test: idOf("eni") },
      },
      replaces: true,
    },
    subnetId: { shape: "text" },
    vpcSecurityGroupIds: { shape: "texts" },
    associatePublicIpAddress: { shape: "flag" },
    privateIp: { shape: "text" },
    rootBlockDevice: { chosen: true, shape: rootBlockDevice },
    metadataOptions: { chosen: true, shape: metadataOptions },
    disableApiTermination: { shape: "flag", initial: false },
    forceDestroy: { shape: "flag", initial: false },
    userData: {
      shape: "text",
      test: (value) =>
        Buffer.byteLength(String(value)) > USER_DATA_LIMIT
          ? `expected length of userData to be in the range (0 - ${USER_DATA_LIMIT})`
          : undefined,
    },
    userDataReplaceOnChange: { shape: "flag", initial: false },
    iamInstanceProfile: { shape: "text", chosen: true },
    monitoring: { shape: "flag", initial: false },
    tags: TAGS,
  },
  computed: [
    ...["arn", "availabilityZone", "instanceState", "primaryNetworkInterfaceId", "privateDns", "privateIp"],
    ...["publicIp", "subnetId", "vpcSecurityGroupIds"],
  ],
  anew: ["rootBlockDevice"],
  rules: instanceFailures,
  replaces: (path, _before, after) => path === "userData" && after.userDataReplaceOnChange === true,

  create(cloud, inputs) {
    const image = refuseImage(OPERATION, inputs);
    const primary = isObject(inputs.primaryNetworkInterface) ? inputs.primaryNetworkInterface : {};
    const card = need(cloud, OPERATION, "interface", primary, "networkInterfaceId");
    const cardId = text(primary, "networkInterfaceId") ?? "";
    if (instanceOf(card) !== undefined)
      refuse(OPERATION, "InvalidNetworkInterface.InUse", `Interface: [${cardId}] in use.`);
    refuseProfile(cloud, OPERATION, inputs);
    refuseRoot(inputs, image.size);
    const address = text(card, "privateIp") ?? "";
    if (cloud.machines.hostNumber(address) === undefined)
      throw new Error(
        `the simulated EC2 has no host for ${address}: its hosts are LAB_NET.101 to LAB_NET.199`,
      );

    const id = newId("i");
    cloud.store.put("interface", cardId, {
      ...card,
      attachments: [{ attachmentId: newId("eni-attach"), deviceIndex: 0, instance: id }],
    });
    cloud.store.event("launching", { instance: id, name: nameTag(inputs), address });
    const subnet = needId(cloud, OPERATION, "subnet", text(card, "subnetId") ?? "");
    const computed = {
      arn: arn(cloud, "ec2", `instance/${id}`),
      availabilityZone: subnet.availabilityZone ?? null,
      instanceState: "pending",
      primaryNetworkInterfaceId: cardId,
      privateDns: card.privateDnsName ?? null,
      privateIp: address,
      publicIp: publicAddress(cloud, cardId),
      subnetId: card.subnetId ?? null,
      vpcSecurityGroupIds: texts(card, "securityGroups"),
      rootBlockDevice: {
        ...{ volumeType: "gp2", volumeSize: image.size, encrypted: false, deleteOnTermination: true },
        ...(isObject(inputs.rootBlockDevice) ? rootOf(cloud, inputs.rootBlockDevice) : {}),
        ...{ deviceName: ROOT_DEVICE, volumeId: newId("vol") },
      },
      metadataOptions: {
        ...{ httpEndpoint: "enabled", httpTokens: "optional", httpPutResponseHopLimit: 1 },
        ...(isObject(inputs.metadataOptions) ? inputs.metadataOptions : {}),
      },
    };
    return { id, computed };
  },

  async settle(cloud, id, thing) {
    try {
      await cloud.machines.launch({
        instance: id,
        image: text(thing, "ami") ?? "",
        address: text(thing, "privateIp") ?? "",
        userData: text(thing, "userData") ?? "",
      });
    } catch (error) {
      await terminate(cloud, id);
      throw error;
    }
    const running = { instanceState: "running" };
    await cloud.store.locked(() => cloud.store.change("instance", id, running));
    cloud.store.event("running", { instance: id, name: nameTag(thing) });
    return running;
  },

  async update(cloud, id, before, after) {
    const operation = "ModifyInstanceAttribute";
    refuseImage(operation, after);
    refuseProfile(cloud, operation, after);
    const size = (thing: Properties) =>
      isObject(thing.rootBlockDevice) ? number(thing.rootBlockDevice, "volumeSize") : undefined;
    if ((size(after) ?? Infinity) < (size(before) ?? 0))
      refuse("ModifyVolume", "InvalidParameterValue", "New size cannot be smaller than existing size");
    if (after.userData !== before.userData)
      throw new Error("the simulated EC2 changes user data only with userDataReplaceOnChange");
    if (after.instanceType !== before.instanceType) {
      await stop(cloud, id); // EC2 changes the type only of a stopped instance
      await restart(cloud, id);
    }
    const root = isObject(before.rootBlockDevice) ? before.rootBlockDevice : {};
    return isObject(after.rootBlockDevice) ? { rootBlockDevice: { ...root, ...after.rootBlockDevice } } : {};
  },

  async retire(cloud, id, thing) {
    if (thing.disableApiTermination === true && thing.forceDestroy !== true) {
      const reason = `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
      refuse("TerminateInstances", "OperationNotPermitted", reason);
    }
    await terminate(cloud, id);
  },

  async now(cloud, _id, thing) {
    const runs = await cloud.machines.isRunning(text(thing, "privateIp") ?? "");
    return thing.instanceState === "running" && !runs ? { instanceState: "stopped" } : {};
  },
};

/** As it is made: an encrypted one has a key. */
function rootOf(cloud: Cloud, root: Properties): Properties {
  return root.encrypted === true ? { kmsKeyId: defaultKey(cloud), ...root } : root;
}

function publicAddress(cloud: Cloud, interfaceId: string): string {
  const eip = cloud.store.list("eip").find(({ thing }) => thing.networkInterface === interfaceId);
  return (eip && text(eip.thing, "publicIp")) ?? "";
}

function instanceFailures(inputs: Properties): Failure[] {
  if (inputs.primaryNetworkInterface === undefined) {
    const reason = "the simulated EC2 launches only with a primaryNetworkInterface";
    return [{ property: "primaryNetworkInterface", reason }];
  }
  const conflicts = OF_THE_INTERFACE.filter((key) => inputs[key] !== undefined).map((property) => ({
    property,
    reason: `"${property}": conflicts with primaryNetworkInterface`,
  }));
  const root = isObject(inputs.rootBlockDevice) ? inputs.rootBlockDevice : {};
  return [...conflicts, ...keyFailures(root, "rootBlockDevice.encrypted")];
}

function refuseImage(operation: string, inputs: Properties) {
  const ami = text(inputs, "ami") ?? "";
  const image = imageOf(ami);
  if (!image) return refuse(operation, "InvalidAMIID.NotFound", `The image id '[${ami}]' does not exist`);
  const name = text(inputs, "instanceType") ?? "";
  const type = instanceTypeOf(name);
  if (!type) return refuse(operation, "InvalidParameterValue", `Invalid value '${name}' for InstanceType.`);
  if (type.architecture !== image.architecture) {
    const reason = `The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`;
    return refuse(operation, "InvalidParameterValue", reason);
  }
  if (image.architecture !== "x86_64") throw new Error("the simulated EC2 cannot boot an arm64 image");
  return image;
}

function refuseProfile(cloud: Cloud, operation: string, inputs: Properties): void {
  const name = text(inputs, "iamInstanceProfile");
  if (name === undefined || name === UNKNOWN || cloud.store.get("instance-profile", name)) return;
  const reason = `Value (${name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`;
  refuse(operation, "InvalidParameterValue", reason);
}

function refuseRoot(inputs: Properties, least: number): void {
  const size = isObject(inputs.rootBlockDevice) ? number(inputs.rootBlockDevice, "volumeSize") : undefined;
  if (size === undefined || size >= least) return;
  const reason = `Volume of size ${size}GB is smaller than snapshot 'snap-0000000000000a001', expect size >= ${least}GB`;
  refuse(OPERATION, "InvalidBlockDeviceMapping", reason);
}
