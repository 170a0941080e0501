// A stack that npm run pin writes a release into, and a mirror that serves SHA256SUMS.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { TestContext } from "node:test";
import { StandIns } from "./stand-ins.ts";

export const digest = (fill: string) => fill.repeat(32);
export const FILE = "Pulumi.prod.yaml";

/** As etcd's releases have it. */
export function sums(version: string, amd64 = digest("ab"), arm64 = digest("cd")): string {
  const line = (one: string, os: string) => `${one}  etcd-v${version}-${os}\n`;
  return [
    line(digest("11"), "darwin-amd64.zip"),
    line(amd64, "linux-amd64.tar.gz"),
    line(arm64, "linux-arm64.tar.gz"),
    line(digest("22"), "linux-s390x.tar.gz"),
  ].join("");
}

export async function listening(t: TestContext, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

export interface Setting {
  /** SHA256SUMS by version. */
  readonly served?: Readonly<Record<string, string>>;
  readonly lines?: readonly string[];
}

/** A stack on such a mirror; its file declares a patch with a comment, and more lines. */
export async function stackOn(t: TestContext, { served = {}, lines = ["etcd:version: 3.6.14"] }: Setting) {
  const folder = new StandIns(t);
  const answering = createServer((request, response) => {
    const [, version = ""] = /^\/v([^/]+)\/SHA256SUMS$/.exec(request.url ?? "") ?? [];
    response.writeHead(version in served ? 200 : 404).end(served[version]);
  });
  const mirror = await listening(t, answering);
  const text = [
    "# of the team",
    "config:",
    '  aws:allowedAccountIds: ["111122223333"] # ours',
    `  etcd:mirror: ${mirror}`,
    ...lines.map((line) => `  ${line}`),
    "  etcd:nodes: # three",
    "    - { name: node1, address: 192.168.1.101 }",
    "",
  ].join("\n");
  folder.write(FILE, text);
  const pin = (...args: string[]) => folder.run("pin", "--stack", "team/etcd/prod", ...args);
  return { folder, mirror, text, pin, file: () => folder.read(FILE) };
}
