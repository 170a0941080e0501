// A mirror of etcd's releases on loopback, with archives made by the real tar.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";

export const VERSION = "3.6.14";
export const ARCHIVE_PATH = `/v${VERSION}/etcd-v${VERSION}-linux-amd64.tar.gz`;

/** An archive laid out like the release's. */
export function makeArchive(files: Readonly<Record<string, string>>): Buffer {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-archive-"));
  try {
    const top = `etcd-v${VERSION}-linux-amd64`;
    fs.mkdirSync(path.join(folder, top));
    for (const [name, content] of Object.entries(files))
      fs.writeFileSync(path.join(folder, top, name), content, { mode: 0o600 });
    return execFileSync("tar", ["-cz", "--owner=1000", "--group=1000", "-C", folder, top]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const binary = (name: string) => `#!/bin/sh\necho ${name} Version: ${VERSION}\n`;

export const BINARIES: Readonly<Record<string, string>> = {
  etcd: binary("etcd"),
  etcdctl: binary("etcdctl"),
  etcdutl: binary("etcdutl"),
  "README.md": "etcd\n",
};

export const ARCHIVE = makeArchive(BINARIES);

export function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

export interface Mirror {
  readonly url: string;
  /** What was asked for, as it stood in the request. */
  readonly requests: string[];
}

/** Serves one archive under its release's path (as a proxy, too), and 404 for all else. */
export async function serveArchive(t: TestContext, archive: Buffer): Promise<Mirror> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    const { url = "" } = request;
    requests.push(url);
    if (url.endsWith(ARCHIVE_PATH)) return void response.end(archive);
    response.statusCode = 404;
    response.end("there is no such file\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { url: urlOf(server.address()), requests };
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new Error("the mirror has no port");
  return `http://127.0.0.1:${address.port}`;
}
