import { subnetOf } from "../../cluster/subnets.ts";
import type { TopologyMember } from "../../cluster/topology.ts";
import type { AwsConfig } from "../../config/aws/model.ts";
import { CLUSTER, NODE, STACK } from "../../config/aws/own-tags.ts";
import { regionOf } from "../../config/aws/zones.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { stackId } from "../deployed.ts";
import type { Guards } from "../guards.ts";
import type { HostSpec } from "../preparation.ts";
import { Access } from "./access.ts";
import { Balancer, nameClients } from "./client-endpoint.ts";
import { Ec2Host } from "./ec2-host.ts";
import { Network } from "./network.ts";
import { SessionManager } from "./session-manager.ts";

type Ec2Config = ClusterConfig & { readonly aws: AwsConfig };

/** The instances, and around them the network, who may reach them, and the name that clients resolve. */
export function makeEc2Hosts(
  specs: readonly HostSpec[],
  config: Ec2Config,
  members: readonly TopologyMember[],
  guards: Promise<Guards>,
): readonly Ec2Host[] {
  const { aws, nodes, protect } = config;
  const tags = { ...aws.tags, [CLUSTER]: config.clusterName, [STACK]: stackId() };
  const network = new Network("network", { aws, tags, protect });
  const place = { vpcId: network.vpcId, subnetIds: aws.subnets.map((subnet) => network.subnetId(subnet)) };
  const balancer = aws.loadBalancer
    ? new Balancer("clients", { clients: aws.access.clients, subnets: aws.subnets, nodes, tags, ...place })
    : undefined;
  const access = new Access("members", {
    vpcId: network.vpcId,
    access: aws.access,
    metricsPort: portOf(config.settings.metricsUrl),
    outwardPorts: outwardPorts(config),
    ...(balancer === undefined ? {} : { balancerGroupId: balancer.groupId }),
    tags,
  });
  const profile = aws.sessionManager
    ? new SessionManager("session-manager", { region: regionOf(aws), tags }).profileName
    : aws.instanceProfile;
  if (aws.clientName !== undefined && aws.hostedZoneId !== undefined) {
    const name = { zoneId: aws.hostedZoneId, name: aws.clientName, nodes };
    nameClients({ ...name, ...(balancer === undefined ? {} : { balancer }) });
  }
  return specs.map((spec) => {
    const subnet = subnetOf(spec.node.address, aws.subnets);
    const {
      machine = "",
      isSettled = false,
      exchanged,
    } = members.find(({ name }) => name === spec.node.name) ?? {};
    return new Ec2Host(
      spec.node.name,
      {
        ...spec,
        aws,
        protect,
        network,
        guard: guards.then((all) => all.get(spec.node.name)),
        madeFrom: machine,
        isSettled,
        ...(exchanged === undefined ? {} : { exchanged }),
        subnetId: network.subnetId(subnet),
        zone: subnet.zone,
        securityGroupId: access.groupId,
        ...(profile === undefined ? {} : { instanceProfile: profile }),
        tags: { ...tags, [NODE]: spec.node.name },
      },
      { dependsOn: network }, // also on the egress, which the first steps use
    );
  });
}

/** What the members connect to: the mirror of etcd's archives, or the proxy to it, and Session Manager. */
function outwardPorts({ release, aws }: Ec2Config): readonly number[] {
  const download = portOf(release.proxy === "" ? release.mirror : release.proxy);
  return [...new Set([download, ...(aws.sessionManager ? [443] : [])])];
}

function portOf(text: string): number {
  const url = new URL(text);
  if (url.port !== "") return Number(url.port);
  return url.protocol === "http:" ? 80 : 443;
}
