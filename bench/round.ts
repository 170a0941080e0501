/** One round: everything measured once. */

import { type Served, whileWriting } from "../lab/writing.ts";
import { format, type Round } from "./figures.ts";
import {
  bareHosts,
  newStack,
  npm,
  provisioned,
  pulumi,
  raw,
  rawCall,
  throughput,
  up,
  whileByHand,
  withFolder,
} from "./stack.ts";

type Sizes = Pick<Round, "up1" | "up5" | "up7" | "raw7">;
/** Shows a line as soon as something is measured. */
export type Say = (line: string) => void;

/** Both sides take turns in going first, so that neither has the warmer machine. */
export async function measureRound(number: number, say: Say): Promise<Round> {
  const sides =
    number % 2 === 1
      ? { ...(await rawSide(say)), ...(await programSide(say)) }
      : { ...(await programSide(say)), ...(await rawSide(say)) };
  return { ...sides, ...(await otherSizes(say)) };
}

/** Warms what all rounds share: the compiled program, the files in the page cache. */
export async function warmUp(): Promise<void> {
  await bareHosts(3);
  await newStack();
  await pulumi("preview");
}

async function rawSide(say: Say): Promise<Pick<Round, "raw">> {
  return { raw: await rawOn(3, say) };
}

async function rawOn(nodes: number, say: Say): Promise<number> {
  await bareHosts(nodes);
  return withFolder(async (folder) => {
    const call = await rawCall(folder);
    return timed(`raw script, ${nodes} bare hosts`, say, () => raw(call));
  });
}

async function programSide(say: Say): Promise<Omit<Round, "raw" | keyof Sizes>> {
  await bareHosts(3);
  await newStack();
  const times = {
    up: await timed("pulumi up, bare hosts", say, up),
    noChange: await timed("pulumi up, nothing to do", say, up),
    preview: await timed("pulumi preview", say, () => pulumi("preview")),
    plan: await timed("npm run plan", say, () => npm("plan")),
    verify: await timed("npm run verify", say, () => npm("verify")),
    status: await timed("npm run status", say, () => npm("status")),
  };
  return withFolder(async (folder) => {
    const served = await provisioned(folder);
    const writes = await throughputs(served, say);
    await pulumi("config", "set", "etcd:snapshotCount", "20000");
    let roll = 0;
    const written = await whileWriting(served, async () => {
      roll = await timed("roll of a flag", say, up);
    });
    const { acknowledged, missing, longestGapMs } = written;
    say(`longest gap ${longestGapMs} ms, ${acknowledged} writes acknowledged, ${missing} lost`);
    return { ...times, ...writes, roll, gap: longestGapMs, acknowledged, lost: missing };
  });
}

async function otherSizes(say: Say): Promise<Sizes> {
  return {
    up1: await firstUp(1, say),
    up5: await firstUp(5, say),
    up7: await firstUp(7, say),
    raw7: await rawOn(7, say),
  };
}

async function firstUp(nodes: number, say: Say): Promise<number> {
  await bareHosts(nodes);
  await newStack();
  return timed(`first up, ${nodes} ${nodes === 1 ? "node" : "nodes"}`, say, up);
}

/** The provisioned cluster before and after the other: a gradual slowdown of the machine affects both alike. */
async function throughputs(served: Served, say: Say): Promise<Pick<Round, "writes" | "writesByHand">> {
  const before = await throughput(served);
  const writesByHand = await whileByHand(() => throughput(served));
  const writes = (before + (await throughput(served))) / 2;
  say(
    `throughput: ${format(writes, "writes/s")} as provisioned, ${format(writesByHand, "writes/s")} by hand`,
  );
  return { writes, writesByHand };
}

/** Wall-clock seconds from the command to its end. */
async function timed(what: string, say: Say, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  say(`${what}: ${format(seconds, "s")}`);
  return seconds;
}
