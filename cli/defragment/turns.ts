/** Whose turn it is: one member after the other, the leader last. */

import type { ClusterStatus } from "../status/facts.ts";

/** Why nothing should begin; nothing if it may. Each host proves it again for its own member. */
export function reasonAgainst({ members }: ClusterStatus): string | undefined {
  const unasked = members.filter(({ error }) => error !== "");
  const silent = members.filter(({ role }) => role === "does not answer");
  const [reason] = [
    ...unasked.map(({ name, error }) => `${name} could not be asked: ${error}`),
    ...silent.map(({ name }) => `${name} does not answer`),
    ...(members.some(({ role }) => role === "leader") ? [] : ["no member leads"]),
  ];
  return reason && `${reason}; repair it first (npm run status). Nothing was changed`;
}

/** Names in their order: who leads moves leadership to one that is done. */
export function turns({ members }: ClusterStatus): readonly string[] {
  const leads = ({ role }: { readonly role: string }) => role === "leader";
  return [...members.filter((member) => !leads(member)), ...members.filter(leads)].map(({ name }) => name);
}

/** What is left to do about alarms, which no defragmentation ends. */
export function alarmAdvice({ members }: ClusterStatus): string | undefined {
  const raised = members.some(({ alarms }) => alarms.some((alarm) => alarm.includes("NOSPACE")));
  return raised
    ? "The alarm NOSPACE is still raised: npm run reclaim compacts as well, and ends it."
    : undefined;
}
