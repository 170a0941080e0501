// The simulated EC2 without a lab: its resource types on a folder of their own, and machines that are only noted down.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Cloud } from "../../lab/ec2/cloud.ts";
import { invokes } from "../../lab/ec2/invokes.ts";
import type { Launch, Machines } from "../../lab/ec2/machines.ts";
import { Store } from "../../lab/ec2/store.ts";
import { typesOf } from "../../lab/ec2/types.ts";
import { type Properties, present } from "../../lab/engine/properties.ts";
import type { ResourceType } from "../../lab/engine/provider.ts";

export const TYPES = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  routeTable: "aws:ec2/routeTable:RouteTable",
  route: "aws:ec2/route:Route",
  routeTableAssociation: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  internetGateway: "aws:ec2/internetGateway:InternetGateway",
  natGateway: "aws:ec2/natGateway:NatGateway",
  eip: "aws:ec2/eip:Eip",
  vpcEndpoint: "aws:ec2/vpcEndpoint:VpcEndpoint",
  securityGroup: "aws:ec2/securityGroup:SecurityGroup",
  ingressRule: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  networkInterface: "aws:ec2/networkInterface:NetworkInterface",
  volume: "aws:ebs/volume:Volume",
  instance: "aws:ec2/instance:Instance",
  attachment: "aws:ec2/volumeAttachment:VolumeAttachment",
  loadBalancer: "aws:lb/loadBalancer:LoadBalancer",
  targetGroup: "aws:lb/targetGroup:TargetGroup",
  targetGroupAttachment: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  listener: "aws:lb/listener:Listener",
  record: "aws:route53/record:Record",
  role: "aws:iam/role:Role",
  rolePolicy: "aws:iam/rolePolicy:RolePolicy",
  instanceProfile: "aws:iam/instanceProfile:InstanceProfile",
};
export type Name = keyof typeof TYPES;

export interface Made {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

/** Hosts that are nothing but a line each. */
class Notes implements Machines {
  readonly lines: string[] = [];
  readonly running = new Set<string>();
  /** A volume that its host has mounted. */
  mounted = "";

  hostNumber(address: string): number | undefined {
    return address.startsWith("10.20.") ? 1 : undefined;
  }
  async launch({ address, image }: Launch) {
    if (this.running.has(address)) throw new Error("there is a host already");
    this.lines.push(`launch ${image}`);
    this.running.add(address);
  }
  async terminate(address: string) {
    this.lines.push("terminate");
    this.running.delete(address);
  }
  async stop(address: string) {
    this.lines.push("stop");
    this.running.delete(address);
    this.mounted = "";
  }
  async start(address: string) {
    this.lines.push("start");
    this.running.add(address);
  }
  async isRunning(address: string) {
    return this.running.has(address);
  }
  async makeVolume() {}
  async growVolume(_volume: string, gibibytes: number) {
    this.lines.push(`grow to ${gibibytes}`);
  }
  async dropVolume() {}
  async attach() {
    this.lines.push("attach");
  }
  async detach(_address: string, volume: string): Promise<"detached" | "busy"> {
    if (this.mounted === volume) return "busy";
    this.lines.push("detach");
    return "detached";
  }
}

export class Bench {
  readonly folder = mkdtempSync(path.join(tmpdir(), "ec2-test-"));
  readonly machines = new Notes();
  readonly cloud: Cloud = {
    region: "eu-central-1",
    store: new Store(this.folder),
    machines: this.machines,
  };
  readonly #types = typesOf(() => this.cloud);

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  type(name: Name): ResourceType {
    const type = this.#types[TYPES[name]];
    assert.ok(type);
    return type;
  }

  /** What is wrong with inputs, a line for each. */
  failures(name: Name, inputs: Properties): string[] {
    return this.type(name)
      .check(inputs, "test", {})
      .failures.map(({ property, reason }) => `${property}: ${reason}`);
  }

  async make(name: Name, given: Properties): Promise<Made> {
    const { inputs, failures } = this.type(name).check(given, "test", {});
    assert.deepEqual(failures, [], name);
    return { inputs, ...(await this.type(name).create(this.#operation("", inputs))) };
  }

  /** What a preview of the creation says. */
  async preview(name: Name, inputs: Properties): Promise<Properties> {
    return (await this.type(name).create({ ...this.#operation("", inputs), preview: true })).outputs;
  }

  /** The paths that change, and those of them that need a new resource. */
  diff(name: Name, made: Made, changed: Properties): { changes: string[]; replaces: string[] } {
    const response = this.type(name).diff(made, { ...made.inputs, ...changed });
    return { changes: response.getDiffsList().sort(), replaces: response.getReplacesList().sort() };
  }

  async update(name: Name, made: Made, changed: Properties): Promise<Properties> {
    const inputs = present({ ...made.inputs, ...changed });
    return await this.type(name).update(this.#operation(made.id, inputs), made);
  }

  async drop(name: Name, made: Made): Promise<void> {
    await this.type(name).delete?.(this.#operation(made.id, made.outputs), made.outputs);
  }

  async read(name: Name, made: Made): Promise<Properties | undefined> {
    return await this.type(name).read?.(made.outputs, made.id);
  }

  invoke(token: string, inputs: Properties): Properties {
    const work = invokes(() => this.cloud)[token];
    assert.ok(work);
    return work(inputs);
  }

  events(): string[] {
    const lines = this.cloud.store.events().split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line).event);
  }

  #operation(id: string, inputs: Properties) {
    const cancelled = new AbortController().signal;
    return { name: "test", id, inputs, preview: false, cancelled, log: () => {} };
  }
}

/** A VPC with a subnet and a group, as most tests need them. */
export async function makeNetwork(bench: Bench) {
  const vpc = await bench.make("vpc", { cidrBlock: "10.20.0.0/16" });
  const subnet = await bench.make("subnet", {
    vpcId: vpc.id,
    cidrBlock: "10.20.1.0/24",
    availabilityZone: "eu-central-1a",
  });
  const group = await bench.make("securityGroup", { vpcId: vpc.id });
  return { vpc, subnet, group };
}

export const DATA: Properties = {
  availabilityZone: "eu-central-1a",
  size: 20,
  type: "gp3",
  iops: 3000,
  throughput: 125,
  encrypted: true,
};

/** An instance on an interface of its own. */
export async function makeInstance(bench: Bench, subnet: Made, address: string, more: Properties = {}) {
  const card = await bench.make("networkInterface", { subnetId: subnet.id, privateIps: [address] });
  const instance = await bench.make("instance", instanceInputs(card, more));
  return { card, instance };
}

export function instanceInputs(card: Made, more: Properties = {}): Properties {
  return {
    ami: "ami-0000000000000a001",
    instanceType: "m7i.large",
    primaryNetworkInterface: { networkInterfaceId: card.id },
    userData: "#cloud-config\n{}\n",
    userDataReplaceOnChange: true,
    tags: { Name: "node1" },
    ...more,
  };
}
