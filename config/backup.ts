/** Where the snapshots of the data are kept. */

import type { BackupConfig } from "./model.ts";
import { type Fields, show } from "./value.ts";

/** What a reboot empties, and what is no place for files of one's own. */
const volatileTrees = ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/run", "/var/tmp"];
/** Folders that already hold something else. */
const taken = ["", "/bin", "/boot", "/etc", "/lib", "/opt", "/sbin", "/usr", "/var", "/var/lib"];

export function parseBackup(top: Fields, dataDir: string): BackupConfig {
  const backup = top.object("backup");
  backup.refuseUnknown(["directory"]);
  const text = backup.text("directory", "");
  if (text === "") return {};
  const directory = text.replace(/\/+$/, "");
  const wrong = whatIsWrong(directory, dataDir);
  if (wrong !== undefined) backup.problem("directory", `${show(text)} ${wrong}.`);
  return { directory };
}

function whatIsWrong(path: string, dataDir: string): string | undefined {
  const isIn = (tree: string) => path === tree || path.startsWith(`${tree}/`);
  if (!/^(\/[A-Za-z0-9._-]+)*$/.test(path) || path.split("/").some((part) => /^\.\.?$/.test(part)))
    return "is not a plain absolute path; write it like /var/backups/etcd";
  if (taken.includes(path) || volatileTrees.some(isIn))
    return "is not a folder that keeps files; write it like /var/backups/etcd";
  if (isIn(dataDir))
    return `is in dataDir (${dataDir}), which is set aside with its member; use a folder of its own, better on another disk`;
  return undefined;
}
