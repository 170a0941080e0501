/**
 * Every flag that `extraFlags` accepts, with values to start an etcd with: a usual one, and the least or most unusual one
 * that is accepted. Many together make a group, so that all of them take a few restarts.
 */

import { flagsOf } from "../../etcd/flag-tables.ts";
import { featureGatesOf, withoutExperimental } from "../../etcd/flag-values.ts";
import type { KnownMinor } from "../../etcd/releases.ts";

export type Flags = Readonly<Record<string, string | number | boolean>>;

export const LOG_FOLDER = "/var/log/etcd";
export const REVOKED = "/etc/etcd/revoked.crl";
export const TOKEN_KEY = "/etc/etcd/token";
const NOBODY_LISTENS = "127.0.0.1:4317";

/** By their name from 3.6 on. */
const values: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  "auth-token": [
    `jwt,pub-key=${TOKEN_KEY}.pub,priv-key=${TOKEN_KEY}.key,sign-method=RS256,ttl=10m`,
    "simple",
  ],
  "auth-token-ttl": [600, 1],
  "backend-batch-interval": ["10s", "1ms"],
  "backend-batch-limit": [100_000, 1],
  "backend-bbolt-freelist-type": ["array", "map"],
  "bcrypt-cost": [12, 4],
  "bootstrap-defrag-threshold-megabytes": [100, 1],
  "client-crl-file": [REVOKED],
  "compact-hash-check-time": ["5m", "1s"],
  "compaction-batch-limit": [100, 1],
  "compaction-sleep-interval": ["1s", "0"],
  "corrupt-check-time": ["4h", "1m"],
  cors: ["https://ui.example.com:443,http://127.0.0.1:8080", "*"],
  "distributed-tracing-instance-id": ["node"],
  "distributed-tracing-service-name": ["etcd-production"],
  "downgrade-check-time": ["30s", "1s"],
  "enable-grpc-gateway": [false],
  "enable-lease-checkpoint": [true],
  "enable-pprof": [true],
  "grpc-keepalive-interval": ["0", "1s"],
  "grpc-keepalive-min-time": ["1s", "1h"],
  "grpc-keepalive-timeout": ["0", "1s"],
  "host-whitelist": ["example.com"],
  "initial-election-tick-advance": [false],
  "log-format": ["console"],
  "log-outputs": ["stderr", "systemd/journal"],
  logger: ["zap"],
  "max-concurrent-streams": [1000, 10],
  "max-learners": [3, 1],
  "max-request-bytes": [10_485_760, 65_536],
  "max-snapshots": [0, 1],
  "max-txn-ops": [10_000, 16],
  "max-wals": [0, 1],
  "memory-mlock": [true],
  metrics: ["extensive"],
  "peer-cert-allowed-cn": ["node1,node2,node3"],
  "peer-cert-allowed-hostname": ["node1,192.168.1.102,node3"],
  "peer-crl-file": [REVOKED],
  "pre-vote": [false],
  "raft-read-timeout": ["10s"],
  "raft-write-timeout": ["10s"],
  "snapshot-catchup-entries": [100, 0],
  "socket-reuse-address": [true],
  "socket-reuse-port": [true],
  "stop-grpc-service-on-defrag": [true],
  "tls-max-version": ["TLS1.2"],
  "txn-mode-write-with-shared-buffer": [false],
  "warning-apply-duration": ["1s", "0"],
  "warning-unary-request-duration": ["1s", "0"],
  "watch-progress-notify-interval": ["1m", "100ms"],
};

/** Flags that need another one beside them; by their name from 3.6 on, too. */
const together: readonly Flags[] = [
  {
    "log-outputs": `${LOG_FOLDER}/etcd.log`,
    "enable-log-rotation": true,
    "log-rotation-config-json": '{"maxsize":10,"maxbackups":2,"compress":true}',
  },
  {
    "enable-distributed-tracing": true,
    "distributed-tracing-address": NOBODY_LISTENS,
    "distributed-tracing-sampling-rate": 1_000_000,
  },
  { "enable-lease-checkpoint": true, "enable-lease-checkpoint-persist": true },
];

/** etcd takes either of them. */
const EXCLUSIVE = ["peer-cert-allowed-cn", "peer-cert-allowed-hostname"];

/** As many flags as are tried at once: few restarts for all, and few suspects where one fails. */
const GROUP = 12;

export function casesOf(minor: KnownMinor): readonly Flags[] {
  const names = [...flagsOf(minor).keys()];
  const nameOf = (flag: string) => names.find((name) => withoutExperimental(name) === flag);
  const gates = featureGatesOf(minor);
  const alone = Object.entries(values).flatMap(([flag, all]) =>
    all.map((value): Flags => ({ [flag]: value })),
  );
  const known = [...together, ...alone].flatMap((flags): readonly Flags[] => {
    const renamed = Object.entries(flags).map(([flag, value]) => [nameOf(flag), value] as const);
    return renamed.some(([name]) => name === undefined) ? [] : [Object.fromEntries(renamed)];
  });
  const switched = [true, false].map(
    (on): Flags => ({ "feature-gates": gates.map((gate) => `${gate}=${on}`).join() }),
  );
  return gates.length === 0 ? known : [...known, ...switched];
}

/** All cases of a minor, each in one group. */
export function groupsOf(minor: KnownMinor): readonly Flags[] {
  const groups: Flags[] = [];
  for (const flags of casesOf(minor)) {
    const place = groups.findIndex((group) => Object.keys(group).length < GROUP && fits(group, flags));
    groups[place < 0 ? groups.length : place] = { ...groups[place], ...flags };
  }
  return groups;
}

function fits(group: Flags, flags: Flags): boolean {
  const both = [...Object.keys(group), ...Object.keys(flags)];
  return new Set(both).size === both.length && !EXCLUSIVE.every((flag) => both.includes(flag));
}
