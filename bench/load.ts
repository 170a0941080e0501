// load.ts SECONDS BUNDLE ENDPOINT...: a fixed load, and how many writes a second the cluster acknowledged under it.
// 48 clients write, each one after the other, 256 bytes at a time, over one connection to each member.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { Etcd3 } from "etcd3";

const CLIENTS = 48;
const VALUE = "v".repeat(256);
/** Connections, and this program's compiler, need a while to settle. */
const WARM_UP_MS = 1000;

const [seconds = "", bundle = "", ...endpoints] = argv.slice(2);
const file = (name: string) => readFileSync(join(bundle, name));
const credentials = {
  rootCertificate: file("ca.crt"),
  certChain: file("client.crt"),
  privateKey: file("client.key"),
};
const connections = endpoints.map((host) => new Etcd3({ hosts: [host], credentials }));

let acknowledged = 0;
let stopped = false;

async function write(client: number): Promise<void> {
  const etcd = connections[client % connections.length];
  for (let count = 0; etcd !== undefined && !stopped; count++) {
    await etcd.put(`load/${client}/${count % 100}`).value(VALUE);
    acknowledged++;
  }
}

const writing = Promise.all(Array.from({ length: CLIENTS }, (_, client) => write(client)));
await Promise.race([delay(WARM_UP_MS), writing]);
acknowledged = 0;
const started = performance.now();
await Promise.race([delay(Number(seconds) * 1000), writing]);
const rate = acknowledged / ((performance.now() - started) / 1000);
stopped = true;
await writing;
for (const etcd of connections) etcd.close();
console.log(rate.toFixed(1));
