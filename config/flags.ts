/** The setting `extraFlags`: etcd flags that have no setting of their own. */

import { experimentalFlags, flagsOf, refusedFlags, settingOfFlag } from "../etcd/flag-tables.ts";
import { type KnownMinor, knownMinors, minorOf, parseVersion } from "../etcd/releases.ts";
import { OWNED_FLAGS } from "../host/unit.ts";
import { didYouMean } from "./did-you-mean.ts";
import { parseValue } from "./flag-values.ts";
import { checkTogether, type FlagSurroundings } from "./flags-together.ts";
import type { Fields } from "./value.ts";

export function parseExtraFlags(
  top: Fields,
  version: string,
  surroundings: FlagSurroundings,
): Readonly<Record<string, string>> {
  const extraFlags = top.object("extraFlags");
  const parsed = parseVersion(version);
  const minor = knownMinors.find((known) => parsed !== undefined && known === minorOf(parsed));
  const result: Record<string, string> = {};
  for (const flag of extraFlags.keys()) {
    const refusal = refuseAlways(flag) ?? (minor && refuseUnknown(flag, minor));
    if (refusal !== undefined) extraFlags.problem(flag, `${refusal}.`);
    else result[flag] = parseValue(extraFlags, flag, minor);
  }
  checkTogether(extraFlags, result, surroundings);
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
