// Finds a Pulumi engine: the CLI, the Node.js language host and the two plugins the program uses, together in one folder for PATH.
//
//   installed   what is on PATH already
//   downloaded  the official releases
//   built       where nothing can be downloaded: the CLI from its Go module, the rest from the stand-ins beside this file
//
// In that order, unless ETCD_ENGINE names one of them; of the newest CLI, unless ETCD_CLI names the oldest one. As a script
// it prints the kind and the folder, a line each.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { buildCli } from "./build.ts";
import { digestOf, publishedDigest, QUICKLY } from "./checksum.ts";
import { message } from "./errors.ts";

/** What the tests run on; cli/ has a Go module for each. */
export const NEWEST_CLI = "3.276.0";
export const OLDEST_CLI = "3.250.0";
const PLUGINS = { command: "1.2.1", tls: "5.6.1" };
const STAND_INS = {
  "pulumi-language-nodejs": "language-host.ts",
  "pulumi-resource-command": "command-provider.ts",
  "pulumi-resource-tls": "tls-provider.ts",
};

export type EngineKind = "installed" | "downloaded" | "built";
export interface Engine {
  kind: EngineKind;
  /** To be put first on PATH. */
  bin: string;
}
type Log = (line: string) => void;
/** Programs by name, each with its file. */
type Programs = Record<string, string>;

const run = promisify(execFile);
const here = import.meta.dirname;

function cliVersion(): string {
  const { ETCD_CLI } = process.env;
  if (ETCD_CLI === undefined || ETCD_CLI === "") return NEWEST_CLI;
  if (ETCD_CLI !== NEWEST_CLI && ETCD_CLI !== OLDEST_CLI)
    throw new Error(`ETCD_CLI=${ETCD_CLI}: it is one of ${OLDEST_CLI}, ${NEWEST_CLI}`);
  return ETCD_CLI;
}

export function cacheFolder(): string {
  const { ETCD_CACHE, XDG_CACHE_HOME } = process.env;
  return path.join(
    ETCD_CACHE || path.join(XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "etcd-cluster"),
    "engine",
  );
}

export async function findEngine(log: Log): Promise<Engine> {
  const ways = { installed: findInstalled, downloaded: () => download(log), built: () => build(log) };
  const forced = process.env.ETCD_ENGINE;
  if (forced !== undefined && forced !== "") {
    if (forced !== "installed" && forced !== "downloaded" && forced !== "built") {
      throw new Error(`ETCD_ENGINE=${forced}: it is one of installed, downloaded, built`);
    }
    return { kind: forced, bin: await assemble(forced, await ways[forced]()) };
  }
  const failures: string[] = [];
  for (const kind of order()) {
    try {
      return { kind, bin: await assemble(kind, await ways[kind]()) };
    } catch (error) {
      failures.push(`${kind}: ${message(error)}`);
    }
  }
  throw new Error(`No Pulumi engine.\n${failures.map((line) => `  ${line}`).join("\n")}`);
}

/** A CLI that was built earlier is used before another download is tried: that keeps the second call quick. */
function order(): EngineKind[] {
  const built = existsSync(builtCli()) && !existsSync(downloadedFolder());
  return built ? ["installed", "built"] : ["installed", "downloaded", "built"];
}

