/** The value of one of `extraFlags`. */

import { type FlagKind, flagsOf } from "../etcd/flag-tables.ts";
import {
  choices,
  durationRules,
  featureGatesOf,
  fileFlags,
  integerRules,
  LARGEST_INTEGER,
  withoutExperimental,
} from "../etcd/flag-values.ts";
import type { KnownMinor } from "../etcd/releases.ts";
import { isRecord } from "../lib/json.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type Fields, show } from "./value.ts";

const kinds: Readonly<Record<FlagKind, { pattern: RegExp; example: string }>> = {
  boolean: { pattern: /^(true|false)$/, example: "true or false" },
  integer: { pattern: /^\d+$/, example: "a whole number" },
  duration: { pattern: /^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/, example: 'a duration like "10s"' },
  // A line break would end the line of the systemd unit.
  text: { pattern: /^\P{Cc}+$/u, example: "text on one line" },
};

/** Why a text is no value of this flag, as the rest of a sentence. */
type Refusal = string | undefined;

export function parseValue(extraFlags: Fields, flag: string, minor: KnownMinor | undefined): string {
  const value = extraFlags.get(flag);
  const name = (minor && flagsOf(minor).get(flag)) ?? "text";
  const kind = kinds[name];
  const text =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? `${value}`
      : undefined;
  if (text === undefined || !kind.pattern.test(text)) {
    extraFlags.problem(flag, `must be ${kind.example}, not ${show(value)}.`);
    return "";
  }
  const refusal = refuse[name](withoutExperimental(flag), text, minor);
  if (refusal !== undefined) extraFlags.problem(flag, `${refusal}.`);
  return text;
}

const refuse: Readonly<
  Record<FlagKind, (flag: string, text: string, minor: KnownMinor | undefined) => Refusal>
> = {
  boolean: () => undefined,
  integer: refuseInteger,
  duration: refuseDuration,
  text: (flag, text, minor) => refuseChoice(flag, text) ?? textRules[flag]?.(text, minor),
};

function refuseInteger(flag: string, text: string): Refusal {
  const { min = 0, max = LARGEST_INTEGER, why = "" } = integerRules[flag] ?? {};
  return refuseBeyond(Number(text), text, min, max, (limit) => `${limit}`, why);
}

function refuseDuration(flag: string, text: string): Refusal {
  const rule = durationRules[flag];
  const ms = milliseconds(text);
  if (rule === undefined || (rule.zero && ms === 0)) return undefined;
  const { min = 0, max = Number.POSITIVE_INFINITY, why } = rule;
  return refuseBeyond(ms, text, min, max, (limit) => (limit < 1000 ? `${limit}ms` : `${limit / 1000}s`), why);
}

function refuseBeyond(
  value: number,
  text: string,
  min: number,
  max: number,
  write: (limit: number) => string,
  why: string,
): Refusal {
  if (value >= min && value <= max) return undefined;
  const limit = value < min ? `less than ${write(min)}` : `more than ${write(max)}`;
  return `${text} is ${limit}, the limit here${why === "" ? "" : `: ${why}`}`;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

function milliseconds(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)];
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
}

function refuseChoice(flag: string, text: string): Refusal {
  const known = choices[flag];
  if (known === undefined || known.includes(text)) return undefined;
  return `${show(text)} is not one of ${known.join(", ")}${didYouMean(text, known)}`;
}

const textRules: Readonly<Record<string, (text: string, minor: KnownMinor | undefined) => Refusal>> = {
  "auth-token": refuseToken,
  cors: (text) =>
    text.split(",").every(isOrigin)
      ? undefined
      : `${show(text)} is not "*" or a list of origins; write one like "https://ui.example.com:443"`,
  "distributed-tracing-address": (text) =>
    /^[^\s/]+:\d{1,5}$/.test(text)
      ? undefined
      : `${show(text)} is not a host and a port; write it like "localhost:4317"`,
  "feature-gates": refuseGates,
  "log-rotation-config-json": refuseRotation,
  ...Object.fromEntries(fileFlags.map((flag) => [flag, refuseFile])),
};

/** The folders that the unit's sandbox hides, or has its own of. */
const hiddenTrees = ["/home/", "/root/", "/tmp/", "/var/tmp/", "/run/user/"];

function refuseFile(text: string): Refusal {
  if (!/^(\/[A-Za-z0-9._-]+)+$/.test(text)) {
    return `${show(text)} is not the path of a file; write it like "/etc/etcd/revoked.crl"`;
  }
  const hidden = hiddenTrees.find((tree) => text.startsWith(tree));
  return hidden === undefined
    ? undefined
    : `etcd cannot see ${hidden} from its sandbox; keep the file elsewhere`;
}

/** Its kind and its files; which key goes with which method is for etcd to say. */
function refuseToken(text: string): Refusal {
  const [kind, ...options] = text.split(",");
  if (kind !== "simple" && kind !== "jwt") return `${show(text)} begins with neither "simple" nor "jwt"`;
  if (kind === "jwt" && !options.some((option) => option.startsWith("sign-method="))) {
    return "jwt needs a sign-method, like sign-method=RS256";
  }
  const files = options.flatMap((option) => /^(?:pub|priv)-key=(.*)$/.exec(option)?.[1] ?? []);
  return files.map(refuseFile).find((refusal) => refusal !== undefined);
}

function isOrigin(text: string): boolean {
  return text === "*" || /^https?:\/\/[^\s/:]+:\d{1,5}$/.test(text);
}

function refuseGates(text: string, minor: KnownMinor | undefined): Refusal {
  if (minor === undefined) return undefined;
  const known = featureGatesOf(minor);
  for (const gate of text.split(",")) {
    const [name = "", value] = gate.split("=");
    if (!known.includes(name)) {
      return `etcd ${minor} has no feature gate ${show(name)}${didYouMean(name, known) || `; choose from ${known.join(", ")}`}`;
    }
    if (value !== "true" && value !== "false") return `write each gate like ${name}=true`;
  }
  const on = new Set(text.split(","));
  return on.has("LeaseCheckpointPersist=true") && !on.has("LeaseCheckpoint=true")
    ? "LeaseCheckpointPersist needs LeaseCheckpoint=true beside it"
    : undefined;
}

const rotationKeys: Readonly<Record<string, "number" | "boolean">> = {
  maxsize: "number",
  maxage: "number",
  maxbackups: "number",
  localtime: "boolean",
  compress: "boolean",
};

function refuseRotation(text: string): Refusal {
  const example = 'write it like {"maxsize":100,"maxbackups":5}';
  const value = parseJson(text);
  if (!isRecord(value)) return `${show(text)} is not a JSON object; ${example}`;
  for (const [key, setting] of Object.entries(value)) {
    const type = rotationKeys[key];
    if (type === undefined)
      return `there is no ${show(key)} in it; choose from ${Object.keys(rotationKeys).join(", ")}`;
    if (
      typeof setting !== type ||
      (typeof setting === "number" && !(Number.isSafeInteger(setting) && setting >= 0))
    ) {
      return `${key} must be a ${type}, not ${show(setting)}; ${example}`;
    }
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
