// The OpenSSH server program: the system's, or one unpacked beside it. Installing the package would start a service and open a port.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../lab/engine/find.ts";

const run = promisify(execFile);

export interface OpensshServer {
  /** How to start it; its arguments follow. */
  command: string[];
  /** Where its libraries are. */
  environment: Record<string, string>;
  /** What it must be told of its own parts. */
  settings: string[];
}

export async function opensshServer(): Promise<OpensshServer> {
  const installed = "/usr/sbin/sshd";
  if (existsSync(installed)) return { command: [installed], environment: {}, settings: [] };
  const root = path.join(cacheFolder(), "openssh-server");
  if (!existsSync(root)) await unpack(root);
  const libraries = [`${root}/usr/lib`, `${root}/lib`].flatMap((it) => [
    `${it}/x86_64-linux-gnu`,
    `${it}/aarch64-linux-gnu`,
  ]);
  const parts = { SshdSessionPath: "sshd-session", SshdAuthPath: "sshd-auth" };
  return {
    command: [...(await privilegeSeparation(root)), path.join(root, installed)],
    environment: { LD_LIBRARY_PATH: libraries.join(":") },
    settings: Object.entries(parts)
      .map(([setting, name]) => [setting, path.join(root, "usr/lib/openssh", name)])
      .filter(([, file]) => existsSync(`${file}`)) // newer releases have these parts
      .map((words) => words.join(" ")),
  };
}

async function unpack(root: string): Promise<void> {
  const draft = `${root}.${process.pid}`;
  const archives = path.join(draft, "archives");
  await mkdir(path.join(archives, "partial"), { recursive: true });
  const patience = ["-o", "DPkg::Lock::Timeout=300"];
  const only = ["--no-install-recommends", "--download-only", "-o", `Dir::Cache::Archives=${archives}`];
  const download = () => run("apt-get", ["install", "-qq", "-y", ...patience, ...only, "openssh-server"]);
  try {
    // Lists that are missing or old are the usual reason to fail.
    await download().catch(() => run("apt-get", ["update", "-qq", ...patience]).then(download));
    for (const name of await readdir(archives)) {
      if (name.endsWith(".deb")) await run("dpkg-deb", ["-x", path.join(archives, name), draft]);
    }
    await rm(archives, { recursive: true });
    await rename(draft, root);
  } catch (error) {
    // Another test file may have been first.
    if (!existsSync(root)) {
      throw new Error("these tests need an OpenSSH server: install openssh-server", { cause: error });
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** As root it insists on a user `sshd`. Where the package never made one, the server alone sees a list of users that has it. */
async function privilegeSeparation(root: string): Promise<string[]> {
  const users = await readFile("/etc/passwd", "utf8");
  if (process.getuid?.() !== 0 || /^sshd:/m.test(users)) return [];
  const list = path.join(root, "passwd");
  await writeFile(list, `${users.trimEnd()}\nsshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`);
  return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', list];
}
