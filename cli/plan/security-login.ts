/** Where the hosts' private keys are sent, and who may log in there. */

import { hostPort } from "../../config/address.ts";
import type { AwsConfig } from "../../config/aws/model.ts";
import type { ClusterConfig, NodeConfig, SshConfig } from "../../config/model.ts";
import { type Json, list, record, text } from "../../lib/json.ts";
import { changesConnection } from "./digests.ts";
import { resourcesOf } from "./host-resources.ts";
import { isAnother } from "./machines.ts";
import type { Resource } from "./preview.ts";
import { type Found, fingerprint, listed, NONE, UNRECORDED } from "./security-row.ts";

type Logins = Pick<ClusterConfig, "nodes" | "ssh" | "target"> & {
  readonly aws?: Pick<AwsConfig, "authorizedKeys">;
};

export function loginRows(
  resources: readonly Resource[],
  { nodes, ssh, aws, target }: Logins,
): readonly Found[] {
  const present = nodes.filter((node) => !node.lost);
  return present.flatMap((node) => {
    const host = resources.find(({ name, type }) => name === node.name && type.startsWith("etcd:host:"));
    const isOther = changesConnection(resourcesOf(node.name, resources));
    const rows =
      target === "aws"
        ? [
            ...hostKeyRow(node.name, resources),
            ...cloudRouteRows(ssh, host, isOther),
            ...keyRows(node.name, host, aws?.authorizedKeys ?? [], resources),
          ]
        : connectionRows(node, ssh, host, isOther);
    return rows.map((row) => ({ ...row, hosts: [node.name] }));
  });
}

/** The connection is a secret, so the component's outputs say what it was. */
function connectionRows(
  node: NodeConfig,
  ssh: SshConfig,
  host: Resource | undefined,
  isAnotherConnection: boolean,
): readonly Found[] {
  const recorded = host?.old.outputs ?? {};
  const isNew = host?.op === "create";
  if (host === undefined || (!isNew && recorded.address === undefined))
    return isAnotherConnection ? [unrecorded(node, ssh)] : [];
  const before = isNew ? NONE : undefined;
  const { address, port, hostKey, user } = recorded;
  const rows: readonly Found[] = [
    {
      kind: "trust",
      what: "ssh target",
      old: before ?? hostPort(text(address), Number(port)),
      new: hostPort(node.sshAddress, node.sshPort),
      note: "the host's private keys are sent there",
    },
    {
      kind: "trust",
      what: "ssh host key",
      old: before ?? fingerprint(text(hostKey)),
      new: fingerprint(node.hostKey),
    },
    ...(isNew || user !== undefined ? routeRows(ssh, recorded, before) : []),
  ];
  const changed = rows.filter((row) => row.old !== row.new);
  if (changed.length > 0 || !isAnotherConnection) return changed;
  return user === undefined
    ? [unrecorded(node, ssh)]
    : [{ kind: "login", what: "key of the ssh login", old: "not shown", new: "another one" }];
}

/** Whose login, and through which machine. */
function routeRows(ssh: SshConfig, { user, bastion }: Json, before: string | undefined): readonly Found[] {
  const route = bastionText({ ...ssh.bastion });
  return [
    { kind: "login", what: "ssh user", old: before ?? text(user), new: ssh.user },
    { kind: "trust", what: "ssh bastion", old: before ?? bastionText(record(bastion)), new: route },
  ];
}

/** Addresses of instances are AWS's own. */
function cloudRouteRows(ssh: SshConfig, host: Resource | undefined, isOther: boolean): readonly Found[] {
  const isNew = host?.op === "create";
  const recorded = host?.old.outputs ?? {};
  if (isNew || recorded.user !== undefined)
    return routeRows(ssh, recorded, isNew ? NONE : undefined).filter((row) => row.old !== row.new);
  if (!isOther) return [];
  const route = `${ssh.user}, bastion ${bastionText({ ...ssh.bastion })}`;
  return [{ kind: "trust", what: "ssh connection", old: UNRECORDED, new: route }];
}

function unrecorded(node: NodeConfig, ssh: SshConfig): Found {
  const through = ssh.bastion === undefined ? "" : ` through ${bastionText({ ...ssh.bastion })}`;
  const target = hostPort(node.sshAddress, node.sshPort);
  return {
    kind: "trust",
    what: "ssh connection",
    old: UNRECORDED,
    new: `${ssh.user} at ${target}, ${fingerprint(node.hostKey)}${through}`,
    note: "the host's private keys are sent there",
  };
}

function bastionText({ address, port, user, hostKey }: Json): string {
  if (address === undefined) return NONE;
  return `${text(user)} at ${hostPort(text(address), Number(port))}, ${fingerprint(text(hostKey))}`;
}

/** On EC2 the program makes the host key; it outlives the instance. */
function hostKeyRow(node: string, resources: readonly Resource[]): readonly Found[] {
  const key = resources.find(({ name }) => name === `${node}-host-key`);
  if (key === undefined || !key.changes || key.op === "protect") return [];
  const old = key.op === "create" ? NONE : "the one that is pinned";
  return [{ kind: "trust", what: "ssh host key", old, new: "made by the program" }];
}

function keyRows(
  node: string,
  host: Resource | undefined,
  keys: readonly string[],
  resources: readonly Resource[],
): readonly Found[] {
  const { instance } = resourcesOf(node, resources);
  const recorded = host?.old.outputs.authorizedKeys;
  const now = listed(keys.map(fingerprint));
  const isMade = isAnother(instance) || instance?.diffReasons.includes("userData") === true;
  const old =
    recorded !== undefined ? listed(list(recorded).map(text).map(fingerprint)) : isMade ? UNRECORDED : now;
  const before = host?.op === "create" ? NONE : old;
  return before === now
    ? []
    : [{ kind: "login", what: "login keys (aws.authorizedKeys)", old: before, new: now }];
}
