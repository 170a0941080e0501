/**
 * The digest of what a machine is made from, which is on it as a tag, in the record of the last proof and in steps. What
 * an earlier program wrote for the same settings stays valid: it is kept as it is, and replaces nothing.
 */

import type { AwsConfig } from "../config/aws/model.ts";
import type { ClusterConfig, NodeConfig } from "../config/model.ts";
import { type HostKeyType, renderUserData } from "../host/user-data.ts";
import { digestOf } from "./digest.ts";
import { plainKeys } from "./login.ts";
import { subnetOf } from "./subnets.ts";

export type Ec2Config = Pick<ClusterConfig, "ssh"> & { readonly aws: AwsConfig };

/** What AWS says of an instance. */
export interface RunningMachine {
  readonly id: string;
  /** Digest of what it was created from. */
  readonly madeFrom: string;
  readonly ami: string;
  readonly instanceType: string;
  /** Key of its root volume. */
  readonly kmsKeyId: string;
  /** Name of its instance profile; empty if it has none. */
  readonly instanceProfile: string;
  /** Whether its data volume is attached. */
  readonly hasVolume: boolean;
}

/**
 * What the digest of a machine begins with that is reached by a key for its first connection, and gets its host key by
 * it. The host key of one without is in its user data.
 */
const EXCHANGED = "2-";

export function exchangesHostKey(digest: string): boolean {
  return digest.startsWith(EXCHANGED);
}

/** Of a machine that is created now. All of it is plain, so that a preview knows which ones are replaced, and in which order. */
export function madeFrom(node: NodeConfig, config: Ec2Config): string {
  return EXCHANGED + digestWith("ecdsa", node, config, plainKeys(config.aws), config.aws.kmsKeyId ?? "");
}

/** Whether a machine with this digest is what is declared. */
export function isMadeFrom(
  digest: string,
  node: NodeConfig,
  config: Ec2Config,
  running: RunningMachine | undefined,
): boolean {
  const { aws } = config;
  const kmsKeys = kmsKeysOf(aws, running);
  if (aws.authorizedKeys.length === 0) return running !== undefined && looksAlike(aws, running, kmsKeys);
  const [begin, type, lists] = exchangesHostKey(digest)
    ? ([EXCHANGED, "ecdsa", [plainKeys(aws)]] as const)
    : (["", "ed25519", [plainKeys(aws), aws.authorizedKeys]] as const);
  return lists.some((keys) =>
    kmsKeys.some((key) => begin + digestWith(type, node, config, keys, key) === digest),
  );
}

/** Without keys that are declared there is no digest: those of one workstation may have been part of it. */
function looksAlike(aws: AwsConfig, running: RunningMachine, kmsKeys: readonly string[]): boolean {
  return (
    running.ami === aws.ami && running.instanceType === aws.instanceType && kmsKeys.includes(running.kmsKeyId)
  );
}

/**
 * The key that may be in the digest. A root volume keeps its key when the setting is taken away, and one that names the
 * key that it has changes nothing.
 */
function kmsKeysOf({ kmsKeyId }: AwsConfig, running: RunningMachine | undefined): readonly string[] {
  const has = running?.kmsKeyId ?? "";
  if (kmsKeyId === undefined) return ["", has];
  return kmsKeyId === has ? [kmsKeyId, ""] : [kmsKeyId];
}

function digestWith(
  type: HostKeyType,
  node: NodeConfig,
  { aws, ssh }: Ec2Config,
  authorizedKeys: readonly string[],
  kmsKeyId: string,
): string {
  const firstBoot = renderUserData({
    hostname: node.name,
    user: ssh.user,
    authorizedKeys,
    hostKey: { type, privateKey: "", publicKey: "" },
  });
  const subnet = subnetOf(node.address, aws.subnets);
  return digestOf([aws.ami, aws.instanceType, kmsKeyId, JSON.stringify(subnet), firstBoot]);
}
