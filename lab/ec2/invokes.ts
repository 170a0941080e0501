// Part of the simulated EC2: the functions (data sources) that the program calls.
import { isObject, type Properties, text, texts } from "../engine/properties.ts";
import { imageOf, instanceTypeOf, ROOT_DEVICE } from "./catalog.ts";
import { ACCOUNT, type Cloud, needId, refuse } from "./cloud.ts";
import { attachmentsOf } from "./life.ts";

type Invoke = (inputs: Properties) => Properties;

export function invokes(cloud: () => Cloud): Record<string, Invoke> {
  return {
    "aws:ec2/getAmi:getAmi": (inputs) => getAmi(cloud(), inputs),
    "aws:ec2/getInstanceType:getInstanceType": (inputs) => getInstanceType(cloud(), inputs),
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": (inputs) => getOfferings(cloud(), inputs),
    "aws:ec2/getSubnet:getSubnet": (inputs) => getSubnet(cloud(), inputs),
    "aws:ec2/getInstances:getInstances": (inputs) => getInstances(cloud(), inputs),
    "aws:ec2/getInstance:getInstance": (inputs) => getInstance(cloud(), inputs),
  };
}

function getAmi(cloud: Cloud, inputs: Properties): Properties {
  const filters = Array.isArray(inputs.filters) ? inputs.filters.filter((filter) => isObject(filter)) : [];
  const ids = filters.filter(({ name }) => name === "image-id").flatMap((filter) => texts(filter, "values"));
  if (filters.length !== 1 || ids.length !== 1)
    throw new Error("the simulated EC2 finds an image only by one filter image-id with one value");
  const id = ids[0] ?? "";
  const image = imageOf(id);
  if (!image)
    throw new Error("Your query returned no results. Please change your search criteria and try again.");
  return {
    ...inputs,
    id,
    imageId: id,
    architecture: image.architecture,
    arn: `arn:aws:ec2:${cloud.region}::image/${id}`,
    name: image.name,
    ownerId: ACCOUNT,
    region: cloud.region,
    rootDeviceName: ROOT_DEVICE,
    rootDeviceType: "ebs",
    blockDeviceMappings: [
      { deviceName: ROOT_DEVICE, noDevice: "", virtualName: "", ebs: { volume_size: String(image.size) } },
    ],
    state: "available",
    enaSupport: true,
    hypervisor: "xen", // what EC2 reports for every image
    virtualizationType: "hvm",
    deprecationTime: "",
    public: false,
  };
}

function getInstanceType(cloud: Cloud, inputs: Properties): Properties {
  const name = text(inputs, "instanceType") ?? "";
  const type = instanceTypeOf(name);
  if (!type)
    return refuse(
      "DescribeInstanceTypes",
      "InvalidInstanceType",
      `The following supplied instance types do not exist: [${name}]`,
    );
  return {
    id: name,
    instanceType: name,
    region: cloud.region,
    supportedArchitectures: [type.architecture],
    hypervisor: type.hypervisor,
    ebsNvmeSupport: type.hypervisor === "nitro" ? "required" : "unsupported",
    ebsEncryptionSupport: "supported",
    ebsOptimizedSupport: "default",
    burstablePerformanceSupported: type.burstable,
    bareMetal: false,
    currentGeneration: true,
    defaultVcpus: type.vcpus,
    memorySize: type.memory,
  };
}

/** Every instance type, in the three zones of the region. */
function getOfferings(cloud: Cloud, inputs: Properties): Properties {
  const filters = Array.isArray(inputs.filters) ? inputs.filters.filter((filter) => isObject(filter)) : [];
  const types = filters.flatMap((filter) => texts(filter, "values")).filter((name) => instanceTypeOf(name));
  const zones = ["a", "b", "c"].map((letter) => `${cloud.region}${letter}`);
  const offers = types.flatMap((type) => zones.map((zone) => ({ type, zone })));
  return {
    ...inputs,
    id: cloud.region,
    region: cloud.region,
    instanceTypes: offers.map(({ type }) => type),
    locations: offers.map(({ zone }) => zone),
    locationTypes: offers.map(() => "availability-zone"),
  };
}

function getSubnet(cloud: Cloud, inputs: Properties): Properties {
  const id = text(inputs, "id") ?? "";
  const subnet = needId(cloud, "DescribeSubnets", "subnet", id);
  return { ...subnet, id, state: "available", tags: subnet.tags ?? {} };
}

/** By tags, ids and states; finding none is not an error. */
function getInstances(cloud: Cloud, inputs: Properties): Properties {
  const wanted = isObject(inputs.instanceTags) ? Object.entries(inputs.instanceTags) : [];
  const filters = Array.isArray(inputs.filters) ? inputs.filters.filter((filter) => isObject(filter)) : [];
  if (filters.some(({ name }) => name !== "instance-id"))
    throw new Error("the simulated EC2 finds instances only by the filter instance-id");
  const states = texts(inputs, "instanceStateNames");
  const found = cloud.store.list("instance").filter(({ id, thing }) => {
    const tags = isObject(thing.tags) ? thing.tags : {};
    const state = text(thing, "instanceState") ?? "";
    return (
      wanted.every(([key, value]) => tags[key] === value) &&
      filters.every((filter) => texts(filter, "values").includes(id)) &&
      states.includes(state)
    );
  });
  const ids = found.map(({ id }) => id);
  return { ...inputs, id: cloud.region, region: cloud.region, ids, privateIps: [], publicIps: [] };
}

function getInstance(cloud: Cloud, inputs: Properties): Properties {
  const id = text(inputs, "instanceId") ?? "";
  const instance = needId(cloud, "DescribeInstances", "instance", id);
  const root = isObject(instance.rootBlockDevice) ? instance.rootBlockDevice : {};
  return {
    ...instance,
    id,
    instanceId: id,
    iamInstanceProfile: instance.iamInstanceProfile ?? "",
    rootBlockDevices: [{ ...root, kmsKeyId: root.kmsKeyId ?? "" }],
    ebsBlockDevices: attachmentsOf(cloud, id).map(({ thing }) => ({
      deviceName: text(thing, "deviceName") ?? "",
      volumeId: text(thing, "volumeId") ?? "",
    })),
    tags: instance.tags ?? {},
  };
}
