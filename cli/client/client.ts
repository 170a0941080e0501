// npm run client: etcdctl against the stack's cluster, as its administrator; or the certificate as files of mode 0600.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, env, exit } from "node:process";
import { didYouMean } from "../../config/did-you-mean.ts";
import { record } from "../../lib/json.ts";
import { pulumiJson, type Stack } from "../../lib/pulumi.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { receiveSnapshot, runOnHost } from "./on-host.ts";
import { healthyEndpoint, NO_HEALTHY_MEMBER, saveSnapshot } from "./snapshot.ts";
import { endpointsIn, etcdctlWords, snapshotFileIn } from "./words.ts";

const DEFRAG =
  "etcdctl defrag blocks one member after the other, whether the cluster can do without it or not, and goes on when its time limit ends; run npm run defragment, or etcd-host defragment on one host";

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

async function readNamed(stack: Stack, name: string): Promise<Bundle> {
  const outputs = await pulumiJson(stack, "stack", "output", "--show-secrets", "--json");
  const clients = record(record(outputs).clients);
  const bundle = clients[name];
  if (isBundle(bundle)) return bundle;
  const names = Object.keys(clients);
  const others = names.length === 0 ? "" : `; it has ${names.join(", ")}`;
  throw new Error(
    `the stack has no client ${name} yet${didYouMean(name, names) || others}: declare it in etcd:clients, then run pulumi up`,
  );
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
    const ours = await endpoints(stack);
    const file = snapshotFileIn(args);
    if (file !== undefined)
      return saveSnapshot(file, (part) => {
        const words = args.with(args.lastIndexOf(file), part);
        return etcdctlHere([...files, ...oneHealthy(files, args, ours), ...words], "ignore");
      });
    const whom = endpointsIn(args) === undefined ? ["--endpoints", ours] : [];
    return etcdctlHere([...files, ...whom, ...args], "inherit");
  });
}

function etcdctlHere(args: readonly string[], output: "inherit" | "ignore"): number {
  const stdio = ["inherit", output, "inherit"] as const;
  return spawnSync("etcdctl", args, { stdio: [...stdio], env: withoutEtcdVariables() }).status ?? 1;
}

/** A snapshot is one member's, and the one asked has to know the last writes. */
function oneHealthy(login: readonly string[], args: readonly string[], all: string): readonly string[] {
  if (endpointsIn(args) !== undefined) return [];
  const question = [...login, "--endpoints", all, "endpoint", "health", "-w", "json"];
  const { stdout } = spawnSync("etcdctl", question, { encoding: "utf8", env: withoutEtcdVariables() });
  const endpoint = healthyEndpoint(stdout);
  if (endpoint === undefined) throw new Error(NO_HEALTHY_MEMBER);
  return ["--endpoints", endpoint];
}

/** Without an etcdctl here. */
async function askHost(stack: Stack, args: readonly string[]): Promise<number> {
  const login = await loginTo(stack);
  const file = snapshotFileIn(args);
  return file === undefined
    ? runOnHost(login, args)
    : saveSnapshot(file, (part) => receiveSnapshot(login, endpointsIn(args), part));
}

/** A variable ETCDCTL_X beside the flag --x is fatal to etcdctl. */
function withoutEtcdVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ETCDCTL_")));
}

async function main(): Promise<number> {
  if (etcdctlWords(etcdctl)[0] === "defrag") {
    console.error(`refused: ${DEFRAG}.`);
    return 3;
  }
  if (directory !== undefined) {
    writeBundle(directory, await (name === undefined ? readBundle(stack) : readNamed(stack, name)));
    console.log(`wrote ca.crt, client.crt and client.key to ${directory}`);
    return 0;
  }
  const local = spawnSync("etcdctl", ["version"], { stdio: "ignore" });
  return local.error === undefined ? runHere(stack, etcdctl) : askHost(stack, etcdctl);
}

const { values, words: etcdctl } = callOrExit(commands.client, argv.slice(2));
const { stack, "write-bundle": directory, client: name } = values;
try {
  exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
