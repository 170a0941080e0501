/** What one of `extraFlags` needs of another flag, or of another setting: alone each would be right. */

import type { ServiceSettings } from "../host/unit.ts";
import { bytesOf } from "./unit.ts";
import { type Fields, show } from "./value.ts";

export interface FlagSurroundings {
  readonly dataDir: string;
  readonly tlsMinVersion: string;
  readonly quotaBackendBytes: number;
  readonly service: ServiceSettings;
  readonly nodes: readonly { readonly name: string; readonly address: string; readonly lost: boolean }[];
}

type Flags = Readonly<Record<string, string>>;

export function checkTogether(extraFlags: Fields, flags: Flags, around: FlagSurroundings): void {
  checkLogging(extraFlags, flags, around);
  checkPeerNames(extraFlags, flags, around);
  checkLockedMemory(extraFlags, flags, around);
  if (flags["tls-max-version"] === "TLS1.2" && around.tlsMinVersion === "TLS1.3") {
    extraFlags.problem("tls-max-version", "TLS1.2 is below tlsMinVersion, TLS1.3; leave it out.");
  }
  if (
    flags["experimental-enable-lease-checkpoint-persist"] === "true" &&
    flags["experimental-enable-lease-checkpoint"] !== "true"
  ) {
    extraFlags.problem(
      "experimental-enable-lease-checkpoint-persist",
      "needs experimental-enable-lease-checkpoint beside it.",
    );
  }
}

const streams = ["default", "stdout", "stderr", "systemd/journal"];

/** A file that etcd cannot open is no failed start where it rotates its log: there would be no log at all. */
function checkLogging(extraFlags: Fields, flags: Flags, { dataDir, service }: FlagSurroundings): void {
  const outputs = flags["log-outputs"]?.split(",") ?? [];
  const files = outputs.filter((output) => !streams.includes(output));
  const writable = [dataDir, ...service.readWritePaths];
  for (const file of files) {
    if (!/^(\/(?!\.\.?(\/|$))[A-Za-z0-9._-]+)+$/.test(file)) {
      extraFlags.problem(
        "log-outputs",
        `${show(file)} is neither the path of a file nor one of ${streams.join(", ")}.`,
      );
    } else if (`${file}/`.startsWith(`${dataDir}/member/`)) {
      extraFlags.problem(
        "log-outputs",
        `${file} is among the member's own files, which the log would damage; use another path, such as ${dataDir}/etcd.log.`,
      );
    } else if (!writable.some((folder) => file.startsWith(`${folder}/`))) {
      const folder = file.replace(/\/[^/]*$/, "") || "/";
      extraFlags.problem(
        "log-outputs",
        `etcd may not write to ${file} from its sandbox; add its folder to unit.readWritePaths: ["${folder}"].`,
      );
    }
  }
  for (const alone of ["default", "systemd/journal"]) {
    if (outputs.includes(alone) && outputs.length > 1) {
      extraFlags.problem("log-outputs", `${alone} cannot be combined with other outputs; use stderr for it.`);
    }
  }
  const rotates = flags["enable-log-rotation"] === "true";
  if (rotates && files.length !== 1) {
    extraFlags.problem("enable-log-rotation", "rotates exactly one file; name it in log-outputs.");
  }
  if (!rotates && flags["log-rotation-config-json"] !== undefined) {
    extraFlags.problem("log-rotation-config-json", "has no effect without enable-log-rotation: true.");
  }
}

/** The peers' certificates carry the node's name as their CN, and localhost, name and address as host names. */
function checkPeerNames(extraFlags: Fields, flags: Flags, { nodes }: FlagSurroundings): void {
  const commonNames = flags["peer-cert-allowed-cn"]?.split(",");
  const hostNames = flags["peer-cert-allowed-hostname"]?.split(",");
  if (commonNames !== undefined && hostNames !== undefined) {
    extraFlags.problem(
      "peer-cert-allowed-cn",
      "etcd takes either this or peer-cert-allowed-hostname; leave one out.",
    );
  }
  const running = nodes.filter((node) => !node.lost);
  const withoutCn = running.filter(({ name }) => commonNames !== undefined && !commonNames.includes(name));
  const withoutHost = running.filter(
    ({ name, address }) =>
      hostNames !== undefined &&
      ![name, address, "localhost", "127.0.0.1"].some((own) => hostNames.includes(own)),
  );
  for (const [flag, missing] of [
    ["peer-cert-allowed-cn", withoutCn],
    ["peer-cert-allowed-hostname", withoutHost],
  ] as const) {
    if (missing.length > 0) {
      const names = missing.map(({ name }) => name).join(", ");
      extraFlags.problem(flag, `the other members would refuse ${names}; add every node's name.`);
    }
  }
}

/** The lock of a database that grows beyond the limit fails, and etcd ends. */
function checkLockedMemory(
  extraFlags: Fields,
  flags: Flags,
  { service, quotaBackendBytes }: FlagSurroundings,
): void {
  for (const flag of ["memory-mlock", "experimental-memory-mlock"]) {
    if (flags[flag] !== "true" || service.limitMEMLOCK === undefined) continue;
    if ((bytesOf(service.limitMEMLOCK) ?? Number.POSITIVE_INFINITY) < quotaBackendBytes) {
      extraFlags.problem(
        flag,
        `unit.limitMEMLOCK, ${service.limitMEMLOCK}, is less than quotaBackendBytes, ${quotaBackendBytes}; leave it out.`,
      );
    }
  }
}
