import { Volume } from "@pulumi/aws/ebs/volume.js";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { NetworkInterface } from "@pulumi/aws/ec2/networkInterface.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import * as pulumi from "@pulumi/pulumi";
import { PrivateKey } from "@pulumi/tls";
import { exchangesHostKey } from "../../cluster/made-from.ts";
import { partOf } from "../../cluster/resource-names.ts";
import type { AwsConfig } from "../../config/aws/model.ts";
import { MADE_FROM } from "../../config/aws/own-tags.ts";
import type { SshConfig } from "../../config/model.ts";
import type { Caller } from "../../host/commands.ts";
import { type HostKeyType, renderUserData } from "../../host/user-data.ts";
import { type Connection, connectionTo, whileBooting } from "../connection.ts";
import type { Host, Machine } from "../host.ts";
import { type PreparationArgs, prepareStep } from "../preparation.ts";
import type { Step } from "../step.ts";
import { exchangeStep } from "./key-exchange.ts";
import { DATA_DEVICE } from "./lookup.ts";

/** The settings that make up a machine. */
export type MachineSettings = Pick<
  AwsConfig,
  "ami" | "instanceType" | "authorizedKeys" | "dataVolume" | "rootVolume" | "kmsKeyId" | "publicAddresses"
>;

export interface Ec2HostArgs extends PreparationArgs {
  readonly ssh: SshConfig;
  /** Private key of the SSH login. @default the agent's keys */
  readonly privateKey?: pulumi.Input<string>;
  readonly aws: MachineSettings;
  /** Where it is; its public address is deleted before it. */
  readonly network: pulumi.Resource;
  readonly subnetId: pulumi.Input<string>;
  readonly zone: string;
  readonly securityGroupId: pulumi.Input<string>;
  /** Name of the instance profile. @default none */
  readonly instanceProfile?: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
  /** Digest of what replaces the instance if it changes. */
  readonly madeFrom: string;
  /** Whether the instance runs and is what is declared. */
  readonly isSettled: boolean;
  /** Id of the instance whose host key was exchanged. @default none */
  readonly exchanged?: string;
  /** Whether AWS refuses others to terminate the instance, and Pulumi to delete the volume. */
  readonly protect: boolean;
  /** What must be done before the machine is created, or replaced. @default nothing */
  readonly guard?: Promise<Step | undefined>;
}

