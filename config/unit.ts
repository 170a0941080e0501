/** The setting `unit`: what the member's service gets of its host. */

import { OOM_SCORE_ADJUST, type ServiceSettings } from "../host/unit.ts";
import { didYouMean } from "./did-you-mean.ts";
import { plainFolder, refuseFolder } from "./folders.ts";
import { type Fields, show } from "./value.ts";

const keys = [
  "oomScoreAdjust",
  "memoryHigh",
  "memoryMax",
  "cpuWeight",
  "ioWeight",
  "nice",
  "limitNOFILE",
  "limitMEMLOCK",
  "environment",
  "readWritePaths",
  "privateUsers",
];

const OPEN_FILES = 65536;

/** etcd with an empty database takes some 50 MiB, and its first WAL segments 128 MiB of the page cache. */
const LEAST_MEMORY = 256 * 1024 ** 2;

export function parseUnit(top: Fields): ServiceSettings {
  const unit = top.object("unit");
  unit.refuseUnknown(keys);
  const service: ServiceSettings = {
    oomScoreAdjust: unit.integer("oomScoreAdjust", OOM_SCORE_ADJUST, -1000, 1000),
    memoryHigh: parseSize(unit, "memoryHigh", LEAST_MEMORY),
    memoryMax: parseSize(unit, "memoryMax", LEAST_MEMORY),
    cpuWeight: parseNumber(unit, "cpuWeight", 1, 10_000),
    ioWeight: parseNumber(unit, "ioWeight", 1, 10_000),
    nice: parseNumber(unit, "nice", -20, 19),
    limitNOFILE: unit.integer("limitNOFILE", OPEN_FILES, 1024, 1024 ** 3),
    limitMEMLOCK: parseSize(unit, "limitMEMLOCK", 0),
    environment: parseEnvironment(unit),
    readWritePaths: parseFolders(unit),
    privateUsers: unit.flag("privateUsers", true),
  };
  compareLimits(unit, service);
  return service;
}

function parseNumber(unit: Fields, key: string, min: number, max: number): number | undefined {
  return unit.get(key) === undefined ? undefined : unit.integer(key, min, min, max);
}

/** As systemd reads it: bytes, with K, M, G or T for powers of 1024, a share of the machine's memory, or no limit. */
function parseSize(unit: Fields, key: string, least: number): string | undefined {
  const value = unit.get(key);
  if (value === undefined || value === "") return undefined;
  const text = typeof value === "number" ? `${value}` : value;
  const isShare = key !== "limitMEMLOCK" && typeof text === "string" && /^([1-9]\d?|100)%$/.test(text);
  if (typeof text === "string" && (text === "infinity" || isShare)) return text;
  const bytes = bytesOf(text);
  if (bytes === undefined || typeof text !== "string") {
    const share = key === "limitMEMLOCK" ? "" : ', "75%"';
    unit.problem(key, `${show(value)} is not a size; write it like "6G"${share} or "infinity".`);
    return undefined;
  }
  if (bytes < least) unit.problem(key, `${text} is less than the ${least / 1024 ** 2}M that etcd needs.`);
  return text;
}

/** Nothing if it is no number of bytes. */
export function bytesOf(text: unknown): number | undefined {
  const [, digits, unit] = /^(\d{1,15})(K|M|G|T)?$/.exec(`${text}`) ?? [];
  return digits === undefined ? undefined : Number(digits) * 1024 ** " KMGT".indexOf(unit ?? " ");
}

/** What the Go runtime reads of its own; every ETCD_ variable has a flag, and beside that flag it would be fatal. */
const variables: Readonly<Record<string, { pattern: RegExp; example: string }>> = {
  GOMEMLIMIT: { pattern: /^\d{1,15}(B|KiB|MiB|GiB|TiB)?$/, example: '"4GiB"' },
  GOGC: { pattern: /^(off|[1-9]\d{0,4})$/, example: '"50" or "off"' },
  GOMAXPROCS: { pattern: /^[1-9]\d{0,3}$/, example: '"4"' },
  GOTRACEBACK: { pattern: /^(none|single|all|system)$/, example: '"all"' },
};

function parseEnvironment(unit: Fields): Readonly<Record<string, string>> {
  const environment = unit.object("environment");
  const names = Object.keys(variables);
  const result: Record<string, string> = {};
  for (const name of environment.keys()) {
    const value = environment.get(name);
    const text = typeof value === "number" ? `${value}` : value;
    const known = variables[name];
    if (known === undefined) {
      const help = name.startsWith("ETCD_")
        ? "use the flag's own setting, or extraFlags"
        : `choose from ${names.join(", ")}${didYouMean(name, names)}`;
      environment.problem(name, `is not a variable that may be set here; ${help}.`);
    } else if (typeof text !== "string" || !known.pattern.test(text)) {
      environment.problem(name, `${show(value)} is not a value for it; write it like ${known.example}.`);
    } else {
      result[name] = text;
    }
  }
  if (result.GOGC === "off" && result.GOMEMLIMIT === undefined) {
    environment.problem("GOGC", "off lets the heap grow without end; set GOMEMLIMIT beside it.");
  }
  return result;
}

function parseFolders(unit: Fields): readonly string[] {
  const folders = unit.texts("readWritePaths", []);
  folders.forEach((text, index) => {
    const refusal = refuseFolder(text, "/var/log/etcd");
    if (refusal !== undefined) unit.problem(`readWritePaths[${index}]`, refusal);
    else if (folders.indexOf(text) < index) {
      unit.problem(`readWritePaths[${index}]`, `${text} is listed twice; list each folder once.`);
    }
  });
  return folders.map(plainFolder);
}

/** A limit that another one makes useless is a mistake. Shares cannot be compared: the machine's memory is not known. */
function compareLimits(unit: Fields, { memoryHigh, memoryMax, environment }: ServiceSettings): void {
  const max = bytesOf(memoryMax);
  const high = bytesOf(memoryHigh);
  if (max === undefined) return;
  if (high !== undefined && high > max) {
    unit.problem("memoryHigh", `${memoryHigh} is more than memoryMax, ${memoryMax}; use less.`);
  }
  const heap = bytesOf(environment.GOMEMLIMIT?.replace(/iB$|B$/, ""));
  if (heap !== undefined && heap >= max) {
    unit.problem(
      "environment.GOMEMLIMIT",
      `${environment.GOMEMLIMIT} is not less than memoryMax, ${memoryMax}, which counts the database's pages too; use less.`,
    );
  }
}
