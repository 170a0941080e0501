// Builds the Pulumi CLI from its Go module, where nothing can be downloaded.
import { execFile } from "node:child_process";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** cli/ has a module for each of the versions. */
export async function buildCli(version: string, target: string, log: (line: string) => void): Promise<void> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  log(`building Pulumi ${version} from its Go module: 3 to 4 minutes on two cores, once`);
  const progress = setInterval(() => log(`still building Pulumi: ${seconds()} s`), 20_000);
  const draft = `${target}.${process.pid}`;
  await mkdir(path.dirname(target), { recursive: true });
  const stamp = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
  const args = ["build", "-o", draft, "-ldflags", stamp, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"];
  try {
    await run("go", args, { cwd: path.join(import.meta.dirname, "cli", `v${version}`), maxBuffer: 1 << 26 });
    await rename(draft, target);
    log(`built Pulumi in ${seconds()} s`);
  } catch (error) {
    throw new Error(buildAdvice(error));
  } finally {
    clearInterval(progress);
    await rm(draft, { force: true });
  }
}

function buildAdvice(error: unknown): string {
  const other = "or install Pulumi (https://www.pulumi.com/docs/install) and put it on PATH";
  if (error instanceof Error && "code" in error && error.code === "ENOENT") {
    return `building Pulumi needs Go 1.26.6 or later: install it (Debian: apt-get install golang), ${other}`;
  }
  const output = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  const lines = output
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("go: downloading"));
  return `building Pulumi failed; check Go's module proxy (go env GOPROXY) and the free space, ${other}:\n${lines.slice(-30).join("\n")}`;
}