/** An EC2 instance, and what of it outlives the instance: its address, its host key and its data volume. */
export class Ec2Host extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly incarnation: number;
  readonly caller: Caller;
  readonly connection: pulumi.Input<Connection>;
  readonly machine: Machine;
  readonly prepared: Step;

  constructor(name: string, args: Ec2HostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:host:Ec2Host", name, {}, opts);
    this.name = args.node.name;
    this.incarnation = args.node.incarnation;
    this.caller = { user: args.ssh.user };

    const hostKey = new PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, { parent: this });
    const firstKey = exchangesHostKey(args.madeFrom) ? this.makeFirstKey(name, args) : undefined;
    const told: ToldKey =
      firstKey === undefined ? { type: "ed25519", key: hostKey } : { type: "ecdsa", key: firstKey };
    const networkInterface = this.placeInterface(name, args);
    const data = this.keepData(name, args);
    const instance = this.runInstance(name, args, { told, networkInterface });

    const ssh = {
      address: this.sshAddress(name, args, networkInterface),
      hostKey: publicKeyOf(hostKey),
    };
    this.machine = {
      id: instance.id,
      resource: instance,
      ssh,
    };
    const connection = this.connectBy(ssh.hostKey, ssh.address, args);
    this.connection = connection;
    const exchanged =
      firstKey === undefined
        ? undefined
        : this.exchangeKeys(name, args, { firstKey, hostKey, address: ssh.address });
    const attachment = this.attachData(name, instance, data, exchanged);
    this.prepared = prepareStep(name, this, this.whileBooting(args, connection), args, {
      dependsOn: attachment,
      volume: { id: data.id, size: args.aws.dataVolume.size },
      dropsFirstKey: firstKey !== undefined,
    });
    this.registerOutputs({ instanceId: instance.id, ...ssh });
  }

  /** Another one for each other machine: that of the one before may have been read out of its user data. */
  private makeFirstKey(name: string, { madeFrom }: Ec2HostArgs): PrivateKey {
    const args = { algorithm: "ECDSA", ecdsaCurve: "P256" };
    return new PrivateKey(`${name}-first-key-${madeFrom}`, args, { parent: this });
  }

  /** By the first key, unless this very instance was found with the other one: then the state has lost the step. */
  private exchangeKeys(
    name: string,
    args: Ec2HostArgs,
    {
      firstKey,
      hostKey,
      address,
    }: { firstKey: PrivateKey; hostKey: PrivateKey; address: pulumi.Input<string> },
  ): Step {
    const keys = [publicKeyOf(firstKey), publicKeyOf(hostKey)] as const;
    const pinned = pulumi
      .all([this.machine.id, ...keys])
      .apply(([id, first, own]) => (id === args.exchanged ? own : first));
    const host = this.whileBooting(args, this.connectBy(pinned, address, args));
    return exchangeStep(name, { parent: this, host, hostKey, isDone: args.exchanged !== undefined });
  }

  private connectBy(
    hostKey: pulumi.Output<string>,
    address: pulumi.Input<string>,
    { node, ssh, privateKey }: Ec2HostArgs,
  ): Connection {
    const login = privateKey === undefined ? {} : { privateKey };
    return connectionTo({ address, hostKey, port: node.sshPort, ssh, ...login });
  }

  private whileBooting({ aws }: Ec2HostArgs, connection: Connection): Omit<Host, "prepared"> {
    const { name, incarnation, caller, machine } = this;
    const booting = whileBooting(connection, isBareMetal(aws));
    return { name, incarnation, caller, machine, connection: booting };
  }

  /** The fixed private address; it stays when the instance goes. */
  private placeInterface(name: string, args: Ec2HostArgs): NetworkInterface {
    return new NetworkInterface(
      `${name}-interface`,
      {
        description: `etcd member ${name}`,
        subnetId: args.subnetId,
        privateIps: [args.node.address],
        securityGroups: [args.securityGroupId],
        tags: { ...args.tags, Name: name },
      },
      { parent: this },
    );
  }

  /** etcd's data. Retained whatever happens to the resource: this program deletes no data. */
  private keepData(name: string, { aws, zone, tags, protect }: Ec2HostArgs): Volume {
    return new Volume(
      `${name}-data`,
      {
        availabilityZone: zone,
        type: "gp3",
        size: aws.dataVolume.size,
        iops: aws.dataVolume.iops,
        throughput: aws.dataVolume.throughput,
        ...encryption(aws),
        tags: { ...tags, Name: `${name}-data` },
      },
      // a volume keeps the key it was encrypted with: another key would mean another, empty volume
      { parent: this, protect, retainOnDelete: true, ignoreChanges: ["kmsKeyId"] },
    );
  }

  private runInstance(
    name: string,
    args: Ec2HostArgs,
    { told, networkInterface }: { told: ToldKey; networkInterface: NetworkInterface },
  ): Instance {
    const { aws, node, ssh, tags, protect, instanceProfile } = args;
    const userData = pulumi
      .all([told.key.privateKeyOpenssh, publicKeyOf(told.key)])
      .apply(([privateKey, publicKey]) =>
        renderUserData({
          hostname: node.name,
          user: ssh.user,
          authorizedKeys: aws.authorizedKeys,
          hostKey: { type: told.type, privateKey, publicKey },
        }),
      );
    return new Instance(
      partOf(name, "instance"),
      {
        ami: aws.ami,
        instanceType: aws.instanceType,
        primaryNetworkInterface: { networkInterfaceId: networkInterface.id },
        rootBlockDevice: {
          volumeType: "gp3",
          volumeSize: aws.rootVolume.size,
          ...encryption(aws),
          deleteOnTermination: true,
        },
        // version 2 only, and not through a proxy or a container on the machine
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        disableApiTermination: protect,
        forceDestroy: true, // a reviewed replacement is not a mistake to prevent
        userData: pulumi.secret(userData),
        userDataReplaceOnChange: true,
        ...(instanceProfile === undefined ? {} : { iamInstanceProfile: instanceProfile }),
        tags: { ...tags, [MADE_FROM]: args.madeFrom, Name: name },
      },
      {
        parent: this,
        deleteBeforeReplace: true, // the interface and the volume are on one instance at a time
        replaceOnChanges: ["instanceType"], // in place, the provider would stop all instances at once
        // What replaces an instance is its digest, which knows of older forms, and of a type that was changed in place.
        ignoreChanges: args.isSettled ? ["userData", "instanceType"] : [],
        dependsOn: commandOf(args.guard),
        ...(isBareMetal(aws) ? { customTimeouts: { create: "30m", delete: "40m" } } : {}),
      },
    );
  }

  /** That it is attached says that the host key was exchanged. */
  private attachData(
    name: string,
    instance: Instance,
    data: Volume,
    exchanged: Step | undefined,
  ): VolumeAttachment {
    return new VolumeAttachment(
      `${name}-data-attachment`,
      {
        deviceName: DATA_DEVICE,
        volumeId: data.id,
        instanceId: instance.id,
        stopInstanceBeforeDetaching: true, // a mounted volume cannot be detached
      },
      {
        parent: this,
        deletedWith: instance,
        deleteBeforeReplace: true,
        ...(exchanged === undefined ? {} : { dependsOn: exchanged.command }),
      },
    );
  }

  /** Where ssh finds it: the private address, unless a public one is configured. */
  private sshAddress(name: string, args: Ec2HostArgs, { id }: NetworkInterface): pulumi.Input<string> {
    if (!args.aws.publicAddresses) return args.node.sshAddress;
    const tags = { ...args.tags, Name: name };
    const inputs = { domain: "vpc", networkInterface: id, tags };
    // it works only with an internet gateway, and is deleted before it
    const address = new Eip(`${name}-address`, inputs, { parent: this, dependsOn: args.network });
    return address.publicIp;
  }
}

/** The host key in a machine's user data. */
interface ToldKey {
  readonly type: HostKeyType;
  readonly key: PrivateKey;
}

/** Without a comment. */
function publicKeyOf(key: PrivateKey): pulumi.Output<string> {
  return key.publicKeyOpenssh.apply((text) => text.trim());
}

/** It starts and stops for many minutes. */
function isBareMetal({ instanceType }: MachineSettings): boolean {
  return /\.metal(-|$)/.test(instanceType);
}

async function commandOf(guard: Ec2HostArgs["guard"]): Promise<pulumi.Resource[]> {
  const step = await guard;
  return step === undefined ? [] : [step.command];
}

function encryption({ kmsKeyId }: MachineSettings): { encrypted: true; kmsKeyId?: string } {
  return { encrypted: true, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) };
}
