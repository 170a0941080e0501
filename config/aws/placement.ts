/** Which nodes are in which zone, and which settings a node on EC2 may not have. */

import { isIPv4 } from "node:net";
import { quorum } from "../../etcd/quorum.ts";
import { type Cidr, parseCidr, placeIn } from "../cidr.ts";
import type { NodeAddresses } from "../nodes.ts";
import { Fields } from "../value.ts";
import type { AwsSubnet } from "./model.ts";

interface Place {
  readonly zone: string;
  readonly range: Cidr;
}

export function checkPlacement(
  top: Fields,
  nodes: readonly NodeAddresses[],
  subnets: readonly AwsSubnet[],
): void {
  for (const node of nodes) refuseSettingsOfHosts(top, node);
  const places = subnets.flatMap(({ zone, cidr }): Place[] => {
    const range = parseCidr(cidr);
    return zone === "" || "problem" in range ? [] : [{ zone, range }];
  });
  // Without every subnet it is unknown where the nodes are; what is wrong with one has been reported.
  if (places.length === 0 || places.length < subnets.length) return;
  const zones = nodes.flatMap((node) => zoneOf(top, node, places));
  if (nodes.length > 1 && zones.length === nodes.length) {
    checkSpread(top, zones, [...new Set(places.map(({ zone }) => zone))]);
  }
}

function refuseSettingsOfHosts(top: Fields, node: NodeAddresses): void {
  const fields = new Fields(node.path, {}, top.report);
  if (node.lost) {
    fields.problem(
      "lost",
      'is for machines that cannot be created again; on EC2 run "pulumi up --refresh" if the instance was terminated, raise incarnation if its volume is gone, or take the node out if it is to leave the cluster.',
    );
  }
  if (node.hostKey !== undefined) {
    fields.problem("hostKey", "is created by the program on EC2; leave it out.");
  }
  if (isIPv4(node.address) && node.listenAddress !== node.address) {
    fields.problem("listenAddress", "is the node's address on EC2; leave it out.");
  }
}

/** The zone of a node, if a network interface can have its address. */
function zoneOf(top: Fields, node: NodeAddresses, places: readonly Place[]): readonly string[] {
  if (node.address === "") return [];
  const fields = new Fields(node.path, {}, top.report);
  if (!isIPv4(node.address)) {
    fields.problem("address", `${node.address} is not an IPv4 address; on EC2 give one inside aws.subnets.`);
    return [];
  }
  const place = places.find(({ range }) => placeIn(range, node.address) !== undefined);
  if (place === undefined) {
    const ranges = places.map(({ range }) => range.text).join(", ");
    fields.problem(
      "address",
      `${node.address} is in none of aws.subnets (${ranges}); use an address of one of them.`,
    );
    return [];
  }
  if (isReserved(place.range, node.address)) {
    fields.problem(
      "address",
      `${node.address} is reserved by AWS, as are the first four addresses and the last of ${place.range.text}; use another one.`,
    );
    return [];
  }
  return [place.zone];
}

/** AWS reserves the network's address, the router, the name server, one for future use, and the last one. */
function isReserved(range: Cidr, address: string): boolean {
  const place = placeIn(range, address) ?? 0;
  return place < 4 || place === Number(range.last - range.first);
}

/** The loss of one zone should cost as few members as possible. */
function checkSpread(top: Fields, nodeZones: readonly string[], zones: readonly string[]): void {
  const count = nodeZones.length;
  const most = Math.ceil(count / zones.length);
  for (const zone of zones) {
    const members = nodeZones.filter((one) => one === zone).length;
    const others = zones.filter((one) => one !== zone).join(", ");
    if (members > most) {
      top.problem(
        "nodes",
        `${members} of ${count} nodes are in ${zone}, but spread evenly no zone would have more than ${most}; give some an address in ${others}.`,
      );
    } else if (members >= quorum(count)) {
      top.report.warning(
        "aws.subnets",
        `${zone} holds ${members} of ${count} members, so there is no quorum while that zone is down; spread them over three zones to tolerate that.`,
      );
    }
  }
}
