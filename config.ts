/** The only reader of the stack's configuration: one typed, validated, readonly object, or every mistake at once. */

import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { AwsConfig } from "./config/aws.ts";
import { decodeValues, parseConfig } from "./config/parse.ts";
import type { UnitSettings } from "./host/unit.ts";
import type { Architecture } from "./releases.ts";

export { parseConfig };

export interface NodeConfig {
  readonly name: string;
  readonly address: string;
  readonly listenAddress: string;
  readonly sshAddress: string;
  readonly sshPort: number;
  /** `type base64`, as in known_hosts; empty for a lost node, which is not dialled, and on EC2, where the program makes it. */
  readonly hostKey: string;
  readonly incarnation: number;
  readonly lost: boolean;
}

export interface SshConfig {
  readonly user: string;
  readonly agent: boolean;
  /** Contents of ssh.privateKeyFile; whoever uses them makes them a secret. */
  readonly privateKey?: string;
  readonly bastion?: {
    readonly address: string;
    readonly port: number;
    readonly user: string;
    readonly hostKey: string;
  };
}

/** What becomes flags of the unit. */
export type EtcdSettings = UnitSettings;

export interface CertificateSettings {
  readonly algorithm: "ECDSA-P256" | "RSA-2048" | "RSA-4096";
  readonly caValidityDays: number;
  readonly leafValidityDays: number;
  readonly renewBeforeDays: number;
}

export interface Release {
  readonly version: string;
  readonly mirror: string;
  readonly proxy: string;
  readonly sha256: Readonly<Partial<Record<Architecture, string>>>;
}

export interface ClusterConfig {
  readonly target: "ssh" | "aws";
  /** Given exactly with the target aws. */
  readonly aws?: AwsConfig;
  readonly nodes: readonly NodeConfig[];
  readonly release: Release;
  readonly ssh: SshConfig;
  /** The first part of the cluster token. */
  readonly clusterName: string;
  readonly dataDir: string;
  readonly settings: EtcdSettings;
  readonly certificates: CertificateSettings;
  readonly protect: boolean;
  readonly rolloutOrder: readonly string[];
  readonly checkId: number;
  /** Named overrides of refusals. */
  readonly allow: readonly string[];
}

/** The configuration of the running stack. The secret key stays an output and never enters the plain object. */
export function loadConfig(): ClusterConfig & { readonly sshPrivateKey?: pulumi.Output<string> } {
  const stack = new pulumi.Config();
  const { config, problems, warnings } = parseConfig(readValues(`${stack.name}:`), (path) =>
    readFileSync(path, "utf8"),
  );
  if (config === undefined) throw refusal(problems);
  for (const warning of warnings) void pulumi.log.warn(warning);
  const sshPrivateKey = stack.getSecret("sshPrivateKey");
  return sshPrivateKey === undefined ? config : { ...config, sshPrivateKey };
}

/** All mistakes as one error; a RunError is shown as its message alone, without a stack trace. */
export function refusal(problems: readonly string[]): pulumi.RunError {
  const [only = "", ...others] = problems;
  const heading = `this stack cannot come up as configured, for ${problems.length} reasons; nothing was changed:`;
  return new pulumi.RunError(
    others.length === 0 ? only : [heading, ...problems.map((problem) => `- ${problem}`)].join("\n"),
  );
}

/** Every value of this project's namespace, also those no setting asks for: an unknown key is a mistake to report. */
function readValues(prefix: string): Record<string, unknown> {
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return decodeValues(Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), text])));
}
