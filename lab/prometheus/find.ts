// find.ts: prints the folder with prometheus and promtool, Debian's, unpacked into the cache on first use.
// Nothing is installed: the package would start a service.
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import type { Log } from "../../lib/progress.ts";
import { run } from "../../lib/run.ts";

const cache = env.ETCD_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "etcd-cluster");
const unpacked = join(cache, "prometheus");
const bin = join(unpacked, "usr/bin");
const PROGRAMS = ["prometheus", "promtool"];

/** The folder with both programs: the cache, or one of the PATH, or else the cache once it is filled. */
export async function findPrometheus(log: Log = () => {}): Promise<string> {
  const folders = (env.PATH ?? "").split(delimiter);
  const there = await first([bin, ...folders], ...PROGRAMS);
  if (there !== undefined) return there;
  if ((await first(folders, "apt-get")) === undefined) {
    throw new Error("There is no prometheus here: put prometheus and promtool on the PATH.");
  }
  await unpack(log);
  return bin;
}

/** Downloads and unpacks beside the final place, so that what is there is whole. */
async function unpack(log: Log): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, ".prometheus-"));
  try {
    await run("flock", [cache, "apt-get", "update", "-qq"], log); // apt-get itself does not wait for another update
    await run("sh", ["-c", 'cd "$0" && apt-get download -qq prometheus', folder], log);
    const [archive] = (await readdir(folder)).filter((name) => name.endsWith(".deb"));
    if (archive === undefined) throw new Error("apt-get downloaded no prometheus: see its lines above.");
    await run("dpkg-deb", ["-x", join(folder, archive), join(folder, "root")], log);
    await rename(join(folder, "root"), unpacked).catch(async (error: unknown) => {
      if (!(await isIn(bin, ...PROGRAMS))) throw error; // else another process was quicker
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first folder that holds all of these programs. */
async function first(
  folders: readonly string[],
  ...programs: readonly string[]
): Promise<string | undefined> {
  for (const folder of folders) if (await isIn(folder, ...programs)) return folder;
  return undefined;
}

async function isIn(folder: string, ...programs: readonly string[]): Promise<boolean> {
  const found = programs.map((program) => access(join(folder, program), constants.X_OK));
  return (await Promise.allSettled(found)).every(({ status }) => status === "fulfilled");
}

if (import.meta.main) console.log(await findPrometheus(console.error));
