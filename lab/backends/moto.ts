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

/** Starts it on a free port of the loopback address; it ends with this process at the latest. */
export async function startMoto(): Promise<Moto> {
  const args = ["-m", "moto.server", "--host", "127.0.0.1", "--port", "0"];
  const server = spawn(python(await motoFolder()), args, { stdio: ["ignore", "ignore", "pipe"] });
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
