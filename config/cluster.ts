/** The settings that concern the cluster as a whole. */

import { parseAllow } from "./allow.ts";
import { defaults } from "./defaults.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { ClusterConfig } from "./model.ts";
import type { NodeAddresses } from "./nodes.ts";
import { type Fields, show } from "./value.ts";

const targets = ["ssh", "aws"] as const;

type ClusterPart = Pick<
  ClusterConfig,
  "target" | "clusterName" | "dataDir" | "protect" | "rolloutOrder" | "checkId" | "allow"
>;

export function parseCluster(top: Fields, nodes: readonly NodeAddresses[]): ClusterPart {
  return {
    target: top.choice("target", defaults.target, targets),
    clusterName: parseClusterName(top),
    dataDir: parseDataDir(top),
    protect: top.flag("protect", defaults.protect),
    rolloutOrder: parseRolloutOrder(top, nodes),
    checkId: top.integer("checkId", defaults.checkId, 0),
    allow: parseAllow(top),
  };
}

function parseClusterName(top: Fields): string {
  const name = top.text("clusterName", defaults.clusterName);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    top.problem(
      "clusterName",
      `${show(name)} is not a cluster name; use up to 63 letters, digits, dots, hyphens and underscores.`,
    );
  }
  return name;
}

/** Folders that already hold something else. */
const systemFolders =
  `/ /bin /boot /dev /etc /etc/etcd /home /lib /lib32 /lib64 /media /mnt /opt /opt/etcd /proc /root
  /run /sbin /srv /sys /tmp /usr /usr/local /var /var/backups /var/cache /var/lib /var/lib/systemd /var/log /var/mail
  /var/opt /var/run /var/spool /var/tmp`.split(/\s+/);

/** Folders the unit's sandbox hides or makes private, and those that do not survive a reboot or are not for data. */
const closedTrees = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/home",
  "/lib",
  "/opt/etcd",
  "/proc",
  "/root",
  "/run",
  "/sbin",
].concat(["/sys", "/tmp", "/usr", "/var/run", "/var/tmp"]);

function parseDataDir(top: Fields): string {
  const text = top.text("dataDir", defaults.dataDir);
  const path = text.replace(/\/+$/, "") || "/";
  const clean =
    /^(\/[A-Za-z0-9._-]+)+$|^\/$/.test(path) &&
    !path.split("/").some((part) => part === "." || part === "..");
  if (!path.startsWith("/")) {
    top.problem("dataDir", `${show(text)} is not an absolute path; write it like /var/lib/etcd.`);
  } else if (!clean) {
    top.problem(
      "dataDir",
      `${show(text)} is not a plain path; use letters, digits, dots, hyphens and underscores between single slashes.`,
    );
  } else if (systemFolders.includes(path) || closedTrees.some((tree) => path.startsWith(`${tree}/`))) {
    top.problem("dataDir", `${path} belongs to the system; use a folder for etcd alone, like /var/lib/etcd.`);
  }
  return path;
}

function parseRolloutOrder(top: Fields, nodes: readonly NodeAddresses[]): readonly string[] {
  const names = nodes.map((node) => node.name);
  const order = top.texts("rolloutOrder", []);
  order.forEach((name, index) => {
    const key = `rolloutOrder[${index}]`;
    if (!names.includes(name)) top.problem(key, `there is no node ${show(name)}${didYouMean(name, names)}.`);
    if (order.indexOf(name) < index) top.problem(key, `${name} is listed twice; list each node once.`);
  });
  return order;
}
