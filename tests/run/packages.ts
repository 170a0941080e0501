// Installs the few commands that tests call, on systems with apt-get.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import type { Log } from "../../lib/progress.ts";
import { run } from "../../lib/run.ts";

/** Which Debian package brings which command. */
const packageOf = {
  busybox: "busybox",
  curl: "curl",
  fish: "fish",
  jq: "jq",
  openssl: "openssl",
  python3: "python3-venv",
  shellcheck: "shellcheck",
  ssh: "openssh-client",
  "systemd-analyze": "systemd",
  tcsh: "tcsh",
  wget: "wget",
  zsh: "zsh",
} as const;

export type Commands = readonly (keyof typeof packageOf)[];

/** Installs what is missing of these commands. */
export async function installCommands(commands: Commands, log: Log): Promise<string> {
  const missing: string[] = [];
  for (const command of commands) if (!(await onPath(command))) missing.push(packageOf[command]);
  if (missing.length === 0) return "all there";
  if (!(await onPath("apt-get"))) throw new Error(`These packages are missing: ${missing.join(", ")}.`);
  const patience = ["-o", "DPkg::Lock::Timeout=300"];
  await run("apt-get", ["update", "-qq", ...patience], log);
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...patience, ...missing], log);
  return missing.join(", ");
}

async function onPath(command: string): Promise<boolean> {
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    const found = await access(join(folder, command), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
