/** The parts of `host/sh`, in order, are one POSIX shell program: `etcd-host`. */

import { readFileSync } from "node:fs";

/** Order matters only for main, which runs; the others define functions. */
export const PARTS = [
  "base",
  "files",
  "times",
  "service",
  "log",
  "volume",
  "host-key",
  "preflight",
  "foreign",
  "preflight-unit",
  "prepare",
  "binaries",
  "install",
  "certificates",
  "bundles",
  "answers",
  "etcdctl",
  "quorum",
  "alarms",
  "proof",
  "lock",
  "snapshot",
  "store",
  "packed",
  "upkeep",
  "backup",
  "version",
  "from-data",
  "copies",
  "restore",
  "switch",
  "drill",
  "drilled",
  "record",
  "ended",
  "start",
  "bootstrap",
  "join",
  "refused",
  "roll",
  "before",
  "guard",
  "defragment",
  "rule",
  "reclaim",
  "access",
  "membership",
  "prove",
  "inspect",
  "verify",
  "remove",
  "main",
] as const;

/** The text of the program as it is installed on every host. */
export function hostProgram(): string {
  return PARTS.map((part) => readFileSync(new URL(`sh/${part}.sh`, import.meta.url), "utf8")).join("\n");
}
