/** Whether what would happen now is still what was approved. */

import type { HostRow, Plan, SecurityRow, StepDigest } from "./model.ts";
import { inOneLine } from "./presentation.ts";

/** The clients' own certificates are renewed like the hosts', and touch none of them. */
function isHotOther(other: string): boolean {
  return other === "client: replace" || /^client \S+: renewed$/.test(other);
}

/** What would happen now that was not approved: one clause each. What is done already, and hot renewals, may differ. */
export function deviations(approved: Plan, current: Plan): readonly string[] {
  return [
    ...current.hosts.filter((row) => !isApproved(row, approved)).map((row) => describe(row, approved)),
    ...current.cluster
      .filter(({ step, text }) => step !== "health" && !approved.cluster.some((row) => row.text === text))
      .map(({ text }) => `cluster: ${text}`),
    ...current.security
      .filter((row) => !isReviewed(row, approved))
      .map((row) => `security: ${inOneLine(row)}`),
    ...current.others.filter((other) => !approved.others.includes(other) && !isHotOther(other)),
  ];
}

/** Hosts that are not what was approved, although nothing is left to do: the stack now asks for something else. */
export function notDone(approved: Plan, current: Plan): readonly string[] {
  const is = (name: string, { step, to }: StepDigest) =>
    current.hosts.some(
      (row) => row.name === name && row.steps.some((now) => now.step === step && now.to === to),
    );
  return approved.hosts
    .filter(({ action }) => action !== "remove" && action !== "inert")
    .filter(({ name, steps }) =>
      steps.some((step) => step.step !== "connection" && isKnown(step) && !is(name, step)),
    )
    .map(({ name }) => name);
}

/** Of hosts that are done already there is no row any more. */
function isReviewed({ hosts, ...row }: SecurityRow, approved: Plan): boolean {
  return approved.security.some(
    ({ hosts: reviewed, ...one }) =>
      JSON.stringify(one) === JSON.stringify(row) && hosts.every((host) => reviewed.includes(host)),
  );
}

function isKnown({ to }: StepDigest): boolean {
  return to !== "" && !to.startsWith("~");
}

/** Nothing but certificates that are due: no process is touched. */
export function onlyRenewals(plan: Plan): boolean {
  const rows = plan.hosts.every((row) => isHot(row));
  const cluster = plan.cluster.every(({ step }) => step === "health");
  return rows && cluster && plan.security.length === 0 && plan.others.every(isHotOther);
}

export function samePlan(approved: Plan, current: Plan): boolean {
  const parts = ({ hosts, cluster, security, others }: Plan) =>
    JSON.stringify([hosts, cluster, security, others]);
  return parts(approved) === parts(current);
}

function isApproved(row: HostRow, approved: Plan): boolean {
  if (isHot(row)) return true;
  const planned = approved.hosts.find(({ name }) => name === row.name);
  return (
    planned?.action === row.action &&
    row.steps.every((step) => isPlanned(step, planned.steps)) &&
    row.replaced.every((part) => planned.replaced.includes(part))
  );
}

/** To the approved state, and from the state at the approval or the approved one: not from a later one. */
function isPlanned({ step, from, to }: StepDigest, planned: readonly StepDigest[]): boolean {
  return planned.some((one) => one.step === step && one.to === to && (from === one.from || from === one.to));
}

function isHot({ action }: HostRow): boolean {
  return action === "nothing" || action === "inert" || action === "renew";
}

function describe(row: HostRow, approved: Plan): string {
  const planned = approved.hosts.find(({ name }) => name === row.name);
  const now = `${row.name}: now ${said(row)}`;
  return planned === undefined ? `${now}, and was not in the plan` : `${now}, approved was ${said(planned)}`;
}

function said({ action, why }: HostRow): string {
  return [action, why.join("; ")].filter((part) => part !== "").join(": ");
}
