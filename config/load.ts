/** The only reader of the stack's configuration: one typed, validated, readonly object, or all mistakes together. */

import { readFileSync } from "node:fs";
import process from "node:process";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig } from "./model.ts";
import { decodeValues, parseConfig } from "./parse.ts";
import { refusal } from "./refusal.ts";

/** Secrets stay outputs and never enter the plain object. */
interface Secrets {
  readonly sshPrivateKey?: pulumi.Output<string>;
  /** By the CA's name in `givenCas`. */
  readonly caKeys?: pulumi.Output<Readonly<Record<string, string>>>;
  /** What decrypts snapshots, only while one is restored. */
  readonly backupIdentity?: pulumi.Output<string>;
  /** `ID:SECRET` of the store. */
  readonly backupAccessKey?: pulumi.Output<string>;
}

/** The configuration of the running stack. */
export function loadConfig(): ClusterConfig & Secrets {
  const stack = new pulumi.Config();
  const { config, problems, warnings } = parseConfig(readValues(`${stack.name}:`), (path) =>
    readFileSync(path, "utf8"),
  );
  const all = [...problems, ...inClear(stack)];
  if (config === undefined || all.length > 0) throw refusal(all);
  for (const warning of warnings) void pulumi.log.warn(warning);
  const sshPrivateKey = stack.getSecret("sshPrivateKey");
  const caKeys = stack.getSecretObject<Readonly<Record<string, string>>>("caKeys");
  const backupIdentity = stack.getSecret("backupIdentity");
  const backupAccessKey = stack.getSecret("backupAccessKey");
  return {
    ...config,
    ...(sshPrivateKey && { sshPrivateKey }),
    ...(caKeys && { caKeys }),
    ...(backupIdentity && { backupIdentity }),
    ...(backupAccessKey && { backupAccessKey }),
  };
}

/** What lies in the stack file for everybody to read. Which keys are secret the engine says only so: the SDK has no call for it. */
function inClear(
  stack: pulumi.Config,
  secretKeys = process.env.PULUMI_CONFIG_SECRET_KEYS,
): readonly string[] {
  if (secretKeys === undefined) return []; // not started by the engine
  const secret: unknown = JSON.parse(secretKeys);
  return (["sshPrivateKey", "caKeys", "backupAccessKey", "backupIdentity"] as const)
    .filter((key) => stack.get(key) !== undefined)
    .filter((key) => !(Array.isArray(secret) && secret.includes(`${stack.name}:${key}`)))
    .map(
      (key) =>
        `${key}: is in the stack file in clear text; make a new key, and set it with pulumi config set --secret ${SET[key]}.`,
    );
}
/** How each is set, after the option that encrypts it. */
const SET = {
  sshPrivateKey: "sshPrivateKey < KEYFILE",
  caKeys: "--path 'caKeys.client-2' < KEYFILE",
  backupAccessKey: "backupAccessKey < KEYFILE",
  backupIdentity: "backupIdentity < KEYFILE",
} as const;

/** Every value of this project's namespace, even those that no setting reads: an unknown key is a mistake to report. */
function readValues(prefix: string): Record<string, unknown> {
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return decodeValues(Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), text])));
}
