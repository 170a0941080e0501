/** Rule for secrets: what must be encrypted in the state. */

import { type ResourceValidationPolicy, Secret, unknownCheckingProxy } from "@pulumi/policy";
import { at, UNKNOWN } from "./read.ts";

/** Inputs that hold a secret whatever it looks like: those of ssh connections and of certificates. */
const SECRET_INPUTS: ReadonlySet<string> = new Set([
  "password",
  "privateKey",
  "privateKeyPassword",
  "privateKeyPem",
  "caPrivateKeyPem",
]);
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** The inputs of each resource that hold secrets in the clear, found before it is validated. */
const inTheClear = new Map<string, readonly string[]>();

/**
 * Validations get secrets unwrapped and cannot tell them from plain values; only remediations can. So the remediation
 * checks, without changing anything, and the validation reports. That is why the level is `remediate`, which for a
 * violation is the same as mandatory. At any other level nothing was checked, and the rule says so where it matters.
 */
export const secretsAreSecret: ResourceValidationPolicy = {
  name: "secrets-are-secret",
  description: "Private keys and passwords are secrets.",
  enforcementLevel: "remediate",
  remediateResource: ({ urn, props }) => {
    inTheClear.set(urn, findPlain(rawEntries(props)));
  },
  validateResource: ({ urn, props }, report) => {
    const found = inTheClear.get(urn);
    for (const path of found ?? [])
      report(
        `Its input ${path} holds a private key or a password in the clear: wrap it with pulumi.secret().`,
      );
    if (found === undefined && findPlain(rawEntries(props)).length > 0)
      report(
        "Whether its keys are secrets can be checked only at the level remediate: set that, or disabled.",
      );
  },
};

/** Paths of what is secret by its name or by its content, and is not wrapped as a secret. */
function findPlain(entries: readonly (readonly [string, unknown])[]): readonly string[] {
  return entries.flatMap(([key, value]) => {
    if (typeof value === "string") return isSecretText(key, value) ? [key] : [];
    if (typeof value !== "object" || value === null || value instanceof Secret) return [];
    return findPlain(rawEntries(value)).map((path) => `${key}.${path}`);
  });
}

function isSecretText(key: string, value: string): boolean {
  return PRIVATE_KEY.test(value) || (SECRET_INPUTS.has(key) && value !== "" && !isUnknown(value));
}

/** The values as they are: reading them one by one would unwrap secrets, and throw where one is unknown. */
function rawEntries(value: object): (readonly [string, unknown])[] {
  return Object.entries(Object.getOwnPropertyDescriptors(value)).map(([key, own]) => [key, own.value]);
}

function isUnknown(value: string): boolean {
  return at(unknownCheckingProxy({ value }), "value") === UNKNOWN;
}
