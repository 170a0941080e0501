// A repository with stack files, whose branches are pull requests, and npm run pipeline in a job's checkout of it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { chdir, execPath } from "node:process";
import { repository as project } from "./files.ts";
import { Repository } from "./git.ts";

export const SECRET = "v1:aaaa:bbbb";
export const STACK = `encryptionsalt: v1:salt
secretsprovider: awskms://alias/etcd
# a comment
config:
  aws:region: eu-central-1
  etcd:snapshotCount: 10000
  etcd:ssh:
    user: root
  etcd:sshPrivateKey:
    secure: ${SECRET}
`;

/** The stack file with one thing changed. */
export function changed(from: string, to: string): string {
  return STACK.replace(from, to);
}

/** Its folder is where this process is from now on, as a job's own commands are. */
export async function checkout(): Promise<Repository> {
  const repository = await Repository.create({
    "Pulumi.prod.yaml": STACK,
    "Pulumi.staging.yaml": STACK,
    "index.ts": "program",
    "README.md": "text",
  });
  chdir(repository.folder);
  return repository;
}

export async function leave(repository: Repository): Promise<void> {
  chdir(project);
  await repository.dispose();
}

/** In the folder of the checkout. */
export async function pipeline(...args: readonly string[]) {
  const program = [join(project, "cli/pipeline/pipeline.ts"), ...args];
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(execPath, program, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    ),
  );
}
