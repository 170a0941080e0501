/** The settings `version`, `sha256`, `mirror` and `proxy`: which etcd, and from where. */

import {
  type Architecture,
  type Digests,
  knownMinors,
  minorOf,
  parseVersion,
  releases,
} from "../etcd/releases.ts";
import { defaults } from "./defaults.ts";
import type { Release } from "./model.ts";
import { type Fields, show } from "./value.ts";

export const architectures: readonly Architecture[] = ["amd64", "arm64"];

export function parseRelease(top: Fields): Release {
  const version = top.text("version", defaults.version);
  const digests = { ...releases[version], ...parseDigests(top)[version] };
  const refused = refuseVersion(version);
  if (refused !== undefined) {
    top.problem("version", `${refused}.`);
  } else if (Object.keys(digests).length === 0) {
    top.problem(
      "version",
      `no sha256 is known for ${version}; npm run pin -- ${version} takes it from the release's SHA256SUMS.`,
    );
  }
  return { version, ...parseSource(top), sha256: digests };
}

/** Why this program cannot run a version at all, without the full stop; nothing if it can. */
export function refuseVersion(text: string): string | undefined {
  const version = parseVersion(text);
  if (version === undefined) {
    const remedy = text.startsWith("v") ? `leave out the v: ${text.slice(1)}` : "write it like 3.6.14";
    return `${show(text)} is not an etcd release; ${remedy}`;
  }
  if (knownMinors.some((known) => known === minorOf(version))) return undefined;
  const older = version.major < 3 || (version.major === 3 && version.minor < 5);
  const why = older
    ? "no longer gets security fixes"
    : `is newer than ${knownMinors.at(-1)}, the newest whose flags are known here`;
  return `etcd ${minorOf(version)} ${why}; use one of ${knownMinors.join(", ")}`;
}

/** Where releases are downloaded from. */
export function parseSource(top: Fields): Pick<Release, "mirror" | "proxy"> {
  return { mirror: parseMirror(top), proxy: parseProxy(top) };
}

/** `sha256` by version: extends the table of known releases, and overrides it for archives built elsewhere. */
export function parseDigests(top: Fields): Readonly<Record<string, Digests>> {
  const byVersion = top.object("sha256");
  const result: Record<string, Digests> = {};
  for (const version of byVersion.keys()) {
    if (parseVersion(version) === undefined) {
      byVersion.problem(version, `${show(version)} is not an etcd release; write the key like "3.6.14".`);
      continue;
    }
    const fields = byVersion.object(version);
    fields.refuseUnknown(architectures);
    result[version] = parseArchitectures(fields);
  }
  return result;
}

function parseArchitectures(fields: Fields): Digests {
  const digests: Partial<Record<Architecture, string>> = {};
  for (const architecture of architectures) {
    const digest = fields.text(architecture, "").toLowerCase();
    if (/^[0-9a-f]{64}$/.test(digest)) digests[architecture] = digest;
    else if (digest !== "") {
      fields.problem(architecture, `must be 64 hexadecimal digits (it has ${digest.length} characters).`);
    }
  }
  return digests;
}

function parseMirror(top: Fields): string {
  return parseUrl(top, "mirror", defaults.mirror, ["https:", "http:"]).replace(/\/+$/, "");
}

function parseProxy(top: Fields): string {
  return top.text("proxy", "") === ""
    ? ""
    : parseUrl(top, "proxy", "", ["http:", "https:", "socks5:", "socks5h:"]);
}

/** These URLs are visible in previews and in the hosts' process lists, so they may carry no password. */
function parseUrl(top: Fields, key: string, fallback: string, protocols: readonly string[]): string {
  const text = top.text(key, fallback);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !protocols.includes(url.protocol) ||
    url.hostname === "" ||
    /[\s\p{C}'"\\`$]/u.test(text)
  ) {
    top.problem(key, `${show(text)} is not the URL of a server; write it like ${protocols[0]}//host.`);
  } else if (url.username !== "" || url.password !== "") {
    top.problem(
      key,
      "contains a user or password, which every preview would show; use a server that needs none.",
    );
  } else if (url.search !== "" || url.hash !== "") {
    top.problem(key, `${show(text)} has a ? or # part; give only the folder's URL.`);
  }
  return text;
}
