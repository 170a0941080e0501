// mirror.ts DIRECTORY ADDRESS PORT: serves the files of a directory over HTTP, read-only.
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join, sep } from "node:path";
import { argv } from "node:process";
import { pipeline } from "node:stream/promises";

/** Makes a server of the regular files in `directory`; the caller lets it listen. */
export function mirrorOf(directory: string): Server {
  return createServer((request, response) => {
    serve(directory, request, response).catch((error: unknown) => {
      console.error(`${request.url}: ${error}`);
      if (response.headersSent) response.destroy();
      else answer(response, 500);
    });
  });
}

async function serve(directory: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405);
  const file = await fileAt(directory, request.url ?? "/");
  if (!file) return answer(response, 404);
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": file.size });
  if (request.method === "HEAD") response.end();
  else await pipeline(createReadStream(file.path), response);
}

/** The regular file that a request names; nothing outside the directory, by ".." or by link. */
async function fileAt(directory: string, url: string): Promise<{ path: string; size: number } | undefined> {
  try {
    const { pathname } = new URL(url, "http://mirror");
    const path = await realpath(join(directory, decodeURIComponent(pathname)));
    if (!path.startsWith((await realpath(directory)) + sep)) return undefined;
    const found = await stat(path);
    return found.isFile() ? { path, size: found.size } : undefined;
  } catch {
    return undefined; // not there, or not a path at all
  }
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}

if (import.meta.main) {
  const [directory, address, port] = argv.slice(2);
  if (!directory || !address || !port) throw new Error("usage: mirror.ts DIRECTORY ADDRESS PORT");
  mirrorOf(directory).listen(Number(port), address);
}
