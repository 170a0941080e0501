// cli.ts: `lab cloud …`, the console of the simulated EC2: what people do there without the program, and what tests ask.
import { argv, env, exit } from "node:process";
import { message } from "../engine/errors.ts";
import { type Properties, text } from "../engine/properties.ts";
import { type Cloud, refuse } from "./cloud.ts";
import { cloudOf } from "./lab-cloud.ts";
import { attachmentsOf, nameTag, restart, stop, terminate } from "./life.ts";
import { typesOf } from "./types.ts";

const USAGE = `lab cloud list                         instances and volumes, as JSON
lab cloud events                       every launch, stop, termination, attachment …, a line of JSON each
lab cloud stop NAME|ID                 stop an instance | start it
lab cloud start NAME|ID
lab cloud terminate NAME|ID [--force]  for good; --force also where termination is protected
lab cloud delete-volume NAME|ID        detached by force first
lab cloud make TYPE INPUTS             a thing that no program made (aws:ec2/vpc:Vpc '{"cidrBlock": …}')`;

type Command = (cloud: Cloud, args: readonly string[]) => Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  async list(cloud) {
    console.log(JSON.stringify(await listOf(cloud), null, 2));
  },

  async events(cloud) {
    process.stdout.write(cloud.store.events());
  },

  stop: (cloud, [which]) => stop(cloud, find(cloud, "instance", which)),
  start: (cloud, [which]) => restart(cloud, find(cloud, "instance", which)),

  async terminate(cloud, [which, flag]) {
    const id = find(cloud, "instance", which);
    if (cloud.store.get("instance", id)?.disableApiTermination === true && flag !== "--force") {
      const reason = `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
      refuse("TerminateInstances", "OperationNotPermitted", reason);
    }
    await terminate(cloud, id);
  },

  async "delete-volume"(cloud, [which]) {
    const id = find(cloud, "volume", which);
    const attachment = cloud.store.list("volume-attachment").find(({ thing }) => thing.volumeId === id);
    const instance = attachment && cloud.store.get("instance", text(attachment.thing, "instanceId") ?? "");
    if (instance) await cloud.machines.detach(text(instance, "privateIp") ?? "", id, true);
    await cloud.machines.dropVolume(id);
    await cloud.store.locked(() => {
      if (attachment) cloud.store.remove("volume-attachment", attachment.id);
      cloud.store.remove("volume", id);
      cloud.store.event("volume-deleted", { volume: id });
    });
  },

  async make(cloud, [type = "", json = "{}"]) {
    const resource = typesOf(() => cloud)[type];
    if (!resource) throw new Error(`there is no type ${type}`);
    const { inputs, failures } = resource.check(JSON.parse(json), "made", {});
    if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("\n"));
    const never = new AbortController().signal;
    const operation = { name: "made", id: "", inputs, preview: false, cancelled: never, log: () => {} };
    console.log(JSON.stringify(await resource.create(operation), null, 2));
  },
};

async function listOf(cloud: Cloud) {
  const instances = cloud.store.list("instance").map(async ({ id, thing }) => {
    const address = text(thing, "privateIp") ?? "";
    const off = thing.instanceState === "running" && !(await cloud.machines.isRunning(address));
    return {
      id,
      name: nameTag(thing),
      state: off ? "stopped" : thing.instanceState,
      host: cloud.machines.hostNumber(address),
      address,
      ami: thing.ami,
      instanceType: thing.instanceType,
      volumes: attachmentsOf(cloud, id).map((attachment) => attachment.thing.volumeId),
    };
  });
  const volumes = cloud.store.list("volume").map(({ id, thing }) => ({
    id,
    name: nameTag(thing),
    size: thing.size,
    zone: thing.availabilityZone,
  }));
  return { instances: await Promise.all(instances), volumes };
}

/** A resource by its id or its Name tag. */
function find(cloud: Cloud, kind: string, which: string | undefined): string {
  const found = cloud.store.list(kind).filter(({ id, thing }: { id: string; thing: Properties }) => {
    return id === which || nameTag(thing) === which;
  });
  const [only, ...more] = found;
  if (!only) throw new Error(`there is no ${kind} ${which ?? ""}: see lab cloud list`);
  if (more.length > 0) throw new Error(`several have the name ${which}: give the id of one`);
  return only.id;
}

const [name = "", ...args] = argv.slice(2);
const command = COMMANDS[name];
if (!command) {
  console.error(USAGE);
  exit(2);
}
try {
  await command(cloudOf(env.AWS_REGION ?? "eu-central-1"), args);
} catch (error) {
  console.error(`lab: ${message(error)}`);
  exit(1);
}
