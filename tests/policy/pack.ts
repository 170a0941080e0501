// Projects that are run with the policy pack, and what the engine says of its rules.
import { chmod, copyFile, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { stringify } from "yaml";
import { Project } from "../engine/project.ts";

const repository = path.resolve(import.meta.dirname, "../..");
export const pack = path.join(repository, "policy");

/** A throw-away project with a stand-in for the provider `aws`, whose program is a file beside this one. */
export async function projectOf(program: string): Promise<Project> {
  const project = await Project.create();
  await writeFile(
    path.join(project.folder, "index.ts"),
    `import ${JSON.stringify(path.join(import.meta.dirname, program))};\n`,
  );
  return withAws(project);
}

/** The same project with the stand-in before any other provider `aws`. */
async function withAws(project: Project): Promise<Project> {
  const bin = path.join(project.folder, "bin");
  await mkdir(bin);
  const standIn = path.join(bin, "pulumi-resource-aws");
  const source = path.join(import.meta.dirname, "aws-provider.ts");
  await writeFile(standIn, `#!/bin/sh\nexec '${process.execPath}' '${source}' "$@"\n`);
  await chmod(standIn, 0o755);
  return project.under({ PATH: `${bin}${path.delimiter}${project.environment.PATH}` });
}

/** This program as it is shipped, with a stack file of its own. */
export async function shippedProject(config: Readonly<Record<string, unknown>>): Promise<Project> {
  const project = await Project.create();
  for (const entry of await readdir(repository)) {
    if (entry.startsWith(".") || entry === "node_modules" || /^Pulumi\..+\.yaml$/.test(entry)) continue;
    await rm(path.join(project.folder, entry), { force: true });
    if (entry === "Pulumi.yaml")
      await copyFile(path.join(repository, entry), path.join(project.folder, entry));
    else await symlink(path.join(repository, entry), path.join(project.folder, entry));
  }
  const { sshPrivateKey, ...plain } = config;
  const keys = Object.entries(plain).map(([key, value]) => [`etcd:${key}`, value]);
  await writeFile(
    path.join(project.folder, "Pulumi.dev.yaml"),
    stringify({ config: Object.fromEntries(keys) }),
  );
  await project.succeed("stack", "init", "dev");
  if (sshPrivateKey !== undefined)
    await project.succeed("config", "set", "--secret", "--", "sshPrivateKey", String(sshPrivateKey));
  return withAws(project);
}

/** The violations that the engine lists under "Policies:", as `level rule resource`, each once. */
export function violations(text: string): readonly string[] {
  const listed = text.matchAll(/^ +- \[(\w+)\] +(\S+) +\(\S+: (\S+)\)$/gm);
  return [...new Set([...listed].map(([, level, rule, resource]) => `${level} ${rule} ${resource}`))].sort();
}
