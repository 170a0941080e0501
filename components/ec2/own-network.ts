import { Eip } from "@pulumi/aws/ec2/eip.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import type * as pulumi from "@pulumi/pulumi";
import type { AwsConfig, AwsSubnet, OwnVpc } from "../../config/aws/model.ts";
import { isRegional, regionOf } from "../../config/aws/zones.ts";
import { makeEndpoints } from "./vpc-endpoints.ts";

export interface NetworkArgs {
  readonly aws: Pick<AwsConfig, "vpc" | "subnets" | "publicAddresses">;
  readonly tags: Readonly<Record<string, string>>;
  /** Whether Pulumi refuses to delete the VPC and its subnets, and what is in them. */
  readonly protect: boolean;
}

const ANYWHERE = "0.0.0.0/0";

interface MadeSubnet extends AwsSubnet {
  readonly resource: Subnet;
}

/** A VPC with the members' subnets, and the egress that was asked for. */
export class OwnNetwork {
  readonly vpc: Vpc;
  readonly subnets: readonly MadeSubnet[];
  readonly #parent: pulumi.ComponentResource;
  readonly #name: string;
  readonly #args: NetworkArgs;

  constructor(parent: pulumi.ComponentResource, name: string, args: NetworkArgs, own: OwnVpc) {
    this.#parent = parent;
    this.#name = name;
    this.#args = args;
    this.vpc = new Vpc(
      name,
      { cidrBlock: own.cidr, enableDnsSupport: true, enableDnsHostnames: true, tags: this.#tags("vpc") },
      this.#guarded(),
    );
    this.subnets = args.aws.subnets.map((subnet) => this.#makeSubnet(subnet, "members"));
    const tables = this.subnets.map((subnet) => this.#makeTable(subnet, "members"));
    this.#openEgress(own, tables);
    makeEndpoints(own.endpoints, {
      parent,
      network: name,
      vpcId: this.vpc.id,
      cidr: own.cidr,
      region: regionOf(args.aws),
      subnetIds: this.subnets.filter(({ zone }) => isRegional(zone)).map(({ resource }) => resource.id),
      routeTableIds: tables.map(({ id }) => id),
      tags: args.tags,
    });
  }

  /** The members' subnets lead to the internet gateway only where public addresses were asked for. */
  #openEgress({ nat, publicSubnets }: OwnVpc, tables: readonly RouteTable[]): void {
    const { publicAddresses } = this.#args.aws;
    if (nat === "none" && !publicAddresses) return;
    const gateway = new InternetGateway(
      `${this.#name}-internet`,
      { vpcId: this.vpc.id, tags: this.#tags("internet") },
      this.#child(),
    );
    if (publicAddresses) {
      this.#routeOut(tables, () => ({ gatewayId: gateway.id }));
      return;
    }
    const gateways = new Map(
      publicSubnets
        .slice(0, nat === "one" ? 1 : publicSubnets.length)
        .map((subnet) => [subnet.zone, this.#makeNat(subnet, gateway)]),
    );
    const [first] = gateways.values();
    this.#routeOut(tables, (zone) => {
      const id = (gateways.get(zone) ?? first)?.id;
      return id === undefined ? {} : { natGatewayId: id };
    });
  }

  #routeOut(
    tables: readonly RouteTable[],
    target: (zone: string) => { gatewayId?: pulumi.Input<string>; natGatewayId?: pulumi.Input<string> },
  ): void {
    this.subnets.forEach(({ zone, cidr }, index) => {
      const table = tables[index];
      if (table === undefined) return;
      new Route(
        `${this.#name}-out-${label({ zone, cidr })}`,
        { routeTableId: table.id, destinationCidrBlock: ANYWHERE, ...target(zone) },
        this.#child(),
      );
    });
  }

  #makeNat(subnet: AwsSubnet, gateway: InternetGateway): NatGateway {
    const made = this.#makeSubnet(subnet, "public");
    const table = this.#makeTable(made, "public");
    const name = `${this.#name}-nat-${subnet.zone}`;
    const route = new Route(
      `${this.#name}-public-out-${label(subnet)}`,
      { routeTableId: table.id, destinationCidrBlock: ANYWHERE, gatewayId: gateway.id },
      this.#child(),
    );
    const address = new Eip(name, { domain: "vpc", tags: this.#tags("nat") }, this.#child());
    return new NatGateway(
      name,
      { allocationId: address.id, subnetId: made.resource.id, tags: this.#tags("nat") },
      { ...this.#child(), dependsOn: route },
    );
  }

  #makeSubnet(subnet: AwsSubnet, kind: "members" | "public"): MadeSubnet {
    const resource = new Subnet(
      `${this.#name}-${kind}-${label(subnet)}`,
      {
        vpcId: this.vpc.id,
        cidrBlock: subnet.cidr,
        availabilityZone: subnet.zone,
        mapPublicIpOnLaunch: false,
        tags: this.#tags(`${kind}-${subnet.zone}`),
      },
      this.#guarded(),
    );
    return { ...subnet, resource };
  }

  #makeTable({ resource, ...subnet }: MadeSubnet, kind: "members" | "public"): RouteTable {
    const name = `${this.#name}-${kind}-${label(subnet)}`;
    const tags = this.#tags(`${kind}-${subnet.zone}`);
    const table = new RouteTable(name, { vpcId: this.vpc.id, tags }, this.#child());
    new RouteTableAssociation(name, { subnetId: resource.id, routeTableId: table.id }, this.#child());
    return table;
  }

  #tags(part: string): Record<string, string> {
    return { ...this.#args.tags, Name: `${this.#name}-${part}` };
  }

  #child(): pulumi.CustomResourceOptions {
    return { parent: this.#parent };
  }

  #guarded(): pulumi.CustomResourceOptions {
    return { parent: this.#parent, protect: this.#args.protect };
  }
}

/** By its zone and addresses: the order in which subnets are listed does not matter. */
function label({ zone, cidr }: AwsSubnet): string {
  return `${zone}-${cidr.replace("/", "-")}`;
}
