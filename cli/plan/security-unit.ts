/** What changes in a member's unit: where it listens, flags of etcd, and the sandbox. */

import { defaults } from "../../config/defaults.ts";
import { text } from "../../lib/json.ts";
import type { Resource } from "./preview.ts";
import { type Found, NONE } from "./security-row.ts";

/** Flags that change how fast a member is, or what it writes down: all others are shown, new ones of etcd too. */
const HARMLESS = new RegExp(
  `^(experimental-)?(${[
    "name|data-dir|advertise-client-urls|heartbeat-interval|election-timeout|quota-backend-bytes|snapshot-count",
    "auto-compaction-(mode|retention)|log-(level|outputs|format|rotation-config-json)|logger|enable-log-rotation",
    "backend-.*|max-(snapshots|wals|txn-ops|learners|concurrent-streams|request-bytes)|grpc-keepalive-.*|raft-.*",
    "pre-vote|socket-reuse-(address|port)|initial-election-tick-advance|memory-mlock|bootstrap-defrag-.*|compact.*-(limit|interval|time)",
    "corrupt-check-time|downgrade-check-time|warning-.*|watch-progress-.*|snapshot-catchup-entries",
  ].join("|")})$`,
);

/** Lines of the unit that give etcd resources, or tell of it. */
const NOT_SANDBOX =
  /^(Description|Documentation|Wants|After|RequiresMountsFor|StartLimit.*|Type|Timeout.*|Restart.*|Limit(NOFILE|MEMLOCK)|OOMScoreAdjust|Nice|Memory(High|Max)|CPUWeight|IOWeight|IOScheduling.*|WantedBy|ExecStart|\[.*|#.*)$/;

const NOTES: Readonly<Record<string, string>> = {
  "enable-pprof": "debugging endpoints for whoever reaches the client port",
  cors: "websites that may use the API from a browser",
  "distributed-tracing-address": "every request is reported there",
  "auth-token": "how logins are signed",
};

export function unitRows(member: Resource | undefined): readonly Found[] {
  if (member === undefined || !member.changes || member.op === "delete") return [];
  const isNew = member.op === "create";
  const [old, now] = [readUnit(text(member.old.inputs.stdin)), readUnit(text(member.new.inputs.stdin))];
  const flags = compare(old.flags, now.flags).filter(
    ({ name, new: value }) => !HARMLESS.test(name) && !(isNew && isUsual(name, value)),
  );
  const lines = compare(old.lines, now.lines).filter(
    ({ name, new: value }) => !NOT_SANDBOX.test(name) && !(isNew && !TAKEN_BACK.test(`${name}=${value}`)),
  );
  return [...flags.map(flagRow), ...lines.map((line): Found => ({ ...rowOf(line), kind: "sandbox" }))];
}

/** Of a unit that is new, all is: what the program gives every member is not worth a row. */
function isUsual(flag: string, value: string): boolean {
  if (/^(peer-)?(cert|key|trusted-ca)-file$|^listen-peer-urls$/.test(flag)) return true;
  const usual: Readonly<Record<string, string>> = {
    "client-cert-auth": "true",
    "peer-client-cert-auth": "true",
    "tls-min-version": defaults.tlsMinVersion,
    "cipher-suites": defaults.cipherSuites.join(","),
    "feature-gates": "InitialCorruptCheck=true,CompactHashCheck=true",
    "experimental-initial-corrupt-check": "true",
    "experimental-compact-hash-check-enabled": "true",
    "listen-metrics-urls": defaults.metricsUrl,
  };
  return usual[flag] === value;
}
const TAKEN_BACK = /^(PrivateUsers=no|Environment=)/;

interface Difference {
  readonly name: string;
  readonly old: string;
  readonly new: string;
}

function rowOf({ name, old, new: now }: Difference) {
  return { what: name, old, new: now };
}

function flagRow(flag: Difference): Found {
  if (!flag.name.startsWith("listen-")) {
    return { ...rowOf(flag), what: `--${flag.name}`, kind: "flag", note: NOTES[flag.name] ?? "" };
  }
  return { ...rowOf(flag), what: `--${flag.name}`, kind: "listener", note: whoReaches(flag.new) };
}

/** By the address that is listened at. */
function whoReaches(urls: string): string {
  const open = urls.split(",").filter((url) => !/^https?:\/\/(127\.|\[::1\]|localhost)/.test(url));
  const everywhere = open.some((url) => /\/\/(0\.0\.0\.0|\[::\])/.test(url))
    ? ["every address of the host"]
    : [];
  const plain = open.some((url) => url.startsWith("http:")) ? ["without TLS, for whoever reaches it"] : [];
  return [...everywhere, ...plain].join(", ");
}

interface Unit {
  readonly flags: ReadonlyMap<string, string>;
  /** Of one name there may be several. */
  readonly lines: ReadonlyMap<string, string>;
}

function readUnit(unit: string): Unit {
  const lines = unit
    .split("\n")
    .map((line) => line.replace(/ \\$/, "").trim())
    .filter((line) => line.includes("="))
    .map((line): readonly [string, string] => [
      line.slice(0, line.indexOf("=")),
      line.slice(line.indexOf("=") + 1),
    ]);
  const flags = lines.flatMap(([name, value]): readonly (readonly [string, string])[] => {
    const flag = /^"?--(.*)$/.exec(name)?.[1];
    return flag === undefined ? [] : [[flag, name.startsWith('"') ? value.replace(/"$/, "") : value]];
  });
  const others = Map.groupBy(
    lines.filter(([name]) => !/^"?--/.test(name)),
    ([name]) => name,
  );
  return {
    flags: new Map(flags),
    lines: new Map([...others].map(([name, all]) => [name, all.map(([, value]) => value).join(" ")])),
  };
}

function compare(old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly Difference[] {
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    const [before, after] = [old.get(name), now.get(name)].map((value) =>
      value === "" ? NONE : (value ?? NONE),
    );
    return before === undefined || after === undefined || before === after
      ? []
      : [{ name, old: before, new: after }];
  });
}
