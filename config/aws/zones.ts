/** The zones of a region: its own, and those at other places, which have less of AWS. */

import type { Fields } from "../value.ts";
import type { AwsConfig } from "./model.ts";

export interface Zone {
  readonly region: string;
  /** Where it is; empty for the region's own. */
  readonly place: "" | "Local Zone" | "Wavelength Zone";
}

const region = "(?<region>[a-z]{2,4}(-[a-z]+)+-\\d+)";
const forms: readonly (readonly [Zone["place"], RegExp])[] = [
  ["", new RegExp(`^${region}[a-z]$`)],
  ["Local Zone", new RegExp(`^${region}-[a-z]{3}-\\d+[a-z]$`)],
  ["Wavelength Zone", new RegExp(`^${region}-wl\\d+-[a-z]{3}-wlz-\\d+[a-z]?$`)],
];

/** By its name: eu-central-1a, us-west-2-lax-1a, eu-central-1-wl1-ber-wlz-1. */
export function zoneOf(name: string): Zone | undefined {
  for (const [place, form] of forms) {
    const found = form.exec(name)?.groups?.region;
    if (found !== undefined) return { region: found, place };
  }
  return undefined;
}

/** Whether it is one of the region's own. */
export function isRegional(name: string): boolean {
  return zoneOf(name)?.place === "";
}

/** The region of the subnets; all are in one. */
export function regionOf({ subnets }: Pick<AwsConfig, "subnets">): string {
  return zoneOf(subnets[0]?.zone ?? "")?.region ?? "";
}

/** What AWS does not have, or has otherwise, in the zones at other places. */
export function checkPlaces(
  aws: Fields,
  {
    vpc,
    subnets,
    loadBalancer,
    publicAddresses,
  }: Pick<AwsConfig, "vpc" | "subnets" | "loadBalancer" | "publicAddresses">,
): void {
  const away = subnets.filter(({ zone }) => zone !== "" && !isRegional(zone)).map(({ zone }) => zone);
  const gateways = "id" in vpc ? [] : vpc.publicSubnets.map(({ zone }) => zone);
  const endpoints = "id" in vpc ? [] : vpc.endpoints;
  for (const zone of gateways.filter((name) => name !== "" && !isRegional(name))) {
    aws.problem(
      "vpc.publicSubnets",
      `${zone} is a ${zoneOf(zone)?.place}, where no NAT gateway is created; give one in a zone of ${zoneOf(zone)?.region} itself.`,
    );
  }
  if (away.length === 0) return;
  const where = `${away.join(", ")} ${away.length > 1 ? "are" : "is"} not in the region itself`;
  if (loadBalancer)
    aws.problem(
      "loadBalancer",
      `${where}, where no network load balancer is created; leave it out, and let clients dial the endpoints.`,
    );
  if (publicAddresses)
    aws.problem(
      "publicAddresses",
      `${where}, where addresses are of another pool; reach the nodes through a bastion.`,
    );
  if (endpoints.includes("ssm") && away.length === subnets.length)
    aws.problem(
      "vpc.endpoints",
      `${where}, where ssm has no endpoint; leave it out, and give the VPC a NAT gateway.`,
    );
}
