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
  return { ...config, ...(sshPrivateKey && { sshPrivateKey }), ...(caKeys && { caKeys }) };
}

/** What lies in the stack file for everybody to read, although it must not. */
function inClear(stack: pulumi.Config): readonly string[] {
  return (["sshPrivateKey", "caKeys"] as const)
    .filter((key) => stack.get(key) !== undefined && !pulumi.runtime.isConfigSecret(`${stack.name}:${key}`))
    .map(
      (key) =>
        `${key}: is in the stack file in clear text; make a new key, and set it with pulumi config set --secret ${SET[key]}.`,
    );
}
/** How each is set, after the option that encrypts it. */
const SET = {
  sshPrivateKey: "sshPrivateKey < KEYFILE",
  caKeys: "--path 'caKeys.client-2' < KEYFILE",
} as const;

/** Every value of this project's namespace, even those that no setting reads: an unknown key is a mistake to report. */
function readValues(prefix: string): Record<string, unknown> {
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return decodeValues(Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), text])));
}
