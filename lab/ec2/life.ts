// Part of the simulated EC2: how instances stop, start and end, and what that does to their volumes and interfaces. The provider
// and `lab cloud` share it.
import { isObject, type Properties, text } from "../engine/properties.ts";
import { type Cloud, needId } from "./cloud.ts";

export async function stop(cloud: Cloud, id: string): Promise<void> {
  const thing = await enter(cloud, id, "stopping", "StopInstances");
  await cloud.machines.stop(addressOf(thing));
  await leave(cloud, id, thing, "stopped");
}

/** Starts a stopped instance. */
export async function restart(cloud: Cloud, id: string): Promise<void> {
  const thing = await enter(cloud, id, "pending", "StartInstances");
  await cloud.machines.start(addressOf(thing));
  await leave(cloud, id, thing, "running");
}

/** Terminates an instance: its root disk is deleted, its volumes and its interface are released. */
export async function terminate(cloud: Cloud, id: string): Promise<void> {
  const thing = await enter(cloud, id, "shutting-down", "TerminateInstances");
  await cloud.machines.terminate(addressOf(thing));
  await cloud.store.locked(() => {
    for (const attachment of attachmentsOf(cloud, id)) cloud.store.remove("volume-attachment", attachment.id);
    cloud.store.change("interface", text(thing, "primaryNetworkInterfaceId") ?? "", { attachments: [] });
    cloud.store.remove("instance", id);
    cloud.store.event("terminated", { instance: id, name: nameTag(thing) });
  });
}

export function attachmentsOf(cloud: Cloud, instance: string) {
  return cloud.store.list("volume-attachment").filter(({ thing }) => thing.instanceId === instance);
}

export function nameTag({ tags }: Properties): string {
  return (isObject(tags) && text(tags, "Name")) || "";
}

async function enter(cloud: Cloud, id: string, state: string, operation: string): Promise<Properties> {
  return await cloud.store.locked(() => {
    const thing = needId(cloud, operation, "instance", id);
    cloud.store.change("instance", id, { instanceState: state });
    cloud.store.event(state, { instance: id, name: nameTag(thing) });
    return thing;
  });
}

async function leave(cloud: Cloud, id: string, thing: Properties, state: string): Promise<void> {
  await cloud.store.locked(() => {
    cloud.store.change("instance", id, { instanceState: state });
    cloud.store.event(state, { instance: id, name: nameTag(thing) });
  });
}

function addressOf(thing: Properties): string {
  return text(thing, "privateIp") ?? "";
}
