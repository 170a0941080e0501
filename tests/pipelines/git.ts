// A repository with a protected branch that is checked out, and branches that never are.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** A file's text; a symlink; one that may be run; or none. */
export type Content = string | { readonly link: string } | { readonly program: string } | undefined;
export type Files = Readonly<Record<string, Content>>;

export class Repository {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** In a new folder, or in one that is there: then with all that is in it. */
  static async create(files: Files, folder?: string): Promise<Repository> {
    const repository = new Repository(folder ?? (await mkdtemp(join(tmpdir(), "repository-"))));
    await repository.git("init", "-q", "-b", "main");
    await repository.commit(files);
    return repository;
  }

  /** On main. */
  async commit(files: Files): Promise<string> {
    for (const [path, content] of Object.entries(files)) await write(join(this.folder, path), content);
    await this.git("add", "-A");
    await this.git("commit", "-q", "--allow-empty", "-m", "change");
    return await this.git("rev-parse", "HEAD");
  }

  /** As a pull request would bring them: main stays checked out. */
  async branch(files: Files): Promise<string> {
    await this.git("checkout", "-q", "--detach");
    const commit = await this.commit(files);
    await this.git("checkout", "-q", "main");
    return commit;
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8");
  }

  async git(...args: readonly string[]): Promise<string> {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    return (await exec("git", ["-C", this.folder, ...who, ...args])).stdout.trim();
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

async function write(path: string, content: Content): Promise<void> {
  await rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true });
  if (typeof content === "string") await writeFile(path, content);
  else if (content !== undefined && "link" in content) await symlink(content.link, path);
  else if (content !== undefined) {
    await writeFile(path, content.program);
    await chmod(path, 0o755);
  }
}
