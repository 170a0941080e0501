/** Which snapshot is drilled, and where: the newest that a host has which does not lead. */

import { basename } from "node:path";
import type { Snapshot } from "../backups/listed.ts";
import type { MemberStatus } from "../status/facts.ts";

export interface Wanted {
  readonly snapshot?: string | undefined;
  readonly host?: string | undefined;
}
export interface Chosen {
  /** As the host is told it. */
  readonly snapshot: string;
  /** Nothing of one that is not listed: the host compares what etcd appended. */
  readonly sha256?: string;
  readonly encrypted: boolean;
  readonly host: string;
}
type Member = Pick<MemberStatus, "name" | "role" | "error">;

/** `snapshots` have the newest first. */
export function chosenDrill(
  snapshots: readonly Snapshot[],
  members: readonly Member[],
  { snapshot, host }: Wanted,
): Chosen | { readonly refusal: string } {
  const fit = members.filter(({ name, error }) => error === "" && (host ?? name) === name);
  if (fit.length === 0)
    return {
      refusal: host === undefined ? "no host could be asked" : `there is no host ${host} that could be asked`,
    };
  const listed = snapshots.filter(
    (one) => snapshot === undefined || basename(one.snapshot) === basename(snapshot),
  );
  const able = listed.flatMap((one) =>
    fit.filter(({ name }) => isOn(one, name)).map((member) => ({ ...one, member })),
  );
  const first = able.find(({ member }) => member.role !== "leader") ?? able[0];
  if (first !== undefined) {
    const { sha256, encrypted } = first;
    return { snapshot: first.snapshot, sha256, encrypted, host: first.member.name };
  }
  if (snapshot !== undefined && host !== undefined)
    return { snapshot, encrypted: snapshot.endsWith(".age"), host };
  const where = host === undefined ? "no host that answers, and no store," : host;
  if (snapshot === undefined) return { refusal: `${where} has a snapshot; etcd:backup takes them` };
  return {
    refusal: `${where} has ${snapshot}; npm run backups lists what there is, and --host NAME says who has one of another name`,
  };
}

function isOn({ where }: Snapshot, host: string): boolean {
  return where.includes("store") || where.includes(host);
}
