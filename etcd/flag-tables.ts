/** etcd's flags by minor version, as far as they may be set: etcd does not start with a flag that it does not know. */

import type { KnownMinor } from "./releases.ts";

export type FlagKind = "boolean" | "integer" | "duration" | "text";
type Flags = Readonly<Record<FlagKind, readonly string[]>>;

/** In 3.5, 3.6 and 3.7 alike. */
const common: Flags = {
  boolean: [
    "enable-grpc-gateway",
    "enable-log-rotation",
    "enable-pprof",
    "initial-election-tick-advance",
    "pre-vote",
    "socket-reuse-address",
    "socket-reuse-port",
  ],
  integer: [
    "auth-token-ttl",
    "backend-batch-limit",
    "bcrypt-cost",
    "max-concurrent-streams",
    "max-request-bytes",
    "max-snapshots",
    "max-txn-ops",
    "max-wals",
  ],
  duration: [
    "backend-batch-interval",
    "grpc-keepalive-interval",
    "grpc-keepalive-min-time",
    "grpc-keepalive-timeout",
    "raft-read-timeout",
    "raft-write-timeout",
  ],
  text: [
    "auth-token",
    "backend-bbolt-freelist-type",
    "client-crl-file",
    "cors",
    "host-whitelist",
    "log-outputs",
    "log-rotation-config-json",
    "logger",
    "metrics",
    "peer-cert-allowed-cn",
    "peer-cert-allowed-hostname",
    "peer-crl-file",
    "tls-max-version",
  ],
};

/** New in 3.6; 3.7 added none. */
const since36: Flags = {
  boolean: ["enable-distributed-tracing", "memory-mlock"],
  integer: [
    "bootstrap-defrag-threshold-megabytes",
    "compaction-batch-limit",
    "distributed-tracing-sampling-rate",
    "max-learners",
    "snapshot-catchup-entries",
  ],
  duration: [
    "compact-hash-check-time",
    "compaction-sleep-interval",
    "corrupt-check-time",
    "downgrade-check-time",
    "warning-apply-duration",
    "warning-unary-request-duration",
    "watch-progress-notify-interval",
  ],
  text: [
    "distributed-tracing-address",
    "distributed-tracing-instance-id",
    "distributed-tracing-service-name",
    "feature-gates",
    "log-format",
  ],
};

/** 3.5's experimental flags that became features: their 3.6 form is a value of one flag. */
const gates: Readonly<Record<string, string>> = {
  "experimental-enable-lease-checkpoint": "LeaseCheckpoint",
  "experimental-enable-lease-checkpoint-persist": "LeaseCheckpointPersist",
  "experimental-stop-grpc-service-on-defrag": "StopGRPCServiceOnDefrag",
  "experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
};

/** Those of `since36` that 3.5 does not have in an experimental form. */
const without35 = ["feature-gates", "log-format", "max-learners", "warning-unary-request-duration"];

/**
 * Every experimental flag of 3.5 with its name from 3.6 on. 3.6 still knows the old names, but refuses some
 * together with their new form, and 3.7 does not start with them, so they are accepted for 3.5 only.
 */
export const experimentalFlags: Readonly<Record<string, { kind: FlagKind; replacement: string }>> =
  Object.fromEntries([
    ...Object.entries(gates).map(([flag, gate]) => [
      flag,
      { kind: "boolean", replacement: `feature-gates=${gate}=true` },
    ]),
    ...entries(since36)
      .filter(([flag]) => !without35.includes(flag))
      .map(([flag, kind]) => [`experimental-${flag}`, { kind, replacement: flag }]),
  ]);

function entries(flags: Flags): readonly (readonly [string, FlagKind])[] {
  const kinds: readonly FlagKind[] = ["boolean", "integer", "duration", "text"];
  return kinds.flatMap((kind) => flags[kind].map((flag) => [flag, kind] as const));
}

/** The flags of a minor version that may be set, and what kind of value each takes. */
export function flagsOf(minor: KnownMinor): ReadonlyMap<string, FlagKind> {
  const experimental = Object.entries(experimentalFlags).map(([flag, { kind }]) => [flag, kind] as const);
  return new Map([...entries(common), ...(minor === "3.5" ? experimental : entries(since36))]);
}

/** Flags that are a setting of this program. */
export const settingOfFlag: Readonly<Record<string, string>> = {
  name: "nodes",
  "data-dir": "dataDir",
  "listen-client-urls": "nodes",
  "listen-peer-urls": "nodes",
  "listen-metrics-urls": "metricsUrl",
  "advertise-client-urls": "nodes",
  "initial-advertise-peer-urls": "nodes",
  "initial-cluster": "nodes",
  "initial-cluster-token": "clusterName",
  "tls-min-version": "tlsMinVersion",
  "cipher-suites": "cipherSuites",
  "heartbeat-interval": "heartbeatInterval",
  "election-timeout": "electionTimeout",
  "quota-backend-bytes": "quotaBackendBytes",
  "auto-compaction-mode": "autoCompactionMode",
  "auto-compaction-retention": "autoCompactionRetention",
  "snapshot-count": "snapshotCount",
  "log-level": "logLevel",
};

const discovery = "members find each other by the declared nodes";
const removed = "etcd 3.6 removed it";
const proven = "the corruption checks are always on";
const certificates = "the program issues the certificates";
const everyPeer =
  "a peer's certificate would be accepted from any address, and each is issued for its own host";

/** Flags that etcd may know but that would undo what this program guarantees, and why. */
export const refusedFlags: Readonly<Record<string, string>> = {
  "config-file": "with a file etcd ignores every other flag",
  "wal-dir": "a member is kept from starting empty by the WAL in its data directory",
  "force-new-cluster": "it makes a member forget the others, and is only for a recovery by hand",
  "unsafe-no-fsync": "it loses acknowledged writes",
  "strict-reconfig-check": "without it a change of members could break the quorum",
  "auto-tls": certificates,
  "peer-auto-tls": certificates,
  "self-signed-cert-validity": certificates,
  "client-cert-file": certificates,
  "client-key-file": certificates,
  "peer-client-cert-file": certificates,
  "peer-client-key-file": certificates,
  "experimental-initial-corrupt-check": proven,
  "experimental-compact-hash-check-enabled": proven,
  "listen-client-http-urls":
    "the client port would no longer answer /version and /metrics, which every proof reads, and a URL with http opens all keys without a certificate",
  "client-cert-allowed-hostname":
    "the program's own client certificates, those of the operators, carry no host name and would be locked out",
  "peer-skip-client-san-verification": everyPeer,
  "experimental-peer-skip-client-san-verification": everyPeer,
  "v2-deprecation": "etcd 3.7 ignores it",
  version: "it only prints the version",
  ...Object.fromEntries(
    [
      "enable-v2",
      "experimental-enable-v2v3",
      "proxy",
      ...["dial-timeout", "failure-wait", "read-timeout", "refresh-interval", "write-timeout"].map(
        (name) => `proxy-${name}`,
      ),
    ].map((flag) => [flag, removed]),
  ),
  ...Object.fromEntries(
    [
      "discovery",
      ...[
        "cacert",
        "cert",
        "dial-timeout",
        "endpoints",
        "fallback",
        "insecure-skip-tls-verify",
        "insecure-transport",
      ].map((name) => `discovery-${name}`),
      ...[
        "keepalive-time",
        "keepalive-timeout",
        "key",
        "password",
        "proxy",
        "request-timeout",
        "srv",
        "srv-name",
        "token",
        "user",
      ].map((name) => `discovery-${name}`),
    ].map((flag) => [flag, discovery]),
  ),
};
