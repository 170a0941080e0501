/** The setting `allow`: refusals that can be overridden by name, one by one. Host keys cannot. */

import { BELOW_FLOOR } from "../etcd/releases.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type Fields, show } from "./value.ts";

/**
 * Who reads each word. A word is sent only to where it is read, so that adding one runs nothing again that does not
 * know it.
 */
const readers = {
  [BELOW_FLOOR]: "members", // read by this program; in the texts of steps since its first release
  "two-node-restart": "members",
  "nospace-alarm": "members",
  downgrade: "members",
  "expired-ca": "members", // where a CA has ended, members restart without a proof
  "restore-healthy-cluster": "restore",
  "foreign-snapshot": "program", // of a cluster with another token
  "foreign-etcd": "host",
  "foreign-archive": "program", // another sha256 for a release that this program knows
  "gone-instances": "program",
} as const satisfies Record<string, Reader>;

/** The steps of the members and of the cluster; those of a restore; the first step of a host; nothing but this program. */
type Reader = "members" | "restore" | "host" | "program";

const words = Object.entries(readers);

export function parseAllow(top: Fields): readonly string[] {
  const allow = top.texts("allow", []);
  const known = words.map(([word]) => word);
  allow.forEach((name, index) => {
    if (known.includes(name)) return;
    const help = didYouMean(name, known) || `; choose from ${known.join(", ")}`;
    top.problem(`allow[${index}]`, `${show(name)} is not an override${help}.`);
  });
  return allow;
}

/** The words of `allow` that these steps read, as they are sent: in the order of the setting. */
export function allowedFor(reader: Exclude<Reader, "program">, allow: readonly string[]): string {
  const read = words.filter(([, by]) => by === reader).map(([word]) => word);
  return allow.filter((word) => read.includes(word)).join(" ");
}
