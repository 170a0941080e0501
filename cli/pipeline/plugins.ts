/** The plugins of the packages that are installed, each with the digest that is recorded for it. */

import { readFile } from "node:fs/promises";
import { arch, platform } from "node:process";
import { record, text } from "../../lib/json.ts";
import { pulumiRun } from "../../lib/pulumi.ts";

/** As sha256sum prints it: a digest and an archive's name a line. */
const DIGESTS = "pulumi-plugins.sha256";
const PACKAGES = ["command", "tls", "aws"];

/** Installs them all, so that later, when credentials are there, nothing is fetched. */
export async function installPlugins(): Promise<void> {
  const digests = await readFile(DIGESTS, "utf8");
  for (const name of PACKAGES) {
    const version = await installedVersion(name);
    if (version === undefined) continue;
    const archive = `pulumi-resource-${name}-v${version}-${platform}-${arch === "x64" ? "amd64" : arch}.tar.gz`;
    const digest = digestOf(archive, digests);
    if (digest === undefined)
      console.error(`${archive} is not checked: ${DIGESTS} has no digest of it (docs/pipelines.md).`);
    const check = digest === undefined ? [] : ["--checksum", digest];
    console.log(
      await pulumiRun(undefined, ["plugin", "install", "resource", name, version, "--exact", ...check]),
    );
  }
}

/** Of the SDK, which the lock file pins; undefined for one that --omit=optional left out. */
async function installedVersion(name: string): Promise<string | undefined> {
  const content = await readFile(`node_modules/@pulumi/${name}/package.json`, "utf8").catch(() => undefined);
  return content === undefined ? undefined : text(record(JSON.parse(content)).version);
}

function digestOf(archive: string, digests: string): string | undefined {
  const lines = digests.split("\n").map((line) => line.split(/\s+/));
  return lines.find(([digest, name]) => name === archive && /^[0-9a-f]{64}$/.test(digest ?? ""))?.[0];
}
