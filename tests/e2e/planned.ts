/** An `up` that is held to its plan: what `npm run plan` says of each host is compared with what its systemd saw. */

import assert from "node:assert/strict";
import type { Action, HostRow, Plan } from "../../cli/plan/model.ts";
import { labCommand } from "../../lab/describe.ts";
import { labHostOf } from "../../lab/ec2/stack.ts";
import { lab, must, type Result, run } from "./lab.ts";
import { startedAt } from "./members.ts";
import type { Project } from "./project.ts";

/** Actions that start the process once; in every other the plan says that nothing restarts. */
const STARTS: readonly Action[] = ["bootstrap", "join", "replace", "restart", "rebuild"];

/** `npm run COMMAND -- ARGS…` in the project's folder. */
export function cli(project: Project, command: string, ...args: string[]): Promise<Result> {
  const call = ["sh", "-c", 'cd "$1" && shift && exec node "$@"', "cli", project.dir];
  return run(labCommand, ["exec", ...call, `cli/${command}/${command}.ts`, ...args], project.env);
}

export async function planOf(project: Project): Promise<Plan> {
  return JSON.parse((await must(cli(project, "plan", "--json"))).stdout);
}

/** `expected`: what the plan has to say of each host, in its order. */
export async function upAsPlanned(
  project: Project,
  expected: Readonly<Record<string, Action>>,
  ...args: string[]
): Promise<Result> {
  return (await planned(project, expected))(...args);
}

/** The same in two parts: planned now, done and compared when it is called, beside a writer for example. */
export async function planned(
  project: Project,
  expected: Readonly<Record<string, Action>>,
  read: (plan: Plan) => void = () => {},
): Promise<(...args: string[]) => Promise<Result>> {
  const plan = await planOf(project);
  read(plan);
  assert.deepEqual(
    plan.hosts.map(({ name, action }) => [name, action]),
    Object.entries(expected),
    "the plan names other hosts, actions or another order",
  );
  assert.equal(plan.restarts, plan.hosts.filter(({ action }) => action === "restart").length);
  const before = await startsByHost(plan.hosts);
  return async (...args) => {
    const result = await must(project.up(...args));
    await assertStarts(plan.hosts, before);
    await assertOrder(plan.hosts);
    return result;
  };
}

async function assertStarts(hosts: readonly HostRow[], before: ReadonlyMap<string, number>): Promise<void> {
  const after = await startsByHost(hosts);
  for (const { name, action } of hosts) {
    const isNewMachine = action === "rebuild"; // with a journal of its own
    const seen = Number(after.get(name)) - (isNewMachine ? 0 : Number(before.get(name) ?? 0));
    const wanted = STARTS.includes(action) ? 1 : 0;
    if (after.has(name))
      assert.equal(seen, wanted, `${name}: starts that systemd saw in a plan of ${action}`);
  }
}

/** How often the service has started on each host that can be asked, by its journal. */
async function startsByHost(hosts: readonly HostRow[]): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const count = "journalctl -u etcd -o cat --no-pager | grep -c '^Started ' || true";
  await Promise.all(
    hosts.map(async (row) => {
      const { code, stdout } = await lab("enter", String(hostOf(row)), "sh", "-c", count);
      if (code === 0) counts.set(row.name, Number(stdout.trim()));
    }),
  );
  return counts;
}

/** The chain ran in the order of the plan's rows. Founders have none: they start together. */
async function assertOrder(hosts: readonly HostRow[]): Promise<void> {
  const started = hosts.filter(({ action }) => STARTS.includes(action) && action !== "bootstrap");
  const times = await Promise.all(started.map((row) => startedAt(hostOf(row))));
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
    "the members did not start in the plan's order",
  );
}

/**
 * Host N of the lab is at 192.168.1.10N, an instance at the address of its host; any other address is one more of the
 * host that has the node's number.
 */
function hostOf({ name, address }: HostRow): number {
  const number = Number(address.split(".").at(-1)) - 100;
  const node = Number(name.replace(/^node/, ""));
  return number < 10 || number === labHostOf(node) ? number : node;
}
