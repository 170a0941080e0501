/** The systemd unit of a member: plain data in, text out. A reviewer of a preview reads this text line by line. */

import { BOOTSTRAP_FILE, BOOTSTRAP_PERMIT, OPT_DIR, PKI_DIR, PROGRAM } from "./paths.ts";
import { quoteUnitArgument } from "./quote.ts";

/** What one member's unit is made of. */
export interface UnitSpec {
  readonly name: string;
  readonly version: string;
  readonly dataDir: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
  readonly listenPeerUrl: string;
  readonly listenClientUrls: readonly string[];
  /** What etcd has no business with. @default none */
  readonly deniedAddresses?: readonly string[];
  /** How many certificates of whom it refuses. @default it refuses none that the client CA has signed */
  readonly revoked?: readonly { readonly name: string; readonly serials: readonly string[] }[];
  readonly settings: UnitSettings;
}

/** The part of the configuration that becomes flags. Times in milliseconds, sizes in bytes. */
export interface UnitSettings {
  readonly heartbeatInterval: number;
  readonly electionTimeout: number;
  readonly quotaBackendBytes: number;
  readonly autoCompactionMode: string;
  readonly autoCompactionRetention: string;
  readonly snapshotCount: number;
  readonly logLevel: string;
  readonly tlsMinVersion: string;
  readonly cipherSuites: readonly string[];
  readonly metricsUrl: string;
  readonly extraFlags: Readonly<Record<string, string>>;
  readonly service: ServiceSettings;
}

/** What the service gets of its host. Sizes as systemd reads them; undefined is systemd's own default. */
export interface ServiceSettings {
  readonly oomScoreAdjust: number;
  readonly memoryHigh: string | undefined;
  readonly memoryMax: string | undefined;
  readonly cpuWeight: number | undefined;
  readonly ioWeight: number | undefined;
  readonly nice: number | undefined;
  readonly limitNOFILE: number;
  readonly limitMEMLOCK: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Folders beside the data directory that etcd may write to. */
  readonly readWritePaths: readonly string[];
  readonly privateUsers: boolean;
}

/**
 * The kernel ends another process first, as it does for the etcd of Kubernetes: the kubelet gives -997 to what a node
 * cannot do without. Not -1000, which would leave etcd alone when it is etcd that takes all the memory.
 */
export const OOM_SCORE_ADJUST = -900;

/** EC2's metadata service: it gives an instance's role, and the host key in its user data, to whoever asks. */
export const EC2_METADATA: readonly string[] = ["169.254.169.254", "fd00:ec2::254"];

/** Set by the program where it revokes certificates, and free for `extraFlags` elsewhere. */
export const CRL_FLAG = "client-crl-file";

/** Flags that the program sets itself, or that would undo what it guarantees; `extraFlags` may not name them. */
export const OWNED_FLAGS: readonly string[] = [
  "name",
  "data-dir",
  "config-file",
  "listen-client-urls",
  "listen-peer-urls",
  "listen-metrics-urls",
  "advertise-client-urls",
  "initial-advertise-peer-urls",
  "initial-cluster",
  "initial-cluster-state",
  "initial-cluster-token",
  "cert-file",
  "key-file",
  "client-cert-auth",
  "trusted-ca-file",
  "auto-tls",
  "peer-cert-file",
  "peer-key-file",
  "peer-client-cert-auth",
  "peer-trusted-ca-file",
  "peer-auto-tls",
  "tls-min-version",
  "cipher-suites",
  "heartbeat-interval",
  "election-timeout",
  "quota-backend-bytes",
  "auto-compaction-mode",
  "auto-compaction-retention",
  "snapshot-count",
  "log-level",
  "force-new-cluster",
  "unsafe-no-fsync",
  "discovery",
  "discovery-srv",
];

/** Lines that come from a setting, beside the flags; all others change with the program alone. */
export const SETTING_LINES: readonly string[] = [
  "ExecStart",
  "Environment",
  "LimitNOFILE",
  "LimitMEMLOCK",
  "OOMScoreAdjust",
  "Nice",
  "MemoryHigh",
  "MemoryMax",
  "CPUWeight",
  "IOWeight",
  "ReadWritePaths",
  "PrivateUsers",
];

/** What units of older programs had no line for, as it is if nothing is set. */
export const ADDED_LINES: readonly string[] = [`OOMScoreAdjust=${OOM_SCORE_ADJUST}`];

/** A comment: whose certificates are refused, and how many. */
export const REVOKED = "# revoked: ";

