/** Questions that the tests ask of a run. */

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Registration, Run } from "./harness.ts";

/** The steps: everything that runs on a host. */
export function steps(run: Run): readonly Registration[] {
  const found = run.resources.filter((resource) => resource.type === "command:remote:Command");
  assert.ok(found.length > 0, `there is no step: ${String(run.failure)}`);
  return found;
}

export function step(run: Run, name: string): Registration {
  return only(steps(run), name);
}

/** The one resource of a type, given by its last part, and a name. */
export function resource(run: Run, type: string, name: string): Registration {
  return only(
    run.resources.filter((one) => one.type.endsWith(`:${type}`)),
    name,
  );
}

function only(among: readonly Registration[], name: string): Registration {
  const [found, ...others] = among.filter((one) => one.name === name);
  assert.ok(found !== undefined && others.length === 0, `there is not exactly one ${name}`);
  return found;
}

/** An input that is text. */
export function text({ name, inputs }: Registration, key: string): string {
  const value = inputs[key];
  assert.ok(typeof value === "string", `${name} has no ${key}`);
  return value;
}

/** What a step carries to its host: the texts it runs and its standard input. */
export function carried({ inputs }: Registration): Readonly<Record<string, string>> {
  const texts = ["create", "update", "delete", "stdin"].flatMap((key) => {
    const value = inputs[key];
    return typeof value === "string" ? [[key, value] as const] : [];
  });
  return Object.fromEntries(texts);
}

/** Options of a call of `etcd-host`, by name, without their quotes. */
export function optionsOf(call: string): Readonly<Record<string, string>> {
  const found = [...call.matchAll(/ --([a-z0-9-]+)=('[^']*'|\S+)/g)];
  return Object.fromEntries(found.map(([, option = "", value = ""]) => [option, value.replaceAll("'", "")]));
}

/** Names of the steps that a step waits for. */
export function waitsFor(run: Run, name: string): readonly string[] {
  const urns = step(run, name).dependencies;
  return steps(run)
    .filter((one) => urns.includes(one.urn))
    .map((one) => one.name)
    .sort();
}

/** Everything that a resource waits for, directly or through others. */
function allBehind(run: Run, one: Registration): readonly Registration[] {
  const found = new Set([one]);
  for (const { dependencies } of found)
    for (const other of run.resources) if (dependencies.includes(other.urn)) found.add(other);
  found.delete(one);
  return [...found];
}

/** Names of the steps among them. */
export function stepsBehind(run: Run, one: Registration): readonly string[] {
  const isStep = ({ type }: Registration) => type === "command:remote:Command";
  return allBehind(run, one)
    .filter(isStep)
    .map(({ name }) => name)
    .sort();
}

/** Names of the instances that a step waits for, directly or through others. */
export function instancesBehind(run: Run, name: string): readonly string[] {
  const isInstance = ({ type }: Registration) => type.endsWith(":Instance");
  return allBehind(run, step(run, name))
    .filter(isInstance)
    .map((one) => one.name)
    .sort();
}

/** Names of the steps that carry something else in one run than in the other, with the keys that differ. */
export function changedSteps(before: Run, after: Run): Readonly<Record<string, readonly string[]>> {
  const names = new Set([...steps(before), ...steps(after)].map((one) => one.name));
  const changes = [...names].sort().flatMap((name) => {
    const old = carriedBy(before, name);
    const now = carriedBy(after, name);
    const keys = ["create", "update", "delete", "stdin"].filter((key) => old[key] !== now[key]);
    return keys.length === 0 ? [] : [[name, keys] as const];
  });
  return Object.fromEntries(changes);
}

function carriedBy(run: Run, name: string): Readonly<Record<string, string>> {
  const found = steps(run).find((one) => one.name === name);
  return found === undefined ? {} : carried(found);
}

/** Everything the engine compares. */
export function registrations(run: Run): readonly Pick<Registration, "urn" | "inputs" | "secretInputs">[] {
  return run.resources
    .map(({ urn, inputs, secretInputs }) => ({ urn, inputs, secretInputs }))
    .sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

/** Names of all resources that one run registers and the other does not, or not so. */
export function changedResources(before: Run, after: Run): readonly string[] {
  const compared = (run: Run) => new Map(registrations(run).map((one) => [one.urn, one]));
  const [old, now] = [compared(before), compared(after)];
  const urns = [...new Set([...old.keys(), ...now.keys()])];
  const changed = urns.filter((urn) => !isDeepStrictEqual(old.get(urn), now.get(urn)));
  return [...new Set(changed.map((urn) => urn.split("::").at(-1) ?? urn))].sort();
}

/** Names of the nodes in the order in which their members begin. */
export function rollout(run: Run): readonly string[] {
  return run.events.flatMap((event) => /^start (.*)-member$/.exec(event)?.[1] ?? []);
}

/** These events happened, in this order. */
export function assertBefore(run: Run, ...inOrder: readonly string[]): void {
  const at = inOrder.map((event) => run.events.indexOf(event));
  assert.ok(!at.includes(-1), `${inOrder.join(", ")}: ${at.join()}`);
  assert.deepEqual(
    at,
    at.toSorted((a, b) => a - b),
    inOrder.join(", "),
  );
}

/** Lines that are only in one of two texts. */
export function differingLines(before: string, after: string): readonly string[] {
  const old = before.split("\n");
  const now = after.split("\n");
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ];
}

/** The value of an output of the stack. */
export function output(run: Run, name: string): unknown {
  const found = run.outputs[name];
  assert.ok(found !== undefined, `there is no output ${name}: ${String(run.failure)}`);
  return found.value;
}

/** Outputs of a run as the next one finds them. */
export function earlierOutputs(run: Run): Readonly<Record<string, unknown>> {
  const entries = Object.entries(run.outputs).map(([key, { value }]) => [key, value] as const);
  assert.ok(entries.length > 0, `the run left nothing: ${String(run.failure)}`);
  return Object.fromEntries(entries);
}
