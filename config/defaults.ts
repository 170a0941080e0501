import { METRICS_PORT } from "../etcd/ports.ts";

/**
 * The defaults of every top-level setting. Pulumi.yaml declares the same ones, for `pulumi config` and for
 * readers; they are needed here too because a partly given object replaces the whole default there.
 */
export const defaults = {
  target: "ssh",
  aws: {},
  version: "3.6.14",
  sha256: {},
  mirror: "https://github.com/etcd-io/etcd/releases/download",
  proxy: "",
  ssh: { user: "root" },
  clusterName: "etcd-cluster-1",
  dataDir: "/var/lib/etcd",
  heartbeatInterval: 100,
  electionTimeout: 1000,
  quotaBackendBytes: 2 * 1024 ** 3,
  autoCompactionMode: "periodic",
  autoCompactionRetention: "1h",
  snapshotCount: 10000,
  logLevel: "info",
  tlsMinVersion: "TLS1.2",
  cipherSuites: [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  ],
  extraFlags: {},
  unit: {},
  keyAlgorithm: "ECDSA-P256",
  caValidityDays: 1825,
  caRenewBeforeDays: 0,
  leafValidityDays: 365,
  renewBeforeDays: 60,
  clientCa: [1],
  peerCa: [1],
  givenCas: {},
  names: [],
  clients: [],
  revocation: false,
  backup: { directory: "" }, // apart from {}, which is on
  maintenance: { defragment: "off" },
  restore: {},
  protect: true,
  metricsUrl: `http://127.0.0.1:${METRICS_PORT}`,
  rolloutOrder: [],
  checkId: 0,
  allow: [],
} as const;

/**
 * Settings without a default: `nodes` must be given; secrets, and `rbac` of which neither value is the default, cannot
 * be declared as optional in Pulumi.yaml.
 */
export const undefaulted = [
  "backupAccessKey",
  "backupIdentity",
  "caKeys",
  "nodes",
  "rbac",
  "sshPrivateKey",
] as const;

/** What is not said of a schedule that is on: `backup: {}` and `maintenance: {}`. */
export const schedules = {
  backup: { interval: "1h", keep: 24, reserveMiB: 1024 },
  maintenance: { defragment: "weekly", freeMiB: 100, freePercent: 45 },
} as const;
