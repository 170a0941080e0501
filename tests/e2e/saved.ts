/**
 * A cluster right after its first `up`, in seconds: it is made once for this exact program and kept as a saved lab, which
 * each test file then loads.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { glob, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestsOf, stackVersion } from "../../lab/stack.ts";
import { bareHosts, cache, describeLab, lab, labEnv, must, target } from "./lab.ts";
import { Project } from "./project.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const saves = join(cache, "saved");
const STACK = "cluster";
const PREFIX = "e2e-";

/** How many clusters of these tests are kept, the ones used last, and for how long: the certificates in them age. */
const KEPT = 8;
const KEPT_MS = 7 * 24 * 3600 * 1000;

/** What the program, and so a first `up`, does not depend on. */
const APART = ["node_modules", "tests", "docs", "examples", "cli", "policy"];

/**
 * The lab becomes one of a healthy cluster of `nodes` members, brought up with this configuration and not touched since.
 * Of more `hosts` the stack file has those that follow as nodes too, to be taken out or to join.
 */
export async function savedCluster(
  nodes: number,
  config: Readonly<Record<string, unknown>> = {},
  hosts = nodes,
): Promise<Project> {
  const engine = (await must(lab("engine"))).stdout.trim();
  const name = `${PREFIX}${nodes}-${await keyOf(nodes, config, engine)}`;
  if (!(await isSaved(name))) {
    await alone(async () => {
      if (!(await isSaved(name))) await make(name, nodes, config); // another process may have made it meanwhile
    });
  }
  await must(lab("load", name));
  if (hosts > nodes) await must(lab("up", String(hosts)));
  return Project.loaded(STACK, config);
}

async function make(name: string, nodes: number, config: Readonly<Record<string, unknown>>): Promise<void> {
  await bareHosts(nodes);
  const project = await Project.create(STACK, config);
  try {
    await must(project.up());
    await must(lab("save", name));
  } finally {
    await project.dispose();
  }
  await forgetOld();
}

async function isSaved(name: string): Promise<boolean> {
  return (await must(lab("saved"))).stdout.split("\n").includes(name);
}

/** A digest over all that a first `up` depends on. */
async function keyOf(
  nodes: number,
  config: Readonly<Record<string, unknown>>,
  engine: string,
): Promise<string> {
  const version = String(config.version ?? (await stackVersion()));
  const { archives } = await describeLab(labEnv);
  const { LAB_NET, LAB_SUITE, LAB_EXTRA_PACKAGES, LAB_DISK_MB, ETCD_CLI } = labEnv;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([nodes, config, target, engine, version, (await digestsOf(archives))[version]]));
  hash.update(JSON.stringify([LAB_NET, LAB_SUITE, LAB_EXTRA_PACKAGES, LAB_DISK_MB, ETCD_CLI]));
  for (const file of await programFiles()) {
    hash.update(`\0${file}\0`);
    hash.update(await readFile(join(repository, file)));
  }
  return hash.digest("hex").slice(0, 12);
}

async function programFiles(): Promise<string[]> {
  const files: string[] = [];
  const isApart = (name: string) => APART.includes(name) || name.startsWith(".") || name.endsWith(".md");
  for await (const entry of glob("**/*", {
    cwd: repository,
    withFileTypes: true,
    exclude: ({ name }) => isApart(name),
  })) {
    const file = join(entry.parentPath, entry.name).slice(repository.length);
    const written = /^Pulumi\..+\.yaml$/.test(file) && !["Pulumi.dev.yaml", "Pulumi.aws.yaml"].includes(file);
    if (entry.isFile() && !isApart(entry.name) && !written) files.push(file);
  }
  return files.sort();
}

async function forgetOld(): Promise<void> {
  const names = (await readdir(saves)).filter((name) => name.startsWith(PREFIX));
  const used = await Promise.all(
    names.map(async (name) => ({ name, last: (await stat(join(saves, name))).mtimeMs })),
  );
  used.sort((a, b) => b.last - a.last);
  const old = used.filter(({ last }, index) => index >= KEPT || last < Date.now() - KEPT_MS);
  for (const { name } of old) await must(lab("forget", name));
}

/** One process at a time on this machine; the lock goes with the process that holds it. */
async function alone(work: () => Promise<void>): Promise<void> {
  await mkdir(saves, { recursive: true });
  const holder = spawn("flock", [join(saves, ".making"), "sh", "-c", "echo held; read -r end"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    await once(holder.stdout, "data");
    await work();
  } finally {
    holder.stdin.end();
  }
}
