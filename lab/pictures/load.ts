// load.ts BUNDLE MINUTES ENDPOINT…: six clients that write, read and list now more and now less, so that a picture shows something.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { setTimeout } from "node:timers/promises";
import { Etcd3 } from "etcd3";

const CLIENTS = 6;
const KEYS = 3000; // of each client; written again and again, so that compaction has something to drop
const [bundle, minutes, ...endpoints] = argv.slice(2);
if (bundle === undefined || minutes === undefined || endpoints.length === 0)
  throw new Error("usage: load.ts BUNDLE MINUTES ENDPOINT…");

const file = (name: string) => readFileSync(join(bundle, name));
const credentials = {
  rootCertificate: file("ca.crt"),
  certChain: file("client.crt"),
  privateKey: file("client.key"),
};
const end = Date.now() + Number(minutes) * 60_000;

async function work(client: number): Promise<void> {
  const first = client % endpoints.length;
  const etcd = new Etcd3({
    hosts: [...endpoints.slice(first), ...endpoints.slice(0, first)],
    credentials,
  });
  for (let count = 0; Date.now() < end; count++) {
    await requests(etcd, `load/${client}`, count).catch(() => setTimeout(50)); // a member restarts
    await setTimeout(16 + 10 * Math.sin(Date.now() / 170_000) + 8 * Math.random());
  }
  etcd.close();
}

async function requests(etcd: Etcd3, prefix: string, count: number): Promise<void> {
  await etcd.put(`${prefix}/${count % KEYS}`).value("x".repeat(200 + 1500 * Math.random()));
  if (count % 3 === 0) await etcd.get(`${prefix}/${count % KEYS}`);
  if (count % 200 === 0) await etcd.getAll().prefix(`${prefix}/1`).keys();
}

await Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)));