/** A folder of links (and, for the stand-ins, scripts): one per set of programs, so that checkouts do not disturb each other. */
async function assemble(kind: EngineKind, programs: Programs): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([here, process.execPath, programs]))
    .digest("hex")
    .slice(0, 10);
  const bin = path.join(cacheFolder(), `bin-${kind}-${key}`);
  if (existsSync(bin)) return bin;
  const draft = `${bin}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  for (const [name, file] of Object.entries(programs)) {
    const target = path.join(draft, name);
    if (file.endsWith(".ts")) await writeStandIn(target, file);
    else await symlink(file, target);
  }
  // Another process may have been first; its folder is just as good.
  await rename(draft, bin).catch(() => rm(draft, { recursive: true }));
  return bin;
}

async function writeStandIn(target: string, source: string): Promise<void> {
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  const lines = [
    "#!/bin/sh",
    "# Written by lab/engine/find.ts: a stand-in, because the official program cannot be downloaded here.",
    `NODE_COMPILE_CACHE=${quote(path.join(cacheFolder(), "compile-cache"))}; export NODE_COMPILE_CACHE`,
    `exec ${quote(process.execPath)} ${quote(source)} "$@"`,
  ];
  await writeFile(target, `${lines.join("\n")}\n`);
  await chmod(target, 0o755);
}

// ---- installed

async function findInstalled(): Promise<Programs> {
  const pulumi = onPath("pulumi");
  if (pulumi === undefined) throw new Error("there is no pulumi on PATH");
  const version = await versionOf(pulumi);
  if (process.env.ETCD_CLI && version !== cliVersion())
    throw new Error(`pulumi on PATH is ${version}, not ${cliVersion()}`);
  if (isOlder(version, OLDEST_CLI))
    throw new Error(`pulumi on PATH is ${version}; ${OLDEST_CLI} or later is needed`);
  const programs: Programs = { pulumi, "pulumi-language-nodejs": beside(pulumi, "pulumi-language-nodejs") };
  const home = process.env.PULUMI_HOME || path.join(os.homedir(), ".pulumi");
  for (const name of pluginNames()) {
    const file = onPath(`pulumi-resource-${name}`) ?? pluginFile(home, name);
    programs[`pulumi-resource-${name}`] = file ?? (await fetchPlugin(pulumi, home, name));
  }
  return programs;
}

function pluginNames(): (keyof typeof PLUGINS)[] {
  return ["command", "tls"];
}

/** Our own folders do not count: they are on PATH wherever an engine was found before. */
function onPath(name: string): string | undefined {
  const ours = cacheFolder() + path.sep;
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders
    .filter((folder) => path.isAbsolute(folder) && !folder.startsWith(ours))
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function beside(pulumi: string, name: string): string {
  const file = [path.join(path.dirname(pulumi), name)].find(isExecutable) ?? onPath(name);
  if (file === undefined) throw new Error(`there is no ${name} on PATH`);
  return file;
}

function pluginFile(home: string, name: keyof typeof PLUGINS): string | undefined {
  const file = path.join(home, "plugins", `resource-${name}-v${PLUGINS[name]}`, `pulumi-resource-${name}`);
  return existsSync(file) ? file : undefined;
}

/** Asking the CLI costs a quarter of a second, so the answer is kept as long as the file does not change. */
async function versionOf(pulumi: string): Promise<string> {
  const { mtimeMs, size } = await stat(pulumi);
  const note = path.join(cacheFolder(), "installed-version.json");
  const key = `${pulumi} ${mtimeMs} ${size}`;
  const known = await readFile(note, "utf8").catch(() => "");
  if (known.startsWith(`${key}\n`)) return known.slice(key.length + 1);
  const { stdout } = await run(pulumi, ["version"], {
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  const version = stdout.trim().replace(/^v/, "");
  await mkdir(cacheFolder(), { recursive: true });
  await writeFile(note, `${key}\n${version}`);
  return version;
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}

// ---- downloaded

function downloadedFolder(): string {
  return path.join(cacheFolder(), `downloaded-v${cliVersion()}`);
}

async function download(log: Log): Promise<Programs> {
  const folder = downloadedFolder();
  if (!existsSync(folder)) await downloadCli(folder, log);
  const pulumi = path.join(folder, "pulumi");
  const programs: Programs = {
    pulumi,
    "pulumi-language-nodejs": path.join(folder, "pulumi-language-nodejs"),
  };
  const home = path.join(folder, "home");
  for (const name of pluginNames()) {
    programs[`pulumi-resource-${name}`] = pluginFile(home, name) ?? (await fetchPlugin(pulumi, home, name));
  }
  return programs;
}

async function downloadCli(folder: string, log: Log): Promise<void> {
  const platform = `${process.platform}-${process.arch === "x64" ? "x64" : "arm64"}`;
  const version = cliVersion();
  const name = `pulumi-v${version}-${platform}.tar.gz`;
  const checksums = `https://github.com/pulumi/pulumi/releases/download/v${version}/pulumi-${version}-checksums.txt`;
  const url = `https://get.pulumi.com/releases/sdk/${name}`;
  const draft = `${folder}.${process.pid}`;
  const archive = `${draft}.tar.gz`;
  try {
    const digest = await publishedDigest(checksums, name).catch(() => cannotBeHad(checksums));
    await run("curl", ["-fsSIL", ...QUICKLY, url]).catch(() => cannotBeHad(url));
    log(`downloading Pulumi ${version}`);
    await mkdir(path.dirname(archive), { recursive: true });
    await run("curl", ["-fsSL", "--connect-timeout", "3", "--max-time", "600", "-o", archive, url]).catch(
      () => cannotBeHad(url),
    );
    if ((await digestOf(archive)) !== digest) {
      throw new Error(`${url} does not have the checksum in ${checksums}, and is not used`);
    }
    await mkdir(draft, { recursive: true });
    await run("tar", ["-xzf", archive, "-C", draft, "--strip-components", "1"]);
    await rename(draft, folder);
  } finally {
    await rm(archive, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

function cannotBeHad(url: string): never {
  throw new Error(`${url} cannot be had from here`);
}

async function fetchPlugin(pulumi: string, home: string, name: keyof typeof PLUGINS): Promise<string> {
  const args = ["plugin", "install", "resource", name, PLUGINS[name]];
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  await run(pulumi, args, { env, timeout: 120_000 }).catch(() => {});
  const file = pluginFile(home, name);
  if (file === undefined)
    throw new Error(`the plugin ${name} ${PLUGINS[name]} is not installed and cannot be downloaded`);
  return file;
}

// ---- built

function builtCli(): string {
  return path.join(cacheFolder(), `cli-v${cliVersion()}`, "pulumi");
}

async function build(log: Log): Promise<Programs> {
  const pulumi = builtCli();
  if (!existsSync(pulumi)) await buildCli(cliVersion(), pulumi, log);
  log(
    "the language host and the plugins are this repository's stand-ins, because the official ones cannot be downloaded here",
  );
  const standIns = Object.entries(STAND_INS).map(([name, source]) => [name, path.join(here, source)]);
  return { pulumi, ...Object.fromEntries(standIns) };
}

if (import.meta.main) {
  const { kind, bin } = await findEngine((line) => console.error(line));
  console.log(`${kind}\n${bin}`);
}
