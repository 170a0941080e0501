/** The setting `extraFlags`: etcd flags that have no setting of their own. */

import {
  experimentalFlags,
  type FlagKind,
  flagsOf,
  refusedFlags,
  settingOfFlag,
} from "../etcd/flag-tables.ts";
import { type KnownMinor, knownMinors, minorOf, parseVersion } from "../etcd/releases.ts";
import { OWNED_FLAGS } from "../host/unit.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type Fields, show } from "./value.ts";

export function parseExtraFlags(top: Fields, version: string): Readonly<Record<string, string>> {
  const extraFlags = top.object("extraFlags");
  const parsed = parseVersion(version);
  const minor = knownMinors.find((known) => parsed !== undefined && known === minorOf(parsed));
  const result: Record<string, string> = {};
  for (const flag of extraFlags.keys()) {
    const refusal = refuseAlways(flag) ?? (minor && refuseUnknown(flag, minor));
    if (refusal !== undefined) extraFlags.problem(flag, `${refusal}.`);
    else result[flag] = parseValue(extraFlags, flag, minor);
  }
  return result;
}

function refuseAlways(flag: string): string | undefined {
  if (flag.startsWith("-")) return `write the flag without hyphens in front: ${flag.replace(/^-+/, "")}`;
  const setting = settingOfFlag[flag];
  if (setting !== undefined) return `this flag is set by ${setting}; use that`;
  const refused = refusedFlags[flag];
  if (refused !== undefined) return `this flag cannot be set here: ${refused}`;
  return OWNED_FLAGS.includes(flag) ? "this flag is set by the program itself; leave it out" : undefined;
}

/** etcd does not start with a flag that it does not know. */
function refuseUnknown(flag: string, minor: KnownMinor): string | undefined {
  const flags = flagsOf(minor);
  if (flags.has(flag)) return undefined;
  const otherName =
    experimentalFlags[flag]?.replacement ??
    Object.keys(experimentalFlags).find((name) => experimentalFlags[name]?.replacement === flag);
  if (otherName !== undefined) return `etcd ${minor} calls this flag ${otherName}; use that`;
  return `etcd ${minor} has no such flag${didYouMean(flag, [...flags.keys(), ...Object.keys(settingOfFlag)])}`;
}

const kinds: Readonly<Record<FlagKind, { pattern: RegExp; example: string }>> = {
  boolean: { pattern: /^(true|false)$/, example: "true or false" },
  integer: { pattern: /^\d+$/, example: "a whole number" },
  duration: { pattern: /^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/, example: 'a duration like "10s"' },
  // A line break would end the line of the systemd unit.
  text: { pattern: /^\P{Cc}*$/u, example: "text on one line" },
};

function parseValue(extraFlags: Fields, flag: string, minor: KnownMinor | undefined): string {
  const value = extraFlags.get(flag);
  const kind = kinds[(minor && flagsOf(minor).get(flag)) ?? "text"];
  const text =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? `${value}`
      : undefined;
  if (text === undefined || !kind.pattern.test(text)) {
    extraFlags.problem(flag, `must be ${kind.example}, not ${show(value)}.`);
  }
  return text ?? "";
}
