import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mirrorOf } from "../../lab/mirror.ts";

const archive = Buffer.alloc(1_000_000, "etcd");
let folder: string;
let server: ReturnType<typeof mirrorOf>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mirror-"));
  await mkdir(join(folder, "served", "v1"), { recursive: true });
  await writeFile(join(folder, "served", "v1", "archive.tar.gz"), archive);
  await writeFile(join(folder, "secret"), "not served");
  await symlink(join(folder, "secret"), join(folder, "served", "link"));
  server = mirrorOf(join(folder, "served")).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** Sends the path as it is, where fetch would tidy up "..". */
async function ask(path: string, method = "GET"): Promise<{ status: number | undefined; body: Buffer }> {
  const address = server.address();
  assert.ok(address && typeof address === "object");
  const call = request({ host: "127.0.0.1", port: address.port, path, method }).end();
  const [response] = await once(call, "response");
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode, body: Buffer.concat(parts) };
}

test("a file is served whole", async () => {
  const { status, body } = await ask("/v1/archive.tar.gz");
  assert.equal(status, 200);
  assert.ok(body.equals(archive));
});

test("HEAD answers without the file", async () => {
  const { status, body } = await ask("/v1/archive.tar.gz", "HEAD");
  assert.equal(status, 200);
  assert.equal(body.length, 0);
});

for (const path of [
  "/",
  "/v1",
  "/v1/other",
  "/link",
  "/../secret",
  "/%2e%2e/secret",
  "/v1/..%2f..%2fsecret",
  "/%00",
  "/%",
]) {
  test(`${path} is not found`, async () => {
    assert.equal((await ask(path)).status, 404);
  });
}

test("nothing can be written", async () => {
  assert.equal((await ask("/v1/archive.tar.gz", "PUT")).status, 405);
});
