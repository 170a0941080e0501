// A store that is only memory: what S3 answers to the few requests that the program makes. It checks no signature.
import { once } from "node:events";
import http from "node:http";
import { buffer } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { Host } from "./host.ts";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
}

export class FakeStore {
  readonly objects = new Map<string, Buffer>();
  readonly asked: Asked[] = [];
  url = "";
  /** The status and the code of its refusals, by method. */
  readonly refusals: Record<string, readonly [number, string]> = {};
  /** What it does with an upload instead of keeping it. */
  instead: ((path: string, body: Buffer) => void) | undefined;
  /** Whether it says nothing to a request, closes an upload before its end, answers without end, or lists a page again. */
  fault: "silent" | "cut" | "endless" | "again" | undefined;
  /** How many keys it lists at once. */
  page = 1000;

  static async start(t: TestContext): Promise<FakeStore> {
    const store = new FakeStore();
    const server = http.createServer((request, response) => {
      void store.#answer(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the store has no port");
    store.url = `http://127.0.0.1:${address.port}/bucket`;
    return store;
  }

  configure(host: Host): void {
    host.write("etc/etcd/store.conf", `url=${this.url}\nprefix=etcd\nregion=eu-central-1\n`, 0o600);
    host.write("etc/etcd/store.curlrc", 'user = "KEYID:SECRET"\n', 0o600);
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    this.asked.push({ method, url, headers });
    if (this.fault === "silent") return;
    if (this.fault === "endless" && method !== "HEAD") {
      const more = () => response.write(Buffer.alloc(1024 ** 2, "x"), () => response.destroyed || more());
      more();
      return;
    }
    if (this.fault === "cut" && method === "PUT") {
      request.socket.destroy();
      return;
    }
    const body = await buffer(request);
    const refused = this.refusals[method];
    if (refused !== undefined) {
      response.writeHead(refused[0]);
      response.end(`<?xml version="1.0"?><Error><Code>${refused[1]}</Code></Error>`);
      return;
    }
    const { pathname, searchParams } = new URL(url, "http://store");
    const key = pathname.slice("/bucket/".length);
    if (searchParams.has("list-type")) response.end(this.#list(searchParams));
    else if (method === "PUT") this.#put(key, body, headers, response);
    else this.#get(method, key, response);
  }
  #put(key: string, body: Buffer, headers: http.IncomingHttpHeaders, response: http.ServerResponse): void {
    if (headers["if-none-match"] === "*" && this.objects.has(key)) response.writeHead(412);
    else if (this.instead === undefined) this.objects.set(key, body);
    else this.instead(key, body);
    response.end();
  }
  #get(method: string, key: string, response: http.ServerResponse): void {
    const found = this.objects.get(key);
    if (found === undefined) response.writeHead(404);
    else response.setHeader("Content-Length", found.length);
    response.end(method === "HEAD" ? undefined : (found ?? "<Error><Code>NoSuchKey</Code></Error>"));
  }
  #list(asked: URLSearchParams): string {
    const after = this.fault === "again" ? "" : (asked.get("start-after") ?? "");
    const all = [...this.objects].filter(([key]) => key.startsWith(asked.get("prefix") ?? "") && key > after);
    all.sort(([one], [other]) => (one < other ? -1 : 1));
    const page = all.slice(0, this.page);
    const rows = page.map(
      ([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`,
    );
    return `<ListBucketResult><IsTruncated>${page.length < all.length}</IsTruncated>${rows.join("")}</ListBucketResult>`;
  }
}
