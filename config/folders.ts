/** Folders on the hosts that etcd may have for itself: none of the system's, and none of this program's own. */

import { ETC_DIR, OPT_DIR, RUN_DIR, STATE_DIR } from "../host/paths.ts";
import { show } from "./value.ts";

/** Folders that already hold something else. */
const systemFolders =
  `/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr
  /usr/local /var /var/backups /var/cache /var/lib /var/lib/systemd /var/log /var/mail /var/opt /var/run /var/spool
  /var/tmp`.split(/\s+/);

/** Folders the unit's sandbox hides or makes private, and those that do not survive a reboot or are not for data. */
const closedTrees =
  "/bin /boot /dev /etc /home /lib /proc /root /run /sbin /sys /tmp /usr /var/run /var/tmp".split(" ");

/** What root runs and records there decides what happens to the member: the user etcd may not write to it. */
const ownTrees = [STATE_DIR, ETC_DIR, OPT_DIR, RUN_DIR];

const isWithin = (path: string, tree: string) => path === tree || path.startsWith(`${tree}/`);

/** Without slashes at its end. */
export function plainFolder(text: string): string {
  return text.replace(/\/+$/, "") || "/";
}

/** Why `text` cannot be a folder of etcd's, as the rest of a sentence; `example` is one that can. */
export function refuseFolder(text: string, example: string): string | undefined {
  const path = plainFolder(text);
  const isPlain =
    /^(\/[A-Za-z0-9._-]+)+$|^\/$/.test(path) &&
    !path.split("/").some((part) => part === "." || part === "..");
  if (!path.startsWith("/")) return `${show(text)} is not an absolute path; write it like ${example}.`;
  if (!isPlain) {
    return `${show(text)} is not a plain path; use letters, digits, dots, hyphens and underscores between single slashes.`;
  }
  if (ownTrees.some((tree) => isWithin(path, tree))) {
    return `${path} is where this program keeps what runs on hosts, and its records; use a folder for etcd alone, like ${example}.`;
  }
  if (systemFolders.includes(path) || closedTrees.some((tree) => path.startsWith(`${tree}/`))) {
    return `${path} belongs to the system; use a folder for etcd alone, like ${example}.`;
  }
  return undefined;
}
