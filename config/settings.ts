/** etcd's own settings, and those of its certificates. Limits are the ones that etcd checks when it starts. */

import { type CipherSuite, cipherSuites } from "../etcd/cipher-suites.ts";
import { CLIENT_PORT, METRICS_PORT, PEER_PORT } from "../etcd/ports.ts";
import { parseAddress } from "./address.ts";
import { defaults } from "./defaults.ts";
import { parseExtraFlags } from "./flags.ts";
import type { CertificateSettings, EtcdSettings } from "./model.ts";
import { isUnspecified, type NodeAddresses } from "./nodes.ts";
import { parseUnit } from "./unit.ts";
import { type Fields, show } from "./value.ts";

const logLevels = ["debug", "info", "warn", "error", "panic", "fatal"] as const;
export const keyAlgorithms = ["ECDSA-P256", "RSA-2048", "RSA-4096"] as const;
const maxElectionTimeout = 50_000;
const gibibyte = 1024 ** 3;

export function parseSettings(
  top: Fields,
  version: string,
  dataDir: string,
  nodes: readonly NodeAddresses[],
): EtcdSettings {
  const tlsMinVersion = top.choice("tlsMinVersion", defaults.tlsMinVersion, ["TLS1.2", "TLS1.3"]);
  const quotaBackendBytes = parseQuota(top);
  const service = parseUnit(top);
  return {
    ...parseTimes(top),
    quotaBackendBytes,
    ...parseCompaction(top),
    snapshotCount: top.integer("snapshotCount", defaults.snapshotCount, 1),
    logLevel: top.choice("logLevel", defaults.logLevel, logLevels),
    tlsMinVersion,
    cipherSuites: parseCipherSuites(top, tlsMinVersion),
    metricsUrl: parseMetricsUrl(top, nodes.length),
    extraFlags: parseExtraFlags(top, version, { dataDir, tlsMinVersion, quotaBackendBytes, service, nodes }),
    service,
  };
}

function parseTimes(top: Fields): Pick<EtcdSettings, "heartbeatInterval" | "electionTimeout"> {
  const heartbeatInterval = top.integer("heartbeatInterval", defaults.heartbeatInterval, 1);
  const electionTimeout = top.integer("electionTimeout", defaults.electionTimeout, 1, maxElectionTimeout);
  if (electionTimeout < 5 * heartbeatInterval) {
    top.problem(
      "electionTimeout",
      `${electionTimeout} ms is less than five heartbeats of ${heartbeatInterval} ms, which etcd refuses; use ${5 * heartbeatInterval} or more.`,
    );
  }
  return { heartbeatInterval, electionTimeout };
}

function parseQuota(top: Fields): number {
  const quota = top.integer("quotaBackendBytes", defaults.quotaBackendBytes, 1);
  if (quota > 8 * gibibyte) {
    top.report.warning("quotaBackendBytes", `${quota} is above the 8 GiB that etcd is tested with.`);
  }
  return quota;
}

function parseCompaction(top: Fields): Pick<EtcdSettings, "autoCompactionMode" | "autoCompactionRetention"> {
  const mode = top.choice("autoCompactionMode", defaults.autoCompactionMode, ["periodic", "revision"]);
  const retention = top.text(
    "autoCompactionRetention",
    mode === "periodic" ? defaults.autoCompactionRetention : "1000",
  );
  const revisions = /^\d+$/.test(retention);
  if (mode === "revision" && !revisions) {
    top.problem(
      "autoCompactionRetention",
      `${show(retention)} is not a number of revisions; write it like "1000".`,
    );
  } else if (mode === "periodic" && !revisions && !isDuration(retention)) {
    top.problem(
      "autoCompactionRetention",
      `${show(retention)} is not a duration; write it like "1h" or "30m".`,
    );
  } else if (keepsAllHistory(retention)) {
    top.report.warning(
      "autoCompactionRetention",
      `${show(retention)} keeps all history: unless a client compacts, as a Kubernetes API server does, it fills the quota, and no write passes; see docs/sizing.md.`,
    );
  }
  return { autoCompactionMode: mode, autoCompactionRetention: retention };
}

/** Whether etcd compacts nothing by itself: no digit is other than zero. */
export function keepsAllHistory(retention: string): boolean {
  return !/[1-9]/.test(retention);
}

/** A duration as Go reads it: numbers with units, like 1h30m. */
function isDuration(text: string): boolean {
  return /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text);
}

function parseCipherSuites(top: Fields, tlsMinVersion: string): readonly string[] {
  const suites = top.texts("cipherSuites", defaults.cipherSuites);
  const isDefault = suites.join() === defaults.cipherSuites.join();
  if (tlsMinVersion === "TLS1.3") {
    if (!isDefault && suites.length > 0) {
      top.problem(
        "cipherSuites",
        "cannot be chosen with tlsMinVersion TLS1.3, which has its own; leave it out.",
      );
    }
    return [];
  }
  const known = suites.flatMap((name) => {
    const suite = cipherSuites.find((one) => one.name === name);
    if (suite === undefined) {
      const names = cipherSuites.map((one) => one.name).join(", ");
      top.problem("cipherSuites", `${show(name)} is not a cipher suite accepted here; choose from ${names}.`);
    }
    return suite === undefined ? [] : [suite];
  });
  refuseUnusableSuites(top, known);
  return suites;
}

