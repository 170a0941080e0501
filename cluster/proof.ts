/** What the last step proved, and the record that it was sent: both lie with that step in the state. */

import { createHash } from "node:crypto";
import type { Deployed } from "./deployed.ts";

/** A member as etcd lists it. */
export interface MemberStatus {
  readonly name: string;
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
  readonly leader: boolean;
}

/** As `etcd-host prove` prints it. */
export interface Proof {
  readonly version: string;
  readonly clusterId: string;
  readonly members: readonly MemberStatus[];
  readonly health: string;
  /** Sha256 of the record that the step was sent. */
  readonly recorded?: string;
  /** In place of it, from an etcd-host of before, which marked no line: the record itself. */
  readonly deployed?: Deployed;
}

/** As `etcd-host prove` begins its line: a login may print what it likes on others. */
const PROOF_MARK = "== proof of etcd-host: ";

/** Nothing where the step printed none. Before it was marked, the proof was all that it printed. */
export function parseProof(stdout: string): Proof | undefined {
  const marked = stdout.split(/\r?\n/).findLast((line) => line.startsWith(PROOF_MARK));
  try {
    if (marked === undefined) return JSON.parse(stdout);
    // a host may say which record it was sent, not what is in it
    const { deployed: _, ...proof } = JSON.parse(marked.slice(PROOF_MARK.length));
    return proof;
  } catch {
    return undefined;
  }
}

const RECORD_MARK = "deployed\n";

/** The end of the step's stdin. */
export function recordText(deployed: Deployed): string {
  return `${RECORD_MARK}${textOf(deployed)}`;
}

function textOf(deployed: Deployed): string {
  return `${JSON.stringify(deployed, null, 2)}\n`;
}

/** Whether it is the record of this proof. With `--target` a run may leave out the proof of what it declares. */
export function isProven(deployed: Deployed, { recorded }: Proof): boolean {
  return recorded === digestOf(textOf(deployed));
}

/** The record that a step was sent and proved, as the state has both; not parsed yet. */
export function recordKept(stdin: string, stdout: string): unknown {
  const proof = parseProof(stdout);
  const [, text = ""] = stdin.split(`\n${RECORD_MARK}`);
  return proof?.recorded === digestOf(text) ? JSON.parse(text) : proof?.deployed;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
