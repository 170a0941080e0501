import * as pulumi from "@pulumi/pulumi";
import type { TopologyMember } from "../cluster/topology.ts";
import type { ClientCertificates } from "./clients.ts";
import type { Host } from "./host.ts";
import type { Installation } from "./installation.ts";
import type { MemberSpec } from "./member.ts";
import type { Step } from "./step.ts";
import type { Authorities } from "./trust.ts";

/** A member, its host, and what it starts from there. */
export interface Seat {
  readonly member: TopologyMember;
  readonly host: Host;
  readonly installation: Installation;
  readonly spec: MemberSpec;
  /** The steps that prepare its host. */
  readonly prepared: readonly Step[];
  /** Whether its machine is replaced, at its turn. */
  readonly isRebuilt: boolean;
}

export function toldLines(seats: readonly Seat[]): pulumi.Output<string> {
  const lines = seats.map(({ member, spec }) => pulumi.interpolate`told ${member.name} ${spec.told}\n`);
  return pulumi.all(lines).apply((all) => all.join(""));
}

export function seatOf(seats: readonly Seat[], node: string): Seat {
  const seat = seats.find(({ member }) => member.name === node);
  if (seat === undefined) throw new Error(`no member is named ${node}`);
  return seat;
}

export function certificatesExpire(
  { client, peer }: Authorities,
  clients: ClientCertificates,
  seats: readonly Seat[],
): pulumi.Output<Record<string, string>> {
  const trusted = [...client.trusted, ...peer.trusted].map(({ name, expires }) => [name, expires]);
  const hosts = seats.flatMap(({ member, installation }) =>
    Object.entries(installation.expires).map(([role, end]) => [`${member.name}-${role}`, end]),
  );
  return pulumi.all({ ...Object.fromEntries(trusted), ...clients.expire, ...Object.fromEntries(hosts) });
}
