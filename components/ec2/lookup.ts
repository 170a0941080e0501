/** What AWS says about the images, types and subnets in the configuration, and about the stack's machines. */

import { type GetAmiResult, getAmi } from "@pulumi/aws/ec2/getAmi.js";
import { type GetInstanceResult, getInstance } from "@pulumi/aws/ec2/getInstance.js";
import { getInstances } from "@pulumi/aws/ec2/getInstances.js";
import { getInstanceType } from "@pulumi/aws/ec2/getInstanceType.js";
import { getInstanceTypeOfferings } from "@pulumi/aws/ec2/getInstanceTypeOfferings.js";
import { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import type { Machines } from "../../cluster/machines.ts";
import type { RunningMachine } from "../../cluster/made-from.ts";
import type { AwsConfig, AwsSubnet } from "../../config/aws/model.ts";
import { CLUSTER, MADE_FROM, NODE, STACK } from "../../config/aws/own-tags.ts";
import { refusal } from "../../config/refusal.ts";

/** As AWS names the data volume on its instance. */
export const DATA_DEVICE = "/dev/sdf";

/** One sentence for each thing that would fail, or turn out different from what is declared. `zones` are those of the nodes. */
export async function checkAws(aws: AwsConfig, zones: readonly string[]): Promise<readonly string[]> {
  const problems = await Promise.all([
    checkImage(aws),
    checkOfferings(aws, zones),
    ...aws.subnets.map((subnet, index) => checkSubnet(aws, subnet, index)),
  ]);
  return problems.flat();
}

async function checkImage({ ami, instanceType, rootVolume }: AwsConfig): Promise<readonly string[]> {
  const [image, type] = await Promise.all([
    getAmi({ filters: [{ name: "image-id", values: [ami] }], includeDeprecated: true }).catch(why),
    getInstanceType({ instanceType }).catch(why),
  ]);
  if (typeof image === "string" || typeof type === "string") {
    return [
      ...(typeof image === "string"
        ? [
            `aws.ami: ${ami} cannot be used in this region (${image}); choose an image of this region, or check the credentials.`,
          ]
        : []),
      ...(typeof type === "string"
        ? [
            `aws.instanceType: ${instanceType} cannot be used in this region (${type}); choose another type, or check the credentials.`,
          ]
        : []),
    ];
  }
  const problems = [...checkRootDisk(ami, image, rootVolume.size)];
  if (!type.supportedArchitectures.includes(image.architecture)) {
    problems.push(
      `aws.ami: ${ami} is for ${image.architecture}, but ${instanceType} runs ${type.supportedArchitectures.join(" or ")}; choose an image of that architecture, or another type.`,
    );
  }
  if (type.hypervisor !== "nitro" && !type.bareMetal) {
    problems.push(
      `aws.instanceType: ${instanceType} is older than Nitro, and does not show which disk is the data volume; choose a type of a current generation, such as m7i.large.`,
    );
  }
  return problems;
}

/** What AWS would find only when an instance is launched, and the one before it is gone. */
function checkRootDisk(ami: string, image: GetAmiResult, size: number): readonly string[] {
  if (image.rootDeviceType !== "ebs" || image.state !== "available") {
    return [
      `aws.ami: ${ami} is ${image.state}, its root is of type ${image.rootDeviceType}; choose one that is available, with a root of type ebs.`,
    ];
  }
  const root = image.blockDeviceMappings.find(({ deviceName }) => deviceName === image.rootDeviceName);
  const least = Number(root?.ebs.volume_size ?? 0);
  return size >= least
    ? []
    : [`aws.rootVolume.size: ${ami} needs ${least} GiB, not ${size}; raise it to that or more.`];
}

async function checkOfferings(
  { instanceType }: AwsConfig,
  zones: readonly string[],
): Promise<readonly string[]> {
  const offered = await getInstanceTypeOfferings({
    locationType: "availability-zone",
    filters: [{ name: "instance-type", values: [instanceType] }],
  }).catch(why);
  if (typeof offered === "string")
    return [`aws.instanceType: AWS does not say where it is offered: ${offered}.`];
  const missing = zones.filter((zone) => !offered.locations.includes(zone));
  if (offered.locations.length === 0 || missing.length === 0) return []; // an unknown type is already reported
  return [
    `aws.instanceType: ${instanceType} is not offered in ${missing.join(", ")}; choose another type, or subnets in ${offered.locations.join(", ")}.`,
  ];
}

async function checkSubnet(
  { vpc, publicAddresses }: AwsConfig,
  { id, cidr, zone }: AwsSubnet,
  index: number,
): Promise<readonly string[]> {
  if (!("id" in vpc) || id === undefined) return [];
  const path = `aws.subnets[${index}]`;
  const subnet = await getSubnet({ id }).catch(why);
  if (typeof subnet === "string")
    return [
      `${path}.id: ${id} cannot be used (${subnet}); correct it, or check the credentials and aws:region.`,
    ];
  const declared = [
    { key: "vpc.id", want: vpc.id, is: subnet.vpcId },
    { key: "cidr", want: cidr, is: subnet.cidrBlock },
    { key: "zone", want: zone, is: subnet.availabilityZone },
  ];
  const problems = declared
    .filter(({ want, is }) => want !== is)
    .map(({ key, want, is }) => `${path}: ${id} has the ${key} ${is}, not ${want}; correct one of them.`);
  if (subnet.mapPublicIpOnLaunch && !publicAddresses) {
    problems.push(
      `${path}: ${id} assigns public addresses; use a private subnet, or set aws.publicAddresses to true.`,
    );
  }
  return problems;
}

/** Which instances are the cluster's: those with its tags, and those that its last proof recorded. */
export interface Sought {
  readonly stack: string;
  readonly cluster: string;
  /** Ids by node. The tag has the stack's name as it was before the stack was renamed, or moved. */
  readonly recorded: ReadonlyMap<string, string>;
}

/**
 * The instances of the cluster that run, by node. The state of a run that failed is not proven, and what was
 * proven may be gone: only AWS knows which instances would be replaced.
 */
export async function lookupMachines(sought: Sought): Promise<Machines> {
  const found = await runningInstances(sought).catch(why);
  if (typeof found === "string") {
    throw refusal([
      `AWS does not say which instances run (${found}); check the credentials and their permissions.`,
    ]);
  }
  const machines = new Map<string, RunningMachine>();
  for (const [node, instance] of found) {
    if (machines.has(node)) throw refusal([twoOf(node)]);
    machines.set(node, toMachine(instance));
  }
  return machines;
}

function toMachine(instance: GetInstanceResult): RunningMachine {
  const { id, tags, ami, instanceType, iamInstanceProfile, rootBlockDevices, ebsBlockDevices } = instance;
  return {
    id,
    madeFrom: tags[MADE_FROM] ?? "",
    ami,
    instanceType,
    kmsKeyId: rootBlockDevices[0]?.kmsKeyId ?? "",
    instanceProfile: iamInstanceProfile,
    hasVolume: ebsBlockDevices.some(({ deviceName }) => deviceName === DATA_DEVICE),
  };
}

async function runningInstances({
  stack,
  cluster,
  recorded,
}: Sought): Promise<readonly (readonly [node: string, GetInstanceResult])[]> {
  const instanceStateNames = ["pending", "running"];
  const tagged = await getInstances({
    instanceTags: { [STACK]: stack, [CLUSTER]: cluster },
    instanceStateNames,
  });
  const nodes = new Map([...recorded].map(([node, id]) => [id, node]));
  const untagged = [...nodes.keys()].filter((id) => !tagged.ids.includes(id));
  const byId =
    untagged.length === 0
      ? []
      : (await getInstances({ filters: [{ name: "instance-id", values: untagged }], instanceStateNames }))
          .ids;
  return Promise.all(
    [...tagged.ids, ...byId].map(async (instanceId) => {
      const instance = await getInstance({ instanceId });
      return [nodes.get(instanceId) ?? instance.tags[NODE] ?? "", instance] as const;
    }),
  );
}

function twoOf(node: string): string {
  return `AWS has two instances with the tags of ${node} (etcd:stack, etcd:cluster, etcd:node); give each cluster in the account its own clusterName, or terminate the instance that a killed run left behind (docs/aws.md).`;
}

/** The provider's reason, on one line, without the engine's prefix and the full stop. */
function why(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replaceAll(/\s+/g, " ").trim();
  const reason = line.replace(/^.*invoking \S+:( |$)(1 error occurred: \*( |$))?/, "").replace(/\.+$/, "");
  return reason || "AWS gives no reason";
}
