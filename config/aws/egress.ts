/** What cannot be reached from the instances, or by everybody: found before anything is made. */

import { defaults } from "../defaults.ts";
import type { Fields } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import type { AwsSurroundings } from "./surroundings.ts";

type Ways = Pick<AwsConfig, "vpc" | "publicAddresses">;

export function parseEgress(
  aws: Fields,
  vpc: AwsConfig["vpc"],
  around: AwsSurroundings,
): Pick<AwsConfig, "publicAddresses"> {
  const publicAddresses = aws.flag("publicAddresses", false);
  if (publicAddresses) checkPublic(aws, around);
  checkOwnVpc(aws, { vpc, publicAddresses }, around);
  return { publicAddresses };
}

function checkPublic(aws: Fields, { nodes }: AwsSurroundings): void {
  aws.report.warning(
    aws.at("publicAddresses"),
    "every node gets an address of the internet; who reaches its ports from there is decided by aws.access alone.",
  );
  for (const { path, address, sshAddress } of nodes) {
    if (sshAddress === address) continue;
    aws.report.problem(
      `${path}.sshAddress`,
      "is not used with aws.publicAddresses, where ssh goes to the public address; leave one of them out.",
    );
  }
}

/** In a VPC that exists, the program does not know the routes. */
function checkOwnVpc(aws: Fields, { vpc, publicAddresses }: Ways, around: AwsSurroundings): void {
  if ("id" in vpc || vpc.cidr === "") return;
  if (publicAddresses && vpc.nat !== "none") {
    aws.problem(
      "publicAddresses",
      `with vpc.nat: ${vpc.nat} the subnets lead to the NAT gateway, where public addresses do not work; set nat to none.`,
    );
  }
  if (publicAddresses || vpc.nat !== "none") return;
  const { mirror, proxy } = around.release;
  if (mirror === defaults.mirror && proxy === "") {
    aws.problem(
      "vpc.nat",
      `without NAT the hosts do not reach ${mirror}; set it to one or per-zone, or set mirror or proxy to one that the VPC reaches.`,
    );
  }
  if (aws.flag("sessionManager", false) && !vpc.endpoints.includes("ssm")) {
    aws.problem(
      "sessionManager",
      "without NAT the hosts do not reach Systems Manager; add ssm to vpc.endpoints.",
    );
  }
}
