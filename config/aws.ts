/** The setting `aws`: the machines of a cluster on EC2, and the network, the disks and the access around them. */

import type { ClusterConfig, NodeConfig } from "../config.ts";
import { parseAccess } from "./aws/access.ts";
import { parseClients } from "./aws/clients.ts";
import { parseMachine } from "./aws/machine.ts";
import { parseNetwork } from "./aws/network.ts";
import { checkPlacement } from "./aws/placement.ts";
import { parseTags } from "./aws/tags.ts";
import { parseVolumes } from "./aws/volumes.ts";
import { parseWayOut } from "./aws/way-out.ts";
import { parseCidr, placeIn } from "./cidr.ts";
import type { NodeAddresses } from "./nodes.ts";
import type { Outside } from "./outside.ts";
import type { Fields } from "./value.ts";

export interface AwsSubnet {
  readonly zone: string;
  readonly cidr: string;
  /** Given exactly in a VPC that exists. */
  readonly id?: string;
}

export type Endpoint = "s3" | "ssm";

/** A VPC that the program makes. */
export interface OwnVpc {
  readonly cidr: string;
  readonly nat: "none" | "one" | "per-zone";
  readonly publicSubnets: readonly AwsSubnet[];
  readonly endpoints: readonly Endpoint[];
}

export interface AwsConfig {
  readonly ami: string;
  readonly instanceType: string;
  /** Lines of an authorized_keys file, for the user of `ssh`. */
  readonly authorizedKeys: readonly string[];
  readonly vpc: { readonly id: string } | OwnVpc;
  readonly subnets: readonly AwsSubnet[];
  /** CIDRs and ids of security groups, by what they may reach. */
  readonly access: {
    readonly clients: readonly string[];
    readonly ssh: readonly string[];
    readonly metrics: readonly string[];
  };
  /** Size in GiB, throughput in MiB/s. */
  readonly dataVolume: { readonly size: number; readonly iops: number; readonly throughput: number };
  readonly rootVolume: { readonly size: number };
  readonly kmsKeyId?: string;
  readonly instanceProfile?: string;
  readonly sessionManager: boolean;
  readonly publicAddresses: boolean;
  readonly clientName?: string;
  readonly hostedZoneId?: string;
  readonly loadBalancer: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

const keys = [
  "ami",
  "instanceType",
  "authorizedKeys",
  "vpc",
  "subnets",
  "access",
  "dataVolume",
  "rootVolume",
].concat(
  ["kmsKeyId", "instanceProfile", "sessionManager", "publicAddresses"],
  ["clientName", "hostedZoneId", "loadBalancer", "tags"],
);

/** What of the other settings decides about those of `aws`. */
export interface AwsSurroundings extends Pick<ClusterConfig, "target" | "ssh" | "release" | "settings"> {
  readonly nodes: readonly NodeAddresses[];
}

/** The settings of EC2, if it is the target. */
export function parseAws(top: Fields, around: AwsSurroundings, outside: Outside): AwsConfig | undefined {
  const aws = top.object("aws");
  const given = aws.keys().length > 0;
  if (around.target === "ssh") {
    const target = top.get("target") ?? "ssh";
    if (given && target === "ssh")
      top.problem("aws", "is for target aws; set target to aws, or leave it out.");
    return undefined;
  }
  if (!given) {
    top.problem("aws", "is missing; describe the instances and their network, as Pulumi.aws.yaml shows.");
    return undefined;
  }
  aws.refuseUnknown(keys);
  const network = parseNetwork(aws);
  checkPlacement(top, around.nodes, network.subnets);
  return {
    ...network,
    ...parseMachine(top, aws, around, outside),
    ...parseVolumes(aws, around.settings.quotaBackendBytes),
    access: parseAccess(aws, around),
    ...parseClients(aws),
    ...parseWayOut(aws, network.vpc, around),
    tags: parseTags(aws),
  };
}

/** The instances get host keys that the program makes, which are pinned from the first connection on. */
export function withoutHostKeys(nodes: readonly NodeAddresses[]): readonly NodeConfig[] {
  return nodes.map(({ path: _, ...node }) => ({ ...node, hostKey: "" }));
}

/** The subnet that holds the address. */
export function subnetOf(address: string, subnets: readonly AwsSubnet[]): AwsSubnet {
  const subnet = subnets.find(({ cidr }) => {
    const range = parseCidr(cidr);
    return "first" in range && placeIn(range, address) !== undefined;
  });
  if (subnet === undefined) throw new Error(`no subnet holds ${address}`);
  return subnet;
}
