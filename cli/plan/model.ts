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
  | "reissue"
  | "restart"
  | "bootstrap"
  | "join"
  | "replace"
  | "rebuild"
  | "remove"
  | "restore"
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
  readonly step:
    | "machine"
    | "host"
    | "binaries"
    | "certificates"
    | "restore"
    | "halt"
    | "member"
    | "upkeep"
    | "connection";
  readonly from: string;
  readonly to: string;
}

/**
 * trust: CAs, host keys, ssh targets, the bastion, protection, the data of a restore. login: who gets in. archive: digests, mirrors, the proxy.
 * listener: addresses that etcd listens at. exposure: who may reach a machine, and what it may do. flag: of etcd. sandbox: of
 * its unit. allow: refusals that are overridden. names: what certificates are for, and for how long. image: of a machine.
 * access: who has a client certificate, and whose are refused; etcd's authentication, and what its users may do.
 */
export type SecurityKind =
  | "trust"
  | "login"
  | "archive"
  | "listener"
  | "exposure"
  | "flag"
  | "sandbox"
  | "allow"
  | "names"
  | "access"
  | "image";

/** What a reviewer must know even where no process is touched. */
export interface SecurityRow {
  readonly kind: SecurityKind;
  readonly what: string;
  /** Whose it is; none for the whole cluster. */
  readonly hosts: readonly string[];
  /** Before, and afterwards: "none" where there is none, "not shown" of a secret, "not recorded" by an older program. */
  readonly old: string;
  readonly new: string;
  /** What it comes to, where that is known; else empty. */
  readonly note: string;
}

export interface ClusterRow {
  readonly step:
    | "restore"
    | "version"
    | "ca"
    | "replace"
    | "before"
    | "membership"
    | "access"
    | "health"
    | "backup";
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
  /** What to look at first, and what a second approval is for. Nothing where nothing of it changes. */
  readonly security: readonly SecurityRow[];
  /** Changes of resources that no row above shows. */
  readonly others: readonly string[];
  readonly warnings: readonly string[];
  /** Why `up` would refuse; then nothing above it is planned. */
  readonly refusals: readonly string[];
  /** The certificate that expires first, of those not reissued; a CA may be. */
  readonly earliestExpiry: { readonly certificate: string; readonly expires: string } | null;
}
