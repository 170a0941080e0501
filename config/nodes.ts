/** The setting `nodes`: which machines, at which addresses. */

import { hostPort, parseAddress, unusable } from "./address.ts";
import { parseName } from "./label.ts";
import type { NodeConfig } from "./model.ts";
import { Fields, type Report, show } from "./value.ts";

/** A node without its host key, which may have to be looked up in known_hosts. */
export type NodeAddresses = Omit<NodeConfig, "hostKey"> & {
  readonly hostKey?: string;
  readonly path: string;
};

const keys = [
  "name",
  "address",
  "listenAddress",
  "sshAddress",
  "sshPort",
  "hostKey",
  "incarnation",
  "issue",
  "lost",
];

export function parseNodes(top: Fields): readonly NodeAddresses[] {
  const listed = top.list("nodes");
  const defaultSshPort = top.object("ssh").integer("port", 22, 1, 65535);
  const nodes = listed.flatMap((value, index) => {
    const fields = Fields.of(`nodes[${index}]`, value, top.report);
    return fields === undefined ? [] : [parseNode(fields, defaultSshPort)];
  });
  refuseDuplicates(nodes, top.report);
  checkCount(listed.length, nodes.filter((node) => node.lost).length, top.report);
  return nodes;
}

function parseNode(fields: Fields, defaultSshPort: number): NodeAddresses {
  fields.refuseUnknown(keys, { port: "no such setting; did you mean sshPort" });
  const address = parseMemberAddress(fields);
  const hostKey = fields.text("hostKey", "");
  return {
    path: fields.path,
    name: parseName(fields, "node", "node1"),
    address,
    listenAddress: parseListenAddress(fields, address),
    sshAddress: parseSshAddress(fields, "sshAddress", address),
    sshPort: fields.integer("sshPort", defaultSshPort, 1, 65535),
    incarnation: fields.integer("incarnation", 1, 1),
    issue: fields.integer("issue", 1, 1),
    lost: fields.flag("lost", false),
    ...(hostKey === "" ? {} : { hostKey }),
  };
}

function parseMemberAddress(fields: Fields): string {
  const text = fields.required("address", "give the address at which the other nodes reach this one");
  if (text === "") return "";
  const parsed = parseAddress(text);
  if ("problem" in parsed) {
    fields.problem("address", `${show(text)} ${parsed.problem}.`);
    return "";
  }
  const useless = unusable(parsed.address);
  if (useless === undefined) return parsed.address;
  fields.problem(
    "address",
    `${show(text)} ${useless}; give the address at which the other nodes reach this one.`,
  );
  return "";
}

/** etcd binds IP addresses only, so a node known by a DNS name listens on all of them. */
function parseListenAddress(fields: Fields, address: string): string {
  const own = parseAddress(address);
  const fallback = "problem" in own || own.kind === "dns" ? "0.0.0.0" : address;
  const text = fields.text("listenAddress", fallback);
  const parsed = parseAddress(text);
  if ("problem" in parsed || parsed.kind === "dns") {
    const problem =
      "problem" in parsed ? parsed.problem : "is a DNS name, but etcd listens on IP addresses only";
    fields.problem("listenAddress", `${show(text)} ${problem}; use an IP address of the host, or 0.0.0.0.`);
    return fallback;
  }
  const useless = isUnspecified(parsed.address) ? undefined : unusable(parsed.address);
  if (useless !== undefined) {
    fields.problem("listenAddress", `${show(text)} ${useless}; use an IP address of the host, or 0.0.0.0.`);
  }
  return parsed.address;
}

export function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** An address to dial by ssh; unlike a member's it may be the workstation itself (a forwarded port). */
export function parseSshAddress(fields: Fields, key: string, fallback: string): string {
  const text = fields.text(key, fallback);
  if (text === "") return "";
  const parsed = parseAddress(text);
  if ("problem" in parsed) {
    fields.problem(key, `${show(text)} ${parsed.problem}.`);
    return "";
  }
  if (isUnspecified(parsed.address))
    fields.problem(key, `${show(text)} cannot be dialled; give the host's address.`);
  return parsed.address;
}

function refuseDuplicates(nodes: readonly NodeAddresses[], report: Report): void {
  const rules = [
    { key: "name", of: (node: NodeAddresses) => node.name, fix: "every node needs a name of its own" },
    {
      key: "address",
      of: (node: NodeAddresses) => node.address,
      fix: "every node needs a machine of its own",
    },
    {
      key: "sshAddress",
      of: (node: NodeAddresses) => node.sshAddress && hostPort(node.sshAddress, node.sshPort),
      fix: "both would be configured on the same machine",
    },
  ];
  const reported = new Set<NodeAddresses>();
  for (const { key, of, fix } of rules) {
    const firstWith = new Map<string, NodeAddresses>();
    for (const node of nodes) {
      const value = of(node);
      const first = firstWith.get(value);
      if (first === undefined || value === "") firstWith.set(value, node);
      // Two nodes with the same address have the same ssh address too: say it once.
      else if (key !== "sshAddress" || !reported.has(node)) {
        reported.add(node);
        report.problem(`${node.path}.${key}`, `${value} is already used by ${first.path}; ${fix}.`);
      }
    }
  }
}

/** Counted over the nodes that are not lost: an even number tolerates no more failures than one node fewer. */
function checkCount(declared: number, lost: number, report: Report): void {
  const count = declared - lost;
  const failures = Math.floor((count - 1) / 2);
  const useless = `${count} nodes tolerate ${failures} failure${failures === 1 ? "" : "s"}, no more than ${count - 1} would`;
  if (declared === 0) {
    report.problem("nodes", "no node is declared; list 1, 3, 5 or 7 machines.");
  } else if (count === 0) {
    report.problem("nodes", "all nodes are declared lost; at least one must remain.");
  } else if (count > 7) {
    report.problem("nodes", `${count} nodes are more than the 7 that etcd works well with; use 3, 5 or 7.`);
  } else if (count % 2 === 0 && lost > 0) {
    report.warning("nodes", `${useless}; replace the lost one soon.`);
  } else if (count % 2 === 0) {
    report.problem("nodes", `${useless}; use 1, 3, 5 or 7.`);
  }
}