export function renderUnit(spec: UnitSpec): string {
  const { service } = spec.settings;
  const { deniedAddresses = [] } = spec;
  const flags = Object.entries(flagsOf(spec)).map(([flag, value]) => quoteUnitArgument(`--${flag}=${value}`));
  return `${[
    "[Unit]",
    `Description=etcd member ${spec.name}`,
    "Documentation=https://etcd.io/docs/",
    "Wants=network-online.target",
    "After=network-online.target time-sync.target",
    `RequiresMountsFor=${spec.dataDir}`,
    "# Without its WAL a member starts only when etcd-host has just permitted it: an empty voter loses writes.",
    `AssertPathExistsGlob=|${spec.dataDir}/member/wal/*.wal`,
    `AssertPathExists=|${BOOTSTRAP_PERMIT}`,
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=notify",
    "TimeoutStartSec=0",
    "# Members are reached without a proxy, whatever this host has for all of its services.",
    "UnsetEnvironment=http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY",
    "User=etcd",
    "Group=etcd",
    `EnvironmentFile=${BOOTSTRAP_FILE}`,
    ...Object.entries(service.environment).map(([name, value]) => `Environment=${name}=${value}`),
    // etcd reads the list at every handshake, but only a restart ends what is open: one more entry, one more restart
    ...(spec.revoked ?? []).map(({ name, serials }) => `${REVOKED}${name} (${serials.length})`),
    `ExecStartPre=+-${PROGRAM} started`,
    [`ExecStart=${OPT_DIR}/${spec.version}/etcd`, ...flags].join(" \\\n  "),
    `ExecStartPost=+-${PROGRAM} served`,
    "Restart=on-failure",
    "RestartSec=5s",
    ...resources(spec.settings),
    "IOSchedulingClass=best-effort",
    "IOSchedulingPriority=0",
    ...hardening([spec.dataDir, ...service.readWritePaths], service.privateUsers),
    ...(deniedAddresses.length === 0 ? [] : [`IPAddressDeny=${deniedAddresses.join(" ")}`]),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ].join("\n")}\n`;
}

function flagsOf(spec: UnitSpec): Record<string, string | number> {
  const { settings } = spec;
  const { "feature-gates": extraGates, ...extraFlags } = settings.extraFlags;
  return {
    name: spec.name,
    "data-dir": spec.dataDir,
    "listen-client-urls": spec.listenClientUrls.join(","),
    "advertise-client-urls": spec.clientUrl,
    "listen-peer-urls": spec.listenPeerUrl,
    "listen-metrics-urls": settings.metricsUrl,
    "cert-file": `${PKI_DIR}/server.crt`,
    "key-file": `${PKI_DIR}/server.key`,
    "trusted-ca-file": `${PKI_DIR}/client-ca.crt`,
    "client-cert-auth": "true",
    ...(spec.revoked === undefined ? {} : { [CRL_FLAG]: `${PKI_DIR}/client.crl` }),
    "peer-cert-file": `${PKI_DIR}/peer.crt`,
    "peer-key-file": `${PKI_DIR}/peer.key`,
    "peer-trusted-ca-file": `${PKI_DIR}/peer-ca.crt`,
    "peer-client-cert-auth": "true",
    "tls-min-version": settings.tlsMinVersion,
    // etcd refuses a cipher list beside TLS 1.3
    ...(settings.tlsMinVersion === "TLS1.3" || settings.cipherSuites.length === 0
      ? {}
      : { "cipher-suites": settings.cipherSuites.join(",") }),
    "heartbeat-interval": settings.heartbeatInterval,
    "election-timeout": settings.electionTimeout,
    "quota-backend-bytes": settings.quotaBackendBytes,
    "auto-compaction-mode": settings.autoCompactionMode,
    "auto-compaction-retention": settings.autoCompactionRetention,
    "snapshot-count": settings.snapshotCount,
    ...corruptionChecks(spec.version, extraGates),
    ...extraFlags,
    "log-level": settings.logLevel, // the last line has no backslash: one more flag stays one more line
  };
}

/** Corruption checks are on by default; 3.6 renamed them to feature gates. */
function corruptionChecks(version: string, extraGates: string | undefined): Record<string, string> {
  if (version.startsWith("3.5.")) {
    return {
      "experimental-initial-corrupt-check": "true",
      "experimental-compact-hash-check-enabled": "true",
    };
  }
  const gates = new Map([
    ["InitialCorruptCheck", "true"],
    ["CompactHashCheck", "true"],
  ]);
  for (const gate of extraGates?.split(",") ?? []) {
    const [name = "", value = "true"] = gate.split("=");
    gates.set(name, value);
  }
  return { "feature-gates": [...gates].map(([name, value]) => `${name}=${value}`).join(",") };
}

function resources({ service, extraFlags }: UnitSettings): string[] {
  const locks = ["memory-mlock", "experimental-memory-mlock"].some((flag) => extraFlags[flag] === "true");
  const lines: Readonly<Record<string, string | number | undefined>> = {
    LimitNOFILE: service.limitNOFILE,
    LimitCORE: 0, // a core file holds keys and values in the clear
    LimitMEMLOCK: service.limitMEMLOCK ?? (locks ? "infinity" : undefined),
    OOMScoreAdjust: service.oomScoreAdjust,
    Nice: service.nice,
    MemoryHigh: service.memoryHigh,
    MemoryMax: service.memoryMax,
    CPUWeight: service.cpuWeight,
    IOWeight: service.ioWeight,
  };
  return Object.entries(lines).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

/**
 * The sandbox: what etcd does not need is taken away. Not ProcSubset=pid: it hides net.core.somaxconn, which cuts
 * the listen backlog to 128, and the process start time.
 */
function hardening(writable: readonly string[], privateUsers: boolean): string[] {
  return [
    ...writable.map((folder) => `ReadWritePaths=${folder}`),
    "UMask=0077",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    `PrivateUsers=${privateUsers ? "yes" : "no"}`,
    "PrivateIPC=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectProc=invisible",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
  ];
}
