// A stand-in for AWS S3 and KMS on this machine, for tests of state backends: the server of the Python package moto.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { env } from "node:process";
import type { Log } from "../../lib/progress.ts";
import { run } from "../../lib/run.ts";

const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");

export interface Moto {
  readonly url: string;
  readonly stop: () => void;
}

/** Installs it into a folder of its own in the cache, once. */
export async function installMoto(log: Log = () => {}): Promise<string> {
  const folder = await motoFolder();
  if (await works(folder)) return "moto, installed before";
  await rm(folder, { recursive: true, force: true }); // one whose Python is gone
  log("installing moto from PyPI: about ten seconds, once");
  const draft = `${folder}.${process.pid}`;
  const options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"];
  await mkdir(dirname(folder), { recursive: true });
  try {
    await run("python3", ["-m", "venv", draft], log);
    await run(python(draft), ["-m", "pip", "install", ...options, "--requirement", REQUIREMENTS], log);
    // Another process may have been first; its folder is as good.
    await rename(draft, folder).catch(() => {});
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return "moto";
}

export interface MotoPlace {
  /** What its command is an argument of, so that it runs elsewhere. @default it runs here */
  readonly within?: readonly string[];
  /** @default the loopback address */
  readonly host?: string;
  /** How many requests it answers whoever asks, before it wants signatures. @default all of them */
  readonly unsigned?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts it on a free port; it ends with this process at the latest. */
export async function startMoto(place: MotoPlace = {}): Promise<Moto> {
  const { within = [], host = "127.0.0.1", unsigned } = place;
  const interpreter = python(await motoFolder());
  const [command = interpreter, ...words] = [...within, interpreter];
  const args = [...words, "-m", "moto.server", "--host", host, "--port", "0"];
  const signatures = unsigned === undefined ? {} : { INITIAL_NO_AUTH_ACTION_COUNT: String(unsigned) };
  const server = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...env, ...place.env, ...signatures },
  });
  const stop = () => void server.kill();
  process.on("exit", stop);
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    server.stderr.on("data", (part) => {
      text += part; // it also tells every request here, which has to be read for it to go on
      const [, address] = /Running on (http:\S+)/.exec(text) ?? [];
      if (address !== undefined) resolve(address);
    });
    server.on("error", reject);
    server.on("close", () => reject(new Error(`moto ended before it served: ${text}`)));
  });
  return { url, stop };
}

async function motoFolder(): Promise<string> {
  const { ETCD_CACHE, XDG_CACHE_HOME } = env;
  const cache = ETCD_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "etcd-cluster");
  const digest = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .digest("hex");
  return join(cache, `moto-${digest.slice(0, 10)}`);
}

function python(folder: string): string {
  return join(folder, "bin/python");
}

/** The interpreter in there is a link to the machine's own, which may have been replaced since. */
async function works(folder: string): Promise<boolean> {
  return await access(python(folder), constants.X_OK).then(
    () => true,
    () => false,
  );
}
