/** Configurations of target aws to run the program with: like Pulumi.aws.yaml, and without any file. */

import { type Config, hostKey, loginKey } from "./stacks.ts";

export const zones = ["a", "b", "c"].map((letter) => `eu-central-1${letter}`);

/** `count` members' subnets, the first one in the first zone. */
export function subnets(count: number): readonly Config[] {
  return zones.slice(0, count).map((zone, index) => ({ zone, cidr: `10.20.${index + 1}.0/24` }));
}

export function publicSubnets(count: number): readonly Config[] {
  return zones.slice(0, count).map((zone, index) => ({ zone, cidr: `10.20.${101 + index}.0/24` }));
}

/** node1, node2, …, one in each of the subnets in turn. */
export function awsNodes(count: number, zoneCount = 3): readonly Config[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node${index + 1}`,
    address: `10.20.${(index % zoneCount) + 1}.${11 + Math.floor(index / zoneCount)}`,
  }));
}

/** A VPC that exists, with its subnets. */
export function existing(count: number): Config {
  return {
    vpc: { id: "vpc-0abcdef1234567890" },
    subnets: subnets(count).map((subnet, index) => ({
      ...subnet,
      id: `subnet-0abcdef123456789${index + 1}`,
    })),
  };
}

export const authorizedKey = `${hostKey("who enters")} ops`;

/** `count` nodes in three zones of a VPC of their own; the changes replace settings of `aws`, and others. */
export function awsClusterOf(count: number, aws: Config = {}, others: Config = {}): Config {
  return {
    target: "aws",
    nodes: awsNodes(count),
    ssh: { user: "admin" },
    sshPrivateKey: loginKey,
    aws: {
      ami: "ami-0abcdef1234567890",
      instanceType: "m7i.large",
      authorizedKeys: [authorizedKey],
      vpc: { cidr: "10.20.0.0/16", nat: "one", publicSubnets: publicSubnets(1), endpoints: ["s3"] },
      subnets: subnets(3),
      access: { clients: ["10.20.0.0/16"], ssh: ["10.9.0.0/24"] },
      ...aws,
    },
    ...others,
  };
}
