/** The settings that concern the cluster as a whole. */

import { parseAllow } from "./allow.ts";
import { defaults } from "./defaults.ts";
import { didYouMean } from "./did-you-mean.ts";
import { plainFolder, refuseFolder } from "./folders.ts";
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

function parseDataDir(top: Fields): string {
  const text = top.text("dataDir", defaults.dataDir);
  const refusal = refuseFolder(text, defaults.dataDir);
  if (refusal !== undefined) top.problem("dataDir", refusal);
  return plainFolder(text);
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
