/** Where the snapshots of the data are kept, and what takes one on a schedule. */

import type { AwsConfig } from "./aws/model.ts";
import { schedules } from "./defaults.ts";
import type { Environment } from "./environment.ts";
import type { BackupConfig, BackupSchedule } from "./model.ts";
import { parseStore, storeKeys } from "./store.ts";
import { type Fields, show } from "./value.ts";

/** What a reboot empties, and what is no place for files of one's own. */
const volatileTrees = ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/run", "/var/tmp"];
/** Folders that already hold something else. */
const taken = ["", "/bin", "/boot", "/etc", "/lib", "/opt", "/sbin", "/usr", "/var", "/var/lib"];

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** What divides an hour or a day, so that each comes at the same times on every host. */
const intervals: Readonly<Record<string, number>> = {
  "5m": 5 * MINUTE,
  "10m": 10 * MINUTE,
  "15m": 15 * MINUTE,
  "20m": 20 * MINUTE,
  "30m": 30 * MINUTE,
  "1h": HOUR,
  "2h": 2 * HOUR,
  "3h": 3 * HOUR,
  "4h": 4 * HOUR,
  "6h": 6 * HOUR,
  "8h": 8 * HOUR,
  "12h": 12 * HOUR,
  "24h": DAY,
};
const OFF = "off";
/** A TiB. */
const MOST_RESERVED = 1_048_576;
const LONGEST_AGE = 30 * DAY;

const keys = ["directory", "interval", "keep", "reserveMiB", "maxAge", "metricsFile", "encryption", "store"];

const WARNING =
  "no snapshot is taken on a schedule, so whoever loses the quorum may lose all of the data; {} takes one every hour, and interval: off says that it is not wanted.";

/** What else of the stack it is judged with. */
interface Around {
  readonly dataDir: string;
  readonly proxy: string;
  readonly aws: AwsConfig | undefined;
}

export function parseBackup(top: Fields, environment: Environment, around: Around): BackupConfig {
  const backup = top.object("backup");
  backup.refuseUnknown(keys, { bucket: `goes into backup.store, with ${storeKeys.join(", ")}` });
  const directory = parseDirectory(backup, around.dataDir);
  const given = directory === undefined ? {} : { directory };
  // stacks from before there was a schedule have no other key
  const isAsked = top.get("backup") !== undefined && backup.keys().join() !== "directory";
  if (!isAsked) top.report.warning("backup", WARNING);
  const interval = backup.text("interval", schedules.backup.interval);
  if (!isAsked || interval === OFF) return given;
  return { ...given, schedule: parseSchedule(top, backup, environment, { ...around, interval }) };
}

function parseSchedule(
  top: Fields,
  backup: Fields,
  environment: Environment,
  { interval, ...around }: Around & { readonly interval: string },
): BackupSchedule {
  const seconds = intervals[interval] ?? HOUR;
  if (intervals[interval] === undefined)
    backup.problem(
      "interval",
      `${show(interval)} does not divide an hour or a day; choose from ${Object.keys(intervals).join(", ")}, or ${OFF}.`,
    );
  const store = backup.get("store") === undefined ? undefined : parseStore(top, backup, environment, around);
  return {
    interval,
    seconds,
    keep: backup.integer("keep", schedules.backup.keep, 1, 10_000),
    reserveMiB: backup.integer("reserveMiB", schedules.backup.reserveMiB, 0, MOST_RESERVED),
    maxAge: parseMaxAge(backup, seconds),
    recipients: parseEncryption(backup, store !== undefined),
    ...parseMetricsFile(backup),
    ...(store === undefined ? {} : { store }),
  };
}

function parseDirectory(backup: Fields, dataDir: string): string | undefined {
  const text = backup.text("directory", "");
  if (text === "") return undefined;
  const directory = text.replace(/\/+$/, "");
  const wrong = whatIsWrong(directory, dataDir);
  if (wrong !== undefined) backup.problem("directory", `${show(text)} ${wrong}.`);
  return directory;
}

function whatIsWrong(path: string, dataDir: string): string | undefined {
  if (!isPlainPath(path)) return "is not a plain absolute path; write it like /var/backups/etcd";
  if (taken.includes(path) || isVolatile(path))
    return "is not a folder that keeps files; write it like /var/backups/etcd";
  if (isIn(path, dataDir))
    return `is in dataDir (${dataDir}), which is set aside with its member; use a folder of its own, better on another disk`;
  return undefined;
}

function isIn(path: string, tree: string): boolean {
  return path === tree || path.startsWith(`${tree}/`);
}

function isVolatile(path: string): boolean {
  return volatileTrees.some((tree) => isIn(path, tree));
}

function isPlainPath(path: string): boolean {
  return /^(\/[A-Za-z0-9._-]+)*$/.test(path) && !path.split("/").some((part) => /^\.\.?$/.test(part));
}

/** Older than that is an alarm; a snapshot may be late, or fail once. */
function parseMaxAge(backup: Fields, interval: number): number {
  const text = backup.text("maxAge", "");
  if (text === "") return 3 * interval;
  const [, count = "", unit = ""] = /^(\d+)(m|h|d)$/.exec(text) ?? [];
  const seconds = Number(count) * ({ m: MINUTE, h: HOUR, d: DAY }[unit] ?? 0);
  if (seconds === 0) backup.problem("maxAge", `${show(text)} is not a time; write it like 3h or 2d.`);
  else if (seconds < interval)
    backup.problem("maxAge", `${text} is less than the interval, so the alarm would never end; use more.`);
  else if (seconds > LONGEST_AGE)
    backup.problem(
      "maxAge",
      `${text} is more than 30d, so nobody would hear that backups have ended; use less.`,
    );
  return seconds;
}

/** Everybody who can read a snapshot reads every key: with a store it has to be said who that is. */
function parseEncryption(backup: Fields, hasStore: boolean): readonly string[] {
  const given = backup.get("encryption");
  if (given === "store") {
    if (!hasStore)
      backup.problem("encryption", 'is "store", and there is no store; give age recipients (age1…).');
    return [];
  }
  const recipients = backup.texts("encryption", []);
  if (recipients.length === 0 && hasStore)
    backup.problem(
      "encryption",
      'is missing: snapshots hold every key in clear; give age recipients (age1…), or "store" if the bucket encrypts.',
    );
  recipients.forEach((recipient, index) => {
    if (/AGE-SECRET-KEY/i.test(recipient))
      backup.problem(
        `encryption[${index}]`,
        "is a secret key, which no host may have; give its recipient (age-keygen -y), and keep the key where you will find it on the worst day.",
      );
    else if (!/^age1[02-9ac-hj-np-z]{58,}$/.test(recipient))
      backup.problem(`encryption[${index}]`, `${show(recipient)} is not an age recipient (age1…).`);
  });
  return recipients;
}

function parseMetricsFile(backup: Fields): { metricsFile?: string } {
  const text = backup.text("metricsFile", "");
  if (text === "") return {};
  if (!isPlainPath(text) || !text.endsWith(".prom"))
    backup.problem(
      "metricsFile",
      `${show(text)} is not a plain absolute path of a .prom file; write it like /var/lib/node_exporter/textfile_collector/etcd-host.prom.`,
    );
  else if (isVolatile(text))
    backup.problem(
      "metricsFile",
      `${show(text)} is in a folder that keeps no files; use one that node_exporter reads.`,
    );
  return { metricsFile: text };
}
