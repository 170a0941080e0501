/** What the instances could not reach, or the internet could: reported before anything is created. */

import { defaults } from "../defaults.ts";
import type { Fields } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import type { OtherSettings } from "./other-settings.ts";

type Routes = Pick<AwsConfig, "vpc" | "publicAddresses">;

export function parseEgress(
  aws: Fields,
  vpc: AwsConfig["vpc"],
  other: OtherSettings,
): Pick<AwsConfig, "publicAddresses"> {
  const publicAddresses = aws.flag("publicAddresses", false);
  if (publicAddresses) checkPublic(aws, other);
  checkOwnVpc(aws, { vpc, publicAddresses }, other);
  return { publicAddresses };
}

function checkPublic(aws: Fields, { nodes }: OtherSettings): void {
  aws.report.warning(
    aws.at("publicAddresses"),
    "every node gets a public address; only aws.access decides who reaches its ports from the internet.",
  );
  for (const { path, address, sshAddress } of nodes) {
    if (sshAddress === address) continue;
    aws.report.problem(
      `${path}.sshAddress`,
      "is not used with aws.publicAddresses, where ssh goes to the public address; leave one of them out.",
    );
  }
}

/** In an existing VPC, the program does not know the routes. */
function checkOwnVpc(aws: Fields, { vpc, publicAddresses }: Routes, other: OtherSettings): void {
  if ("id" in vpc || vpc.cidr === "") return;
  if (publicAddresses && vpc.nat !== "none") {
    aws.problem(
      "publicAddresses",
      `with vpc.nat: ${vpc.nat} the subnets are routed to the NAT gateway, where public addresses do not work; set nat to none.`,
    );
  }
  if (publicAddresses || vpc.nat !== "none") return;
  const { mirror, proxy } = other.release;
  if (mirror === defaults.mirror && proxy === "") {
    aws.problem(
      "vpc.nat",
      `without NAT the hosts cannot reach ${mirror}; set it to one or per-zone, or set mirror or proxy to a server that the VPC can reach.`,
    );
  }
  if (aws.flag("sessionManager", false) && !vpc.endpoints.includes("ssm")) {
    aws.problem(
      "sessionManager",
      "without NAT the hosts cannot reach Systems Manager; add ssm to vpc.endpoints.",
    );
  }
}
