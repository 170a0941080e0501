import type { AwsSubnet } from "../config/aws/model.ts";
import { parseCidr, placeIn } from "../config/cidr.ts";

/** The subnet that holds the address. */
export function subnetOf(address: string, subnets: readonly AwsSubnet[]): AwsSubnet {
  const subnet = subnets.find(({ cidr }) => {
    const range = parseCidr(cidr);
    return "first" in range && placeIn(range, address) !== undefined;
  });
  if (subnet === undefined) throw new Error(`no subnet holds ${address}`);
  return subnet;
}
