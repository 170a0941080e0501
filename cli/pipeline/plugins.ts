/** The plugins of the packages that are installed, each with the digest that is recorded for it. */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { arch, platform } from "node:process";
import { record, text } from "../../lib/json.ts";
import { pulumiRun } from "../../lib/pulumi.ts";

/** As sha256sum prints it: a digest and an archive's name a line. */
const DIGESTS = "pulumi-plugins.sha256";
const PACKAGES = ["command", "tls", "aws"];
/** Archives with a digest, for the pipeline's cache: whatever is in there is checked again. */
const CACHE = ".plugins";

/**
 * Installs them all, so that later, when credentials are there, nothing is fetched.
 * @param releases where the repositories with the releases are. @default Pulumi's
 */
export async function installPlugins(releases = "https://github.com/pulumi"): Promise<void> {
  const digests = await readFile(DIGESTS, "utf8");
  for (const name of PACKAGES) {
    const version = await installedVersion(name);
    if (version === undefined) continue;
    const archive = `pulumi-resource-${name}-v${version}-${platform}-${arch === "x64" ? "amd64" : arch}.tar.gz`;
    const digest = digestOf(archive, digests);
    const install = ["plugin", "install", "resource", name, version, "--exact"];
    if (digest === undefined) {
      console.error(`${archive} is not checked: ${DIGESTS} has no digest of it (docs/pipelines.md).`);
      await pulumiRun(undefined, install);
    } else {
      const url = `${releases}/pulumi-${name}/releases/download/v${version}/${archive}`;
      await pulumiRun(undefined, [...install, "--file", await checkedArchive(archive, digest, url)]);
    }
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

/** From the cache if it is there as it should be, or else from the release. */
async function checkedArchive(archive: string, digest: string, url: string): Promise<string> {
  const path = join(CACHE, archive);
  const kept = await readFile(path).catch(() => undefined);
  if (kept !== undefined && sha256(kept) === digest) return path;
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const content = Buffer.from(await answer.arrayBuffer());
  if (sha256(content) !== digest)
    throw new Error(
      `${url} has the digest ${sha256(content)}, and ${DIGESTS} says ${digest}: nothing was installed from it.`,
    );
  await mkdir(CACHE, { recursive: true });
  await writeFile(path, content);
  return path;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
