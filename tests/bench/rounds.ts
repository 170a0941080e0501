/** Two rounds of fixed figures. */

import type { Round } from "../../bench/figures.ts";
import type { Setting } from "../../bench/report.ts";

export const first: Round = {
  raw: 3,
  up: 8,
  noChange: 3,
  preview: 3.2,
  plan: 5.5,
  verify: 2,
  status: 1.5,
  roll: 9,
  gap: 89,
  acknowledged: 12345,
  lost: 0,
  up1: 7,
  up5: 9.5,
  up7: 10.4,
  raw7: 4.9,
  writes: 1000,
  writesByHand: 1000,
};

/** Half as slow again, but for what is counted. */
export const second: Round = { ...first, raw: 4.5, up: 12.9, noChange: 3.9, up7: 14.9, writes: 900 };

export const setting: Setting = {
  date: "2026-01-31",
  cpu: "Some CPU @ 2.00GHz",
  cores: 2,
  memoryGiB: 8,
  load: 0.24,
  engine: "official CLI and plugins",
  node: "24.21.0",
  pulumi: "3.259.0",
  etcd: "3.6.14",
  commit: "0123456",
};
