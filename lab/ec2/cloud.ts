// Part of the simulated EC2: what all resource types share, and how they refuse.
import { type Properties, text } from "../engine/properties.ts";
import type { Machines } from "./machines.ts";
import type { Store } from "./store.ts";

export interface Cloud {
  readonly store: Store;
  readonly machines: Machines;
  readonly region: string;
}

export const ACCOUNT = "111122223333";

/** An error as the AWS SDK words it: the operation, the code, and what the API says. */
export class ApiError extends Error {
  readonly code: string;

  constructor(service: string, operation: string, code: string, reason: string) {
    super(
      `operation error ${service}: ${operation}, https response error StatusCode: 400, api error ${code}: ${reason}`,
    );
    this.code = code;
  }
}

export function refuse(operation: string, code: string, reason: string, service = "EC2"): never {
  throw new ApiError(service, operation, code, reason);
}

export function arn(cloud: Cloud, service: string, resource: string): string {
  return `arn:aws:${service}:${cloud.region}:${ACCOUNT}:${resource}`;
}

const MISSING: Record<string, { code: string; what: string }> = {
  vpc: { code: "InvalidVpcID.NotFound", what: "vpc ID" },
  subnet: { code: "InvalidSubnetID.NotFound", what: "subnet ID" },
  "security-group": { code: "InvalidGroup.NotFound", what: "security group" },
  "route-table": { code: "InvalidRouteTableID.NotFound", what: "routeTable ID" },
  "internet-gateway": { code: "InvalidInternetGatewayID.NotFound", what: "internetGateway ID" },
  "nat-gateway": { code: "NatGatewayNotFound", what: "NAT gateway" },
  eip: { code: "InvalidAllocationID.NotFound", what: "allocation ID" },
  interface: { code: "InvalidNetworkInterfaceID.NotFound", what: "networkInterface ID" },
  volume: { code: "InvalidVolume.NotFound", what: "volume" },
  instance: { code: "InvalidInstanceID.NotFound", what: "instance ID" },
};

/** The resource that an input refers to. */
export function need(
  cloud: Cloud,
  operation: string,
  kind: string,
  inputs: Properties,
  key: string,
): Properties {
  return needId(cloud, operation, kind, text(inputs, key) ?? "");
}

export function needId(cloud: Cloud, operation: string, kind: string, id: string): Properties {
  const thing = cloud.store.get(kind, id);
  if (thing) return thing;
  const { code, what } = MISSING[kind] ?? { code: "NotFound", what: kind };
  return refuse(operation, code, `The ${what} '${id}' does not exist`);
}

/** Refuses to delete what something else still refers to. */
export function refuseInUse(
  cloud: Cloud,
  operation: string,
  id: string,
  uses: Record<string, (thing: Properties) => boolean>,
): void {
  for (const [kind, refers] of Object.entries(uses)) {
    const user = cloud.store.list(kind).find(({ thing }) => refers(thing));
    if (user) {
      const what = operation.replace(/^Delete/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");
      const reason = `The ${what.toLowerCase()} '${id}' has dependencies and cannot be deleted (${kind} ${user.id}).`;
      refuse(operation, "DependencyViolation", reason);
    }
  }
}
