/** The only reader of the stack's configuration: one typed, validated, readonly object, or all mistakes together. */

import { readFileSync } from "node:fs";
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
  if (config === undefined) throw refusal(problems);
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

/** Every value of this project's namespace, even those that no setting reads: an unknown key is a mistake to report. */
function readValues(prefix: string): Record<string, unknown> {
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return decodeValues(Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), text])));
}
