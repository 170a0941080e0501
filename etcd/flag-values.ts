/**
 * What a flag's value may be. A value that etcd refuses, changes in silence, or that takes from `etcd-host` what it asks
 * with (its lock, its records, its joins) is a mistake that is better found before a member is touched.
 */

import type { KnownMinor } from "./releases.ts";

interface NumberRule {
  readonly min?: number;
  readonly max?: number;
  /** Why not beyond it, as the end of a sentence. */
  readonly why: string;
}

export const LARGEST_INTEGER = 2 ** 31 - 1;

export const integerRules: Readonly<Record<string, NumberRule>> = {
  "auth-token-ttl": { min: 1, why: "tokens would have no lifetime" },
  "bcrypt-cost": { min: 4, max: 20, why: "bcrypt has no cost below 4, and above 20 a login takes minutes" },
  "distributed-tracing-sampling-rate": { max: 1_000_000, why: "it is a number of samples in a million" },
  "max-concurrent-streams": { min: 10, why: "etcd-host's lock keeps streams open beside its questions" },
  "max-learners": { min: 1, why: "every new member joins as a learner" },
  "max-request-bytes": { min: 65_536, why: "etcd-host writes its records with requests" },
  "max-txn-ops": { min: 16, why: "etcd-host's lock and its records are transactions" },
};

/** In milliseconds. */
interface DurationRule extends NumberRule {
  /** Whether 0 is no duration, but turns it off or means etcd's default. */
  readonly zero?: true;
}

export const durationRules: Readonly<Record<string, DurationRule>> = {
  "backend-batch-interval": { zero: true, min: 1, why: "etcd would do nothing but commit" },
  "compact-hash-check-time": { min: 1000, why: "every check asks all members" },
  "corrupt-check-time": { zero: true, min: 60_000, why: "every check reads the whole database" },
  "downgrade-check-time": { min: 1000, max: 30_000, why: "the end of a downgrade is waited for" },
  "grpc-keepalive-interval": { zero: true, min: 1000, why: "gRPC has no shorter one" },
  "grpc-keepalive-timeout": { zero: true, min: 1000, why: "slow clients would be cut off" },
  "raft-read-timeout": { min: 5000, why: "etcd raises it to 5s" },
  "raft-write-timeout": { min: 5000, why: "etcd raises it to 5s" },
};

export const choices: Readonly<Record<string, readonly string[]>> = {
  "backend-bbolt-freelist-type": ["array", "map"],
  "log-format": ["json", "console"],
  logger: ["zap"],
  metrics: ["basic", "extensive"],
  "tls-max-version": ["TLS1.2", "TLS1.3"],
};

/** Flags that name one file on the hosts. */
export const fileFlags: readonly string[] = ["client-crl-file", "peer-crl-file"];

/** By minor: 3.5 has none. */
export function featureGatesOf(minor: KnownMinor): readonly string[] {
  const since36 = [
    "CompactHashCheck",
    "InitialCorruptCheck",
    "LeaseCheckpoint",
    "LeaseCheckpointPersist",
    "SetMemberLocalAddr",
    "StopGRPCServiceOnDefrag",
    "TxnModeWriteWithSharedBuffer",
  ];
  if (minor === "3.5") return [];
  return minor === "3.6" ? since36 : [...since36, "FastLeaseKeepAlive", "PriorityRequest"];
}

/** A rule of 3.5's experimental flag is that of its later name. */
export function withoutExperimental(flag: string): string {
  return flag.replace(/^experimental-/, "");
}
