import * as pulumi from "@pulumi/pulumi";
import type { AwsSubnet } from "../../config/aws/model.ts";
import { type NetworkArgs, OwnNetwork } from "./own-network.ts";

/** The VPC and the members' subnets: an existing one, or the cluster's own. */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Input<string>;
  readonly #subnetIds: ReadonlyMap<string, pulumi.Input<string>>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:aws:Network", name, {}, opts);
    const { vpc, subnets } = args.aws;
    if ("id" in vpc) {
      this.vpcId = vpc.id;
      this.#subnetIds = new Map(subnets.map(({ cidr, id = "" }) => [cidr, id]));
    } else {
      const own = new OwnNetwork(this, name, args, vpc);
      this.vpcId = own.vpc.id;
      this.#subnetIds = new Map(own.subnets.map(({ cidr, resource }) => [cidr, resource.id]));
    }
    this.registerOutputs({ vpcId: this.vpcId });
  }

  subnetId({ cidr }: AwsSubnet): pulumi.Input<string> {
    const id = this.#subnetIds.get(cidr);
    if (id === undefined) throw new Error(`there is no subnet ${cidr}`);
    return id;
  }
}
