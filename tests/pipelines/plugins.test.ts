// The plugins that a pipeline installs before any credential is there.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, beforeEach, mock, test } from "node:test";
import { installPlugins } from "../../cli/pipeline/plugins.ts";
import { repository } from "./files.ts";

const VERSIONS = { command: "1.2.1", tls: "5.6.1" }; // aws was left out
const CONTENT = "an archive";
const DIGEST = createHash("sha256").update(CONTENT).digest("hex");
const CPU = process.arch === "x64" ? "amd64" : process.arch;
const COMMAND = archive("command");
const said = mock.method(console, "error", () => {});
let folder: string;
let server: Server;
let releases: string;
/** What the server was asked for, and what it answers. */
let asked: string[];
let content: string;

function archive(name: keyof typeof VERSIONS): string {
  return `pulumi-resource-${name}-v${VERSIONS[name]}-${process.platform}-${CPU}.tar.gz`;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "plugins-"));
  for (const [name, version] of Object.entries(VERSIONS)) {
    const path = join(folder, "node_modules/@pulumi", name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "package.json"), JSON.stringify({ version }));
  }
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin/pulumi"), `#!/bin/sh\necho "$*" >>calls\n`, { mode: 0o755 });
  process.env.PATH = [join(folder, "bin"), process.env.PATH].join(delimiter);
  process.chdir(folder); // where a job's own commands run
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  releases = `http://127.0.0.1:${address.port}`;
});
after(async () => {
  server.close();
  server.closeAllConnections();
  process.chdir(repository);
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  asked = [];
  content = CONTENT;
  said.mock.resetCalls();
  await rm("calls", { force: true });
  await rm(".plugins", { recursive: true, force: true });
  await writeFile("pulumi-plugins.sha256", `# a comment\n${DIGEST}  ${COMMAND}\n`);
});

async function calls(): Promise<readonly string[]> {
  const text = await readFile("calls", "utf8").catch(() => "");
  return text
    .replaceAll(" --non-interactive --color=never", "")
    .split("\n")
    .filter((line) => line !== "");
}

test("those of the installed packages: checked where a digest is recorded, named where none is", async () => {
  await installPlugins(releases);
  assert.deepEqual(await calls(), [
    `plugin install resource command 1.2.1 --exact --file .plugins/${COMMAND}`,
    "plugin install resource tls 5.6.1 --exact",
  ]);
  assert.deepEqual(asked, [`/pulumi-command/releases/download/v1.2.1/${COMMAND}`]);
  assert.deepEqual(
    said.mock.calls.map(({ arguments: words }) => words.join(" ")),
    [`${archive("tls")} is not checked: pulumi-plugins.sha256 has no digest of it (docs/pipelines.md).`],
  );
});

test("the cache saves the fetching, and nothing else: what is in it is checked again", async () => {
  await installPlugins(releases);
  await installPlugins(releases);
  assert.equal(asked.length, 1);
  await writeFile(join(".plugins", COMMAND), "something else");
  await installPlugins(releases);
  assert.equal(asked.length, 2);
  assert.equal(await readFile(join(".plugins", COMMAND), "utf8"), CONTENT);
});

test("an archive that does not have its digest is neither installed nor kept", async () => {
  content = "something else";
  await assert.rejects(
    installPlugins(releases),
    /has the digest [0-9a-f]{64}, and pulumi-plugins\.sha256 says /,
  );
  assert.deepEqual(await calls(), []);
  await assert.rejects(readFile(join(".plugins", COMMAND)));
});
