/** The plan of an `up`, as `npm run plan --json` prints it. docs/plan.schema.json says what each field means. */

import type { Selection } from "./selection.ts";

/** Raised when a field is removed or means something else. */
export const SCHEMA = 2;

export type Action =
  | "nothing"
  | "prepare"
  | "repeat"
  | "compare"
  | "renew"
  | "restart"
  | "bootstrap"
  | "join"
  | "replace"
  | "rebuild"
  | "remove"
  | "inert";

export interface HostRow {
  /** Place in the rollout, from 1; null for a host that is not in it. */
  readonly order: number | null;
  readonly name: string;
  readonly address: string;
  readonly action: Action;
  readonly why: readonly string[];
  /** Lines of the systemd unit that change, with `-` and `+`. */
  readonly unit: readonly string[];
  /** Leaf certificates that are reissued, by role. */
  readonly certificates: readonly string[];
  /** Steps and keys that are replaced although nothing of them changes, or are not in the state: they are made again. */
  readonly replaced: readonly string[];
  /** What the host's steps come from and go to: an approval is for both. */
  readonly steps: readonly StepDigest[];
}

/** Digests of a step's texts without secrets; empty where there is none, and with a leading "~" where a part is not known yet. */
export interface StepDigest {
  readonly step: "machine" | "host" | "binaries" | "certificates" | "member" | "connection";
  readonly from: string;
  readonly to: string;
}

export interface ClusterRow {
  readonly step: "version" | "ca" | "replace" | "before" | "membership" | "health";
  readonly text: string;
}

export type Verdict = "nothing" | "safe" | "outage" | "refused";

export interface Plan {
  readonly schema: typeof SCHEMA;
  readonly project: string;
  readonly stack: string;
  /** What is replaced, changed alone or left out because the operator named it. */
  readonly selection: Selection;
  readonly verdict: Verdict;
  /** One line: what happens, and whether it is safe. */
  readonly headline: string;
  /** Members that are restarted, one at a time. */
  readonly restarts: number;
  readonly hosts: readonly HostRow[];
  readonly cluster: readonly ClusterRow[];
  /** Changes of resources that no row above shows. */
  readonly others: readonly string[];
  readonly warnings: readonly string[];
  /** Why `up` would refuse; then nothing above it is planned. */
  readonly refusals: readonly string[];
  /** The certificate that expires first, of those not reissued; a CA may be. */
  readonly earliestExpiry: { readonly certificate: string; readonly expires: string } | null;
}
