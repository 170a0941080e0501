/** What AWS says: of the images, types and subnets that the configuration names, and of the stack's machines. */

import { getAmi } from "@pulumi/aws/ec2/getAmi.js";
import { getInstance } from "@pulumi/aws/ec2/getInstance.js";
import { getInstances } from "@pulumi/aws/ec2/getInstances.js";
import { getInstanceType } from "@pulumi/aws/ec2/getInstanceType.js";
import { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import type { AwsConfig, AwsSubnet } from "../../config/aws.ts";
import { MADE_FROM, NODE, STACK } from "./tags.ts";

/** One sentence for each thing that would fail, or turn out other than it was declared. */
export async function lookAtAws(aws: AwsConfig): Promise<readonly string[]> {
  const problems = await Promise.all([
    judgeImage(aws),
    ...aws.subnets.map((subnet, index) => judgeSubnet(aws, subnet, index)),
  ]);
  return problems.flat();
}

async function judgeImage({ ami, instanceType }: AwsConfig): Promise<readonly string[]> {
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
  const problems: string[] = [];
  if (!type.supportedArchitectures.includes(image.architecture)) {
    problems.push(
      `aws.ami: ${ami} is for ${image.architecture}, and ${instanceType} runs ${type.supportedArchitectures.join(" or ")}; choose an image of that architecture, or another type.`,
    );
  }
  if (type.hypervisor !== "nitro" && !type.bareMetal) {
    problems.push(
      `aws.instanceType: ${instanceType} is older than Nitro, and does not show which disk is the data volume; choose a type of a current generation, such as m7i.large.`,
    );
  }
  return problems;
}

async function judgeSubnet(
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
      `${path}: ${id} gives its machines public addresses; use a private subnet, or set aws.publicAddresses to true.`,
    );
  }
  return problems;
}

/**
 * What each instance of the stack was made from, by node. The state of a run that failed is not proven, and what was
 * proven may be gone: only AWS knows which instances another one would take the place of.
 */
export async function lookForMachines(stack: string): Promise<ReadonlyMap<string, string>> {
  const { ids } = await getInstances({
    instanceTags: { [STACK]: stack },
    instanceStateNames: ["pending", "running", "stopping", "stopped"],
  });
  const instances = await Promise.all(ids.map((instanceId) => getInstance({ instanceId })));
  return new Map(instances.map(({ tags }) => [tags[NODE] ?? "", tags[MADE_FROM] ?? ""]));
}

/** The provider's reason, on one line, without the engine's words before it and a final stop. */
function why(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.replace(/^.*invoking \S+: (1 error occurred: \* )?/, "").replace(/\.+$/, "");
}
