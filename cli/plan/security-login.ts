/** Where the hosts' private keys are sent, and who may log in there. */

import type { Deployed } from "../../cluster/deployed.ts";
import { type LoginSettings, loginOf } from "../../cluster/login.ts";
import { hostPort } from "../../config/address.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { type Json, list, record, text } from "../../lib/json.ts";
import { changesConnection } from "./digests.ts";
import { type HostResources, resourcesOf } from "./host-resources.ts";
import { isAnother } from "./machines.ts";
import type { Resource } from "./preview.ts";
import { type Found, fingerprint, listed, NONE, UNRECORDED } from "./security-row.ts";

/**
 * Compared with what the last proof recorded: what a component registered may only ever have been declared, for a lost
 * node or by a run that failed. A node that the proof does not know is new, whatever it was before.
 */
export function loginRows(
  resources: readonly Resource[],
  config: Pick<ClusterConfig, "nodes"> & LoginSettings,
  deployed: Deployed | undefined,
): readonly Found[] {
  const present = config.nodes.filter((node) => !node.lost);
  return present.flatMap((node) => {
    const proven = deployed?.nodes[node.name];
    const now = loginOf(node, config, proven?.login);
    const parts = resourcesOf(node.name, resources);
    const made = hostKeyRow(node.name, resources);
    const rows =
      proven !== undefined && proven.login === undefined
        ? unrecordedRows(now, parts)
        : recordedRows(proven?.login, now, parts, made.length > 0);
    return [...made, ...rows].map((row) => ({ ...row, hosts: [node.name] }));
  });
}

interface Aspect {
  readonly row: Pick<Found, "kind" | "what" | "note">;
  /** Nothing if the login does not tell. */
  readonly told: (login: Json) => string | undefined;
}

const SENT = "the host's private keys are sent there";

const REACHED: readonly Aspect[] = [
  {
    row: { kind: "trust", what: "ssh target", note: SENT },
    told: ({ address, port }) => (address === undefined ? undefined : hostPort(text(address), Number(port))),
  },
  {
    row: { kind: "trust", what: "ssh host key" },
    told: ({ hostKey }) => (hostKey === undefined ? undefined : fingerprint(text(hostKey))),
  },
  {
    row: { kind: "login", what: "ssh user" },
    told: ({ user }) => (user === undefined ? undefined : text(user)),
  },
  {
    row: { kind: "trust", what: "ssh bastion" },
    told: ({ bastion }) => (bastion === undefined ? undefined : bastionText(record(bastion))),
  },
];

const KEYS: readonly Aspect[] = [
  {
    row: { kind: "login", what: "login keys (aws.authorizedKeys)" },
    told: ({ authorizedKeys }) =>
      authorizedKeys === undefined ? undefined : listed(list(authorizedKeys).map(text).map(fingerprint)),
  },
];

function bastionText({ address, port, user, hostKey }: Json): string {
  if (address === undefined) return NONE;
  return `${text(user)} at ${hostPort(text(address), Number(port))}, ${fingerprint(text(hostKey))}`;
}

function compared(
  aspects: readonly Aspect[],
  before: (aspect: Aspect) => string,
  now: Json,
): readonly Found[] {
  return aspects.flatMap((aspect) => {
    const [old, after] = [before(aspect), aspect.told(now)];
    return after === undefined || old === after ? [] : [{ ...aspect.row, old, new: after }];
  });
}

function recordedRows(
  login: Json | undefined,
  now: Json,
  parts: HostResources,
  isHostKeyMade: boolean,
): readonly Found[] {
  const before = ({ told }: Aspect) => (login === undefined ? NONE : (told(login) ?? UNRECORDED));
  const reached = compared(REACHED, before, now);
  const isExplained = reached.length > 0 || isHostKeyMade || !changesConnection(parts);
  const what = now.address === undefined ? "key of the ssh login, or the address" : "key of the ssh login";
  return [
    ...reached,
    ...(isExplained ? [] : [{ kind: "login", what, old: "not shown", new: "another one" } as const]),
    ...compared(KEYS, before, now),
  ];
}

/** By a program older than this section: of what the steps do not reach in another way, nothing is said. */
function unrecordedRows(now: Json, parts: HostResources): readonly Found[] {
  const { host, binaries, certificates, member, instance } = parts;
  const isMade = [host, binaries, certificates, member].some((step) => step?.op === "create");
  const before = () => UNRECORDED;
  const getsKeys = isAnother(instance) || instance?.diffReasons.includes("userData") === true;
  const connects = isMade || changesConnection(parts);
  return [
    ...(connects ? compared(REACHED, before, now) : []),
    ...(connects
      ? [{ kind: "login", what: "key of the ssh login", old: UNRECORDED, new: "not shown" } as const]
      : []),
    ...(getsKeys ? compared(KEYS, before, now) : []),
  ];
}

/** On EC2 the program makes the host key; it outlives the instance. */
function hostKeyRow(node: string, resources: readonly Resource[]): readonly Found[] {
  const key = resources.find(({ name }) => name === `${node}-host-key`);
  if (key === undefined || !key.changes || key.op === "protect") return [];
  const old = key.op === "create" ? NONE : "the one that is pinned";
  return [{ kind: "trust", what: "ssh host key", old, new: "made by the program" }];
}
