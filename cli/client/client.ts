// npm run client -- [--stack STACK] ETCDCTL-ARGUMENT…: etcdctl against the stack's cluster, as its administrator.
// npm run client -- [--stack STACK] --write-bundle DIRECTORY: the CA, certificate and key as files of mode 0600.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, env, exit } from "node:process";
import { parseArgs } from "node:util";
import { pulumi } from "../../lib/pulumi.ts";
import { loginTo } from "../shared/login.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { runOnHost } from "./on-host.ts";

const USAGE =
  "usage: npm run client -- [--stack STACK] ETCDCTL-ARGUMENT… | npm run client -- [--stack STACK] --write-bundle DIRECTORY";

interface Bundle {
  readonly caCert: string;
  readonly cert: string;
  readonly key: string;
}

/** Our options come first; from the first word that is none of them on, everything is etcdctl's. */
function parseCommandLine(words: readonly string[]) {
  const own: string[] = [];
  let rest = [...words];
  while (rest[0] === "--stack" || rest[0] === "--write-bundle") {
    own.push(...rest.slice(0, 2));
    rest = rest.slice(2);
  }
  const options = { stack: { type: "string" }, "write-bundle": { type: "string" } } as const;
  return { ...parseArgs({ args: own, options }).values, etcdctl: rest };
}

function isBundle(value: unknown): value is Bundle {
  const parts = ["caCert", "cert", "key"];
  return typeof value === "object" && value !== null && parts.every((part) => part in value);
}

function readBundle(stack: string | undefined): Bundle {
  const bundle = pulumi(stack, "stack", "output", "clientBundle", "--show-secrets");
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

function endpoints(stack: string | undefined): string {
  const urls = pulumi(stack, "stack", "output", "endpoints");
  return Array.isArray(urls) ? urls.join(",") : "";
}

function runHere(stack: string | undefined, args: readonly string[]): Promise<number> {
  return withPrivateFolder((directory) => {
    writeBundle(directory, readBundle(stack));
    const login = ["--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key"];
    const files = login.map((word) => (word.startsWith("--") ? word : join(directory, word)));
    const all = ["--endpoints", endpoints(stack), ...files, ...args];
    return spawnSync("etcdctl", all, { stdio: "inherit", env: withoutEtcdVariables() }).status ?? 1;
  });
}

/** A variable ETCDCTL_X beside the flag --x is fatal to etcdctl. */
function withoutEtcdVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ETCDCTL_")));
}

async function main(): Promise<number> {
  const { stack, "write-bundle": directory, etcdctl } = parseCommandLine(argv.slice(2));
  if (directory !== undefined) {
    writeBundle(directory, readBundle(stack));
    console.log(`wrote ca.crt, client.crt and client.key to ${directory}`);
    return 0;
  }
  if (etcdctl.length === 0) throw new Error(USAGE);
  const local = spawnSync("etcdctl", ["version"], { stdio: "ignore" });
  return local.error === undefined ? runHere(stack, etcdctl) : runOnHost(loginTo(stack), etcdctl);
}

try {
  exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
