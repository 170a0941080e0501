// npm run client: etcdctl against the stack's cluster, as its administrator; or the certificate as files of mode 0600.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, env, exit } from "node:process";
import { pulumiJson, type Stack } from "../../lib/pulumi.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { runOnHost } from "./on-host.ts";

interface Bundle {
  readonly caCert: string;
  readonly cert: string;
  readonly key: string;
}

function isBundle(value: unknown): value is Bundle {
  const parts = ["caCert", "cert", "key"];
  return typeof value === "object" && value !== null && parts.every((part) => part in value);
}

async function readBundle(stack: Stack): Promise<Bundle> {
  const bundle = await pulumiJson(stack, "stack", "output", "clientBundle", "--show-secrets", "--json");
  if (!isBundle(bundle)) throw new Error("the stack has no client bundle yet: run pulumi up first");
  return bundle;
}

function writeBundle(directory: string, { caCert, cert, key }: Bundle): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [file, text] of Object.entries({ "ca.crt": caCert, "client.crt": cert, "client.key": key })) {
    const path = join(directory, file);
    rmSync(path, { force: true }); // the mode below is for a new file only
    writeFileSync(path, text, { mode: 0o600 });
  }
}

async function endpoints(stack: Stack): Promise<string> {
  const urls = await pulumiJson(stack, "stack", "output", "endpoints", "--json");
  return Array.isArray(urls) ? urls.join(",") : "";
}

function runHere(stack: Stack, args: readonly string[]): Promise<number> {
  return withPrivateFolder(async (directory) => {
    writeBundle(directory, await readBundle(stack));
    const login = ["--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key"];
    const files = login.map((word) => (word.startsWith("--") ? word : join(directory, word)));
    const all = ["--endpoints", await endpoints(stack), ...files, ...args];
    return spawnSync("etcdctl", all, { stdio: "inherit", env: withoutEtcdVariables() }).status ?? 1;
  });
}

/** A variable ETCDCTL_X beside the flag --x is fatal to etcdctl. */
function withoutEtcdVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ETCDCTL_")));
}

async function main(): Promise<number> {
  if (directory !== undefined) {
    writeBundle(directory, await readBundle(stack));
    console.log(`wrote ca.crt, client.crt and client.key to ${directory}`);
    return 0;
  }
  const local = spawnSync("etcdctl", ["version"], { stdio: "ignore" });
  return local.error === undefined ? runHere(stack, etcdctl) : runOnHost(await loginTo(stack), etcdctl);
}

const { values, words: etcdctl } = callOrExit(commands.client, argv.slice(2));
const { stack, "write-bundle": directory } = values;
try {
  exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
