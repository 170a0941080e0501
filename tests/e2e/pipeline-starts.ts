/** What hosts do while something is done: which members start, as systemd of each noted it, or nothing at all. */

import assert from "node:assert/strict";
import { glob } from "node:fs/promises";
import { footprint, labEnv, onHost, type Result } from "./lab.ts";

interface Start {
  readonly host: string;
  /** Seconds since 1970, of the one clock that all hosts share. */
  readonly time: number;
}

export interface Watched<T> {
  readonly result: T;
  /** Hosts whose member was started, in that order, each as often as it was. */
  readonly started: readonly string[];
}

export async function startsDuring<T>(hosts: readonly number[], work: () => Promise<T>): Promise<Watched<T>> {
  const before = (await startsOf(hosts)).length;
  const result = await work();
  const all = [...(await startsOf(hosts))].sort((a, b) => a.time - b.time);
  return { result, started: all.slice(before).map(({ host }) => host) };
}

async function startsOf(hosts: readonly number[]): Promise<readonly Start[]> {
  const lists = await Promise.all(
    hosts.map(async (n) => {
      const journal = await onHost(
        n,
        "journalctl --sync; journalctl _PID=1 -u etcd -o short-unix --no-pager",
      );
      const times = [...journal.matchAll(/^([\d.]+) \S+ systemd\[1\]: Started etcd\.service/gm)];
      return times.map(([, time]): Start => ({ host: `node${n}`, time: Number(time) }));
    }),
  );
  return lists.flat();
}

/** The hosts are exactly as before, but for what a running member writes. */
export async function untouched(nodes: readonly number[], work: () => Promise<Result>): Promise<Result> {
  const data = / etcd etcd /;
  const footprints = () =>
    Promise.all(nodes.map(async (n) => (await footprint(n)).split("\n").filter((line) => !data.test(line))));
  const before = await footprints();
  const result = await work();
  assert.deepEqual(await footprints(), before);
  return result;
}

/** Of the state: what a killed update leaves. */
export async function locks(): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const file of glob("state/.pulumi/locks/**/*.json", { cwd: labEnv.LAB_DIR ?? "" }))
    found.push(file);
  return found;
}
