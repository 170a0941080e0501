/** What is measured, what it means, and its upper goal. */

import { type Summary, summarize } from "./statistics.ts";

/** What one round measures. Times are in seconds. */
export interface Round {
  readonly raw: number;
  readonly up: number;
  /** `up` with nothing to do. */
  readonly noChange: number;
  readonly preview: number;
  readonly plan: number;
  readonly verify: number;
  readonly status: number;
  readonly roll: number;
  /** Milliseconds. */
  readonly gap: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly up1: number;
  readonly up5: number;
  readonly up7: number;
  /** The raw script on seven. */
  readonly raw7: number;
  /** Per second. */
  readonly writes: number;
  readonly writesByHand: number;
}

export interface Figure {
  readonly title: string;
  readonly unit: "s" | "ms" | "×" | "writes/s" | "writes";
  /** What it is exactly, in a sentence or two. */
  readonly meaning: string;
  /** The median should be no more than that. @default no goal */
  readonly goal?: number;
  /** Ratios and differences are taken within one round: what slows the machine for a while slows both sides. */
  readonly of: (round: Round) => number;
}

const STEPS_BEYOND_THREE = 7 - 3;

export const figures: readonly Figure[] = [
  {
    title: "raw script, three bare hosts",
    unit: "s",
    meaning:
      "`bench/raw`, the floor: ssh to all three hosts at once, openssl for both CAs and all leaf certificates, curl from the same mirror, the checksum, a systemd unit, and the wait for `etcdctl endpoint health`. No preflight, no second run, no undo.",
    of: ({ raw }) => raw,
  },
  {
    title: "`pulumi up`, three bare hosts",
    unit: "s",
    meaning: "The first `pulumi up --skip-preview` of a new stack on three hosts that have never had etcd.",
    of: ({ up }) => up,
  },
  {
    title: "`pulumi up`, nothing to do",
    unit: "s",
    meaning: "The same again: what the engine, the language host and the program take before any work.",
    goal: 3.0,
    of: ({ noChange }) => noChange,
  },
  {
    title: "(up − up with nothing to do) ÷ raw script",
    unit: "×",
    meaning: "What the program's own steps take, against the floor, within each round.",
    goal: 1.6,
    of: ({ up, noChange, raw }) => (up - noChange) / raw,
  },
  {
    title: "`pulumi preview`",
    unit: "s",
    meaning: "With nothing to do.",
    of: ({ preview }) => preview,
  },
  {
    title: "`npm run plan`",
    unit: "s",
    meaning: "The preview as one page, host by host; with nothing to do.",
    of: ({ plan }) => plan,
  },
  {
    title: "`npm run plan` ÷ `pulumi preview`",
    unit: "×",
    meaning: "Of one preview a plan takes both the changes and what the policies say.",
    goal: 1.3,
    of: ({ plan, preview }) => plan / preview,
  },
  {
    title: "`npm run verify`",
    unit: "s",
    meaning: "Every host compares itself with what the stack declares.",
    of: ({ verify }) => verify,
  },
  {
    title: "`npm run status`",
    unit: "s",
    meaning: "The cluster on one screen, asked of the hosts.",
    of: ({ status }) => status,
  },
  {
    title: "roll of a flag",
    unit: "s",
    meaning:
      "A changed `snapshotCount`: `pulumi up` restarts the three members one after the other, moving leadership away first, while six clients write.",
    of: ({ roll }) => roll,
  },
  {
    title: "longest gap between writes in the roll",
    unit: "ms",
    meaning: "The longest time in which none of the six clients had a write acknowledged.",
    of: ({ gap }) => gap,
  },
  {
    title: "acknowledged writes in the roll",
    unit: "writes",
    meaning: "Each client pauses 2 ms after each write.",
    of: ({ acknowledged }) => acknowledged,
  },
  {
    title: "lost writes in the roll",
    unit: "writes",
    meaning: "Acknowledged, but not in the cluster afterwards.",
    goal: 0,
    of: ({ lost }) => lost,
  },
  {
    title: "first `up`, 1 node",
    unit: "s",
    meaning: "As on three bare hosts, on one.",
    of: ({ up1 }) => up1,
  },
  { title: "first `up`, 5 nodes", unit: "s", meaning: "On five.", of: ({ up5 }) => up5 },
  { title: "first `up`, 7 nodes", unit: "s", meaning: "On seven.", of: ({ up7 }) => up7 },
  {
    title: "each node beyond three",
    unit: "s",
    meaning: "A quarter of the difference between the first `up` of seven nodes and that of three.",
    goal: 0.5,
    of: ({ up7, up }) => (up7 - up) / STEPS_BEYOND_THREE,
  },
  {
    title: "raw script, seven bare hosts",
    unit: "s",
    meaning: "As on three. All hosts of the lab share the machine's cores.",
    of: ({ raw7 }) => raw7,
  },
  {
    title: "raw script, each node beyond three",
    unit: "s",
    meaning: "The floor of the line of that name above, on the same machine.",
    of: ({ raw7, raw }) => (raw7 - raw) / STEPS_BEYOND_THREE,
  },
  {
    title: "throughput, as provisioned",
    unit: "writes/s",
    meaning:
      "48 clients write 256 bytes at a time, each one write after the other, over one connection to each member; the mean of five seconds before and five seconds after the next line's. The load shares the machine with the members and takes much of it, so only the comparison with the next line is meaningful.",
    of: ({ writes }) => writes,
  },
  {
    title: "throughput, started by hand",
    unit: "writes/s",
    meaning:
      "The same load on members that were started by hand instead, on the same hosts: the same binaries, flags and certificates, an empty data directory, none of the sandbox of the program's unit.",
    of: ({ writesByHand }) => writesByHand,
  },
  {
    title: "provisioned ÷ by hand",
    unit: "×",
    meaning: "1 means that the unit's sandbox costs nothing.",
    of: ({ writes, writesByHand }) => writes / writesByHand,
  },
];

export function summaryOf(figure: Figure, rounds: readonly Round[]): Summary {
  return summarize(rounds.map(figure.of));
}

/** `11.1 s`, `0.43 s`; whole numbers for what is counted. */
export function format(value: number, unit: Figure["unit"]): string {
  if (unit === "×") return `${value.toFixed(2)} ×`;
  if (unit === "s") return `${value.toFixed(Math.abs(value) < 1 ? 2 : 1)} s`;
  const whole = Math.round(value).toLocaleString("en");
  return unit === "writes" ? whole : `${whole} ${unit}`;
}
