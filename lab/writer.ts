/** Six clients that keep writing, and know afterwards which acknowledged writes are missing and how long the gaps were. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { Etcd3 } from "etcd3";

const CLIENTS = 6;
const [pauseMs = "", directory = "", ...hosts] = argv.slice(2);
const file = (name: string) => readFileSync(join(directory, name));
const credentials = {
  rootCertificate: file("ca.crt"),
  certChain: file("client.crt"),
  privateKey: file("client.key"),
};

const acknowledged = new Map<string, string>();
const stamps: number[] = [];
let stopped = false;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Each client starts at another member and goes on to the next when one does not answer: as real clients do. */
async function write(client: number): Promise<void> {
  const turn = hosts.slice(client % hosts.length).concat(hosts.slice(0, client % hosts.length));
  const etcd = new Etcd3({
    hosts: turn,
    credentials,
    dialTimeout: 500,
    defaultCallOptions: () => ({ deadline: Date.now() + 2000 }),
  });
  for (let count = 0; !stopped; count++) {
    const key = `writer/${client}/${count}`;
    try {
      await etcd.put(key).value(String(count));
      acknowledged.set(key, String(count));
      stamps.push(performance.now());
      await pause(Number(pauseMs));
    } catch {
      // not acknowledged: it may or may not be there, and nobody was promised it
      await pause(5);
    }
  }
  etcd.close();
}

/** Of whichever member answers first. */
function read(prefix: string): Promise<Record<string, string>> {
  return Promise.any(
    hosts.map(async (host) => {
      const etcd = new Etcd3({ hosts: host, credentials, dialTimeout: 5000 });
      try {
        return await etcd.getAll().prefix(prefix).strings();
      } finally {
        etcd.close();
      }
    }),
  );
}

async function missing(): Promise<number> {
  const found: Record<string, string> = {};
  // one client's keys at a time: an answer may have no more than 4 MiB
  for (let client = 0; client < CLIENTS; client++) {
    Object.assign(found, await read(`writer/${client}/`));
  }
  return [...acknowledged].filter(([key, value]) => found[key] !== value).length;
}

process.stdin.once("end", () => {
  stopped = true;
});
process.stdin.resume();
console.log("writing");
await Promise.all(Array.from({ length: CLIENTS }, (_, client) => write(client)));
const gaps = stamps.slice(1).map((stamp, index) => stamp - (stamps[index] ?? stamp));
const longest = gaps.reduce((most, gap) => Math.max(most, gap), 0);
const gapBegan = performance.timeOrigin + (stamps[gaps.indexOf(longest)] ?? 0);
console.log(
  JSON.stringify({
    acknowledged: acknowledged.size,
    missing: await missing(),
    longestGapMs: Math.round(longest),
    gapBegan: new Date(gapBegan).toISOString(),
  }),
);
