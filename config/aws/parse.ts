/** The setting `aws`: the machines of a cluster on EC2, and their network, disks and access. */

import type { NodeConfig } from "../model.ts";
import type { NodeAddresses } from "../nodes.ts";
import type { Fields } from "../value.ts";
import { parseAccess } from "./access.ts";
import { parseClients } from "./clients.ts";
import { parseEgress } from "./egress.ts";
import { parseMachine } from "./machine.ts";
import type { AwsConfig } from "./model.ts";
import { parseNetwork } from "./network.ts";
import type { OtherSettings } from "./other-settings.ts";
import { checkPlacement } from "./placement.ts";
import { parseTags } from "./tags.ts";
import { parseVolumes } from "./volumes.ts";
import { checkPlaces } from "./zones.ts";

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

/** The settings of EC2, if it is the target. */
export function parseAws(top: Fields, other: OtherSettings): AwsConfig | undefined {
  const aws = top.object("aws");
  const given = aws.keys().length > 0;
  if (other.target === "ssh") {
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
  checkPlacement(top, other.nodes, network.subnets);
  const parsed = {
    ...network,
    ...parseMachine(top, aws, other),
    ...parseVolumes(aws, other.settings.quotaBackendBytes),
    access: parseAccess(aws, other),
    ...parseClients(aws),
    ...parseEgress(aws, network.vpc, other),
    tags: parseTags(aws),
  };
  checkPlaces(aws, parsed);
  return parsed;
}

/** The instances get host keys that the program creates, which are pinned from the first connection on. */
export function withoutHostKeys(nodes: readonly NodeAddresses[]): readonly NodeConfig[] {
  return nodes.map(({ path: _, ...node }) => ({ ...node, hostKey: "" }));
}
