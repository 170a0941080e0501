/** What tests of a restore write, save and look for. */

import { lab, must, onHost } from "./lab.ts";

export interface Saved {
  /** The host that it is on. */
  readonly host: number;
  readonly name: string;
  readonly sha256: string;
}

const FOLDER = "/var/lib/etcd-host/snapshots";

export async function write(n: number, prefix: string, count: number): Promise<void> {
  await onHost(
    n,
    `for i in $(seq ${count}); do etcd-host ctl put ${prefix}/$i "$i" >/dev/null || exit 1; done`,
  );
}

/** Keys as host N's own member has them. */
export async function keysOn(n: number, prefix: string): Promise<readonly string[]> {
  const keys = await onHost(
    n,
    `etcd-host ctl --endpoints=https://127.0.0.1:2379 get --prefix ${prefix}/ --keys-only`,
  );
  return keys.split("\n").filter((line) => line !== "");
}

/** What a client is told that watches from there on. */
export async function watchFrom(n: number, revision: number): Promise<string> {
  return onHost(n, `timeout 5 etcd-host ctl watch --rev=${revision} before/ --prefix 2>&1 || true`);
}

/** `etcd-host snapshot` on host N, with these options. */
export async function saveSnapshot(n: number, ...options: readonly string[]): Promise<Saved> {
  const said = await onHost(n, `etcd-host snapshot ${options.join(" ")}`);
  const [, name = "", sha256 = ""] =
    new RegExp(`^saved ${FOLDER}/(\\S+), sha256 ([0-9a-f]{64})$`, "m").exec(said) ?? [];
  if (name === "") throw new Error(`no snapshot was saved: ${said}`);
  return { host: n, name, sha256 };
}

/** Puts it on the other hosts, past the network. */
export async function copied({ host, name }: Saved, others: readonly number[]): Promise<void> {
  const file = `${FOLDER}/${name}`;
  const content = await onHost(host, `base64 -w 0 ${file}`);
  for (const n of others) {
    await must(lab("enter", String(n), "sh", "-c", `install -d -m 0700 ${FOLDER}`));
    await inPieces(content, (piece) => onHost(n, `printf %s '${piece}' | base64 -d >>${file}`));
  }
}

/** An argument has its limit; a piece of 3 × 4 characters is one of bytes. */
async function inPieces(content: string, put: (piece: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < content.length; at += 96_000) await put(content.slice(at, at + 96_000));
}