/** A TLS 1.2 handshake needs a suite made for the type of the server's key. */
function refuseUnusableSuites(top: Fields, suites: readonly CipherSuite[]): void {
  const key = top.text("keyAlgorithm", defaults.keyAlgorithm).startsWith("RSA") ? "RSA" : "ECDSA";
  if (suites.length > 0 && !suites.some((suite) => suite.key === key)) {
    top.problem(
      "cipherSuites",
      `none of them works with ${key} keys (keyAlgorithm); add one with _${key}_ in its name.`,
    );
  }
}

/** One URL for all nodes, so it names the loopback or all addresses unless there is only one node. */
function parseMetricsUrl(top: Fields, nodeCount: number): string {
  const text = top.text("metricsUrl", defaults.metricsUrl);
  const [, host = "", port = ""] = /^https?:\/\/(\[[0-9A-Fa-f:.]+\]|[^[\]/:]+):(\d+)$/.exec(text) ?? [];
  const parsed = parseAddress(host.replace(/^\[(.*)\]$/, "$1"));
  if ("problem" in parsed || parsed.kind === "dns" || Number(port) < 1 || Number(port) > 65535) {
    top.problem(
      "metricsUrl",
      `${show(text)} is not a URL with an IP address and a port; write it like ${defaults.metricsUrl}.`,
    );
    return text;
  }
  if ([CLIENT_PORT, PEER_PORT].includes(Number(port))) {
    top.problem("metricsUrl", `port ${port} is etcd's own; use another one, like ${METRICS_PORT}.`);
  }
  const onEveryHost = isUnspecified(parsed.address) || /^127\.|^::1$/.test(parsed.address);
  if (nodeCount > 1 && !onEveryHost) {
    top.problem(
      "metricsUrl",
      `${parsed.address} can be the address of only one host; use 127.0.0.1, or 0.0.0.0 for all.`,
    );
  }
  return text;
}

export function parseCertificates(top: Fields): CertificateSettings {
  const caValidityDays = top.integer("caValidityDays", defaults.caValidityDays, 2);
  const caRenewBeforeDays = top.integer("caRenewBeforeDays", defaults.caRenewBeforeDays, 0);
  if (caRenewBeforeDays >= caValidityDays) {
    top.problem(
      "caRenewBeforeDays",
      `${caRenewBeforeDays} days are not less than the CA's whole life of ${caValidityDays} (caValidityDays): every up would renew it; use fewer.`,
    );
  }
  if (caRenewBeforeDays > caValidityDays / 2 && caRenewBeforeDays < caValidityDays)
    top.report.warning(
      "caRenewBeforeDays",
      `a CA that is renewed is due again ${caValidityDays - caRenewBeforeDays} days later; lower it again once it is renewed.`,
    );
  const leafValidityDays = top.integer("leafValidityDays", defaults.leafValidityDays, 1);
  const renewBeforeDays = top.integer("renewBeforeDays", defaults.renewBeforeDays, 0);
  if (leafValidityDays >= caValidityDays) {
    top.problem(
      "leafValidityDays",
      `${leafValidityDays} days are not less than the CA's ${caValidityDays} (caValidityDays); use fewer.`,
    );
  }
  if (renewBeforeDays > leafValidityDays) {
    top.problem(
      "renewBeforeDays",
      `${renewBeforeDays} days are more than a leaf certificate's ${leafValidityDays} (leafValidityDays); use fewer.`,
    );
  } else if (renewBeforeDays === leafValidityDays) {
    top.report.warning(
      "renewBeforeDays",
      "every run renews every leaf certificate; lower it again once they are renewed.",
    );
  }
  const algorithm = top.choice("keyAlgorithm", defaults.keyAlgorithm, keyAlgorithms);
  const [clientCa, peerCa] = [parseAuthorities(top, "clientCa"), parseAuthorities(top, "peerCa")];
  return {
    algorithm,
    caValidityDays,
    caRenewBeforeDays,
    leafValidityDays,
    renewBeforeDays,
    clientCa,
    peerCa,
  };
}

/** Whether the list may follow the one before it is for cluster/rotation.ts to say. */
function parseAuthorities(top: Fields, key: "clientCa" | "peerCa"): readonly number[] {
  const given = top.get(key) ?? defaults[key];
  const numbers = Array.isArray(given) ? given.filter((one) => Number.isSafeInteger(one) && one >= 1) : [];
  const isList = Array.isArray(given) && given.length === new Set(numbers).size;
  if (!isList || given.length < 1 || given.length > 2) {
    top.problem(
      key,
      `must be the numbers of one or two CAs, each once and the one that issues first, like [1] or [1, 2], not ${show(given)}.`,
    );
  }
  return numbers;
}
