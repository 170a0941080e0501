/** A cluster on the simulated EC2, and what the tests ask of that cloud. */

import { labHostOf, writeEc2Stack } from "../../lab/ec2/stack.ts";
import { lab, must, onHost } from "./lab.ts";
import { Project } from "./project.ts";

/** An instance of the cloud. */
export interface CloudInstance {
  readonly name: string;
  readonly id: string;
  readonly state: string;
}

/** What `lab cloud list` shows. */
interface Cloud {
  readonly instances: readonly CloudInstance[];
  readonly volumes: readonly { readonly name: string; readonly id: string }[];
}

/** An empty cloud in a lab without given hosts, and a stack of so many nodes in three zones. */
export async function ec2Project(
  stack: string,
  count = 3,
  config: Readonly<Record<string, unknown>> = {},
): Promise<Project> {
  await must(lab("down"));
  await must(lab("up", "0"));
  await must(lab("image"));
  await must(lab("engine"));
  return Project.create(stack, config, (file) => writeEc2Stack(count, file));
}

/** What is there now, whoever made it. */
export async function cloud(): Promise<Cloud> {
  const { stdout } = await must(lab("cloud", "list"));
  return JSON.parse(stdout);
}

/** Ids of the instances by name. */
export async function instanceIds(): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await cloud()).instances.map(({ name, id }) => [name, id]));
}

/** Changes settings of `aws`. */
export async function configureAws(
  project: Project,
  change: Readonly<Record<string, unknown>>,
): Promise<void> {
  const aws = await project.configured("aws");
  await project.configure({ aws: { ...Object(aws), ...change } });
}

/** On the host of node N. */
export function onNode(node: number, script: string): Promise<string> {
  return onHost(labHostOf(node), script);
}

/** `name id` of each member as etcd lists them, by name. */
export async function memberIds(node: number): Promise<Readonly<Record<string, string>>> {
  const list = await onNode(node, "etcd-host ctl member list");
  const rows = list.split("\n").map((line) => line.split(", "));
  return Object.fromEntries(rows.map(([id, , name]) => [String(name), String(id)]).sort());
}

/** The most instances that were not running at one moment since then, by the cloud's own log. */
export async function mostDownAtOnce(since: number): Promise<number> {
  const { stdout } = await must(lab("cloud", "events"));
  const down = new Set<string>();
  let most = 0;
  for (const line of stdout.trim().split("\n")) {
    const { time, event, name } = JSON.parse(line);
    if (Date.parse(time) < since) continue;
    if (["shutting-down", "stopping"].includes(event)) down.add(name);
    if (event === "running") down.delete(name);
    most = Math.max(most, down.size);
  }
  return most;
}
