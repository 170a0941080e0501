/** The bench's own lab, and its own stack of this program on it: a user's lab and stack are not touched. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeLab, labCommand } from "../lab/describe.ts";
import { prepareEngine, prepareEtcd, prepareLab } from "../lab/prepare.ts";
import { digestsOf, stackVersion, writeLabStack } from "../lab/stack.ts";
import type { Served } from "../lab/writing.ts";
import type { Log } from "../lib/progress.ts";
import { run } from "../lib/run.ts";

const STACK = "bench";
const stackFile = fileURLToPath(new URL(`../Pulumi.${STACK}.yaml`, import.meta.url));
const rawScript = fileURLToPath(new URL("raw", import.meta.url));
const byHandScript = fileURLToPath(new URL("by-hand", import.meta.url));
const loadProgram = fileURLToPath(new URL("load.ts", import.meta.url));
/** Hand-made units wait for a quorum forever. */
const RAW_TIMEOUT_S = "180";
const LOAD_SECONDS = "5";

/** From here on every lab command uses the bench's lab. */
export function useOwnLab(): void {
  delete process.env.LAB_DIR;
  process.env.LAB_NAME = STACK;
  process.env.LAB_STACK = STACK;
}

/** What must exist first; returns the kind of the engine. */
export async function prepare(log: Log): Promise<string> {
  await prepareEtcd(await benchVersion(), log);
  return prepareEngine(log);
}

/** The etcd version that is measured. */
export function benchVersion(): Promise<string> {
  return stackVersion(["Pulumi.dev.yaml"]);
}

/** Hosts that have never had etcd, and no stack. */
export async function bareHosts(count: number): Promise<void> {
  await run(labCommand, ["down"]);
  await rm(stackFile, { force: true });
  await prepareLab(count, () => {});
  await prepareEngine(() => {});
}

/** A new stack for the hosts that are up. */
export async function newStack(): Promise<void> {
  await writeLabStack(stackFile);
  await pulumi("stack", "init", STACK);
}

export async function takeDown(): Promise<void> {
  await run(labCommand, ["down"]);
  await rm(stackFile, { force: true });
}

export function pulumi(...args: string[]): Promise<string> {
  return onClient("pulumi", ...args, "--non-interactive", "--color=never");
}

export function up(): Promise<string> {
  return pulumi("up", "--yes", "--skip-preview");
}

/** `npm run NAME`, as it is typed. */
export function npm(name: string): Promise<string> {
  return onClient("npm", "run", "--silent", name);
}

/** A folder for the certificates of a cluster, as long as `work` takes. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The raw script's arguments, found before its time starts. */
export async function rawCall(folder: string): Promise<readonly string[]> {
  const { mirror, archives, privateKeyFile, knownHostsFile, nodes } = await describeLab();
  const version = await benchVersion();
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const sha256 = (await digestsOf(archives))[version]?.[architecture];
  if (sha256 === undefined) throw new Error(`There is no archive of etcd ${version} for ${architecture}.`);
  const hosts = nodes.map(({ address }) => address);
  return [rawScript, folder, mirror, version, sha256, privateKeyFile, knownHostsFile, ...hosts];
}

export function raw(call: readonly string[]): Promise<string> {
  return onClient("timeout", RAW_TIMEOUT_S, ...call);
}

/** The stack's cluster for a client; its certificates go into the folder. */
export async function provisioned(bundle: string): Promise<Served> {
  await onClient("npm", "run", "--silent", "client", "--", "--write-bundle", bundle);
  const { nodes } = await describeLab();
  return { bundle, endpoints: nodes.map(({ address }) => `https://${address}:2379`) };
}

/** Writes per second that the cluster acknowledges under the fixed load. */
export async function throughput({ bundle, endpoints }: Served): Promise<number> {
  return Number(await onClient("node", "--no-warnings", loadProgram, LOAD_SECONDS, bundle, ...endpoints));
}

/** Replaces the members by some started by hand, as long as `work` takes. */
export async function whileByHand<T>(work: () => Promise<T>): Promise<T> {
  await byHand("take"); // all of them first: the two clusters never meet
  await byHand("start");
  const result = await work();
  await byHand("give-back");
  return result;
}

async function byHand(what: string): Promise<void> {
  const script = await readFile(byHandScript, "utf8");
  const { nodes } = await describeLab();
  const onEach = nodes.map((_, index) =>
    run(labCommand, ["enter", String(index + 1), "sh", "-c", script, "by-hand", what]),
  );
  await Promise.all(onEach);
}

export function onClient(...command: readonly string[]): Promise<string> {
  return run(labCommand, ["exec", ...command]);
}
