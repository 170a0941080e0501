import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";

/** Where a step runs. */
export interface StepTarget {
  readonly connection: pulumi.Input<command.types.input.remote.ConnectionArgs>;
  /** The machine behind it, if the program creates it. @default a given machine */
  readonly machine?: { readonly id: pulumi.Output<string>; readonly resource: pulumi.Resource };
}

/** What one step runs on its host. Every text is a short call of `etcd-host`; secrets come on stdin only. */
export interface StepArgs {
  /** Runs on the first `up`. */
  readonly create: pulumi.Input<string>;
  /** Runs when anything of the step changed. @default `create` */
  readonly update?: pulumi.Input<string>;
  /** Runs after all creates when the step is gone. @default nothing */
  readonly delete?: pulumi.Input<string>;
  /** @default no standard input */
  readonly stdin?: pulumi.Input<string>;
}

/** One step on one host, and a digest of all that it carries, for the cluster steps that follow it. */
export interface Step {
  readonly command: command.remote.Command;
  readonly digest: pulumi.Output<string>;
}

type StepOptions = pulumi.CustomResourceOptions & { parent: pulumi.Resource };

/**
 * A remote command as this program uses it: no triggers (they replace), no environment (sshd refuses it), only
 * warnings and errors in the log, and a parent that is never left out.
 */
export function remoteStep(
  name: string,
  host: Pick<StepTarget, "connection">,
  args: StepArgs,
  opts: StepOptions,
): Step {
  const step = new command.remote.Command(
    name,
    {
      connection: host.connection,
      addPreviousOutputInEnv: false,
      logging: command.remote.Logging.Stderr,
      create: args.create,
      update: args.update ?? args.create,
      ...(args.delete === undefined ? {} : { delete: args.delete }),
      ...(args.stdin === undefined ? {} : { stdin: args.stdin }),
    },
    opts,
  );
  return { command: step, digest: digestOfStep(args) };
}

/**
 * A step on one host. If the program creates the machine, the step's texts name it, so that another machine at
 * the same address gets every step, and its delete is left out when the machine goes too. The digest does not depend
 * on the machine: the cluster's first step carries it, and runs before a machine is replaced.
 */
export function hostStep(
  name: string,
  { connection, machine }: StepTarget,
  args: StepArgs,
  opts: StepOptions,
): Step {
  if (machine === undefined) return remoteStep(name, { connection }, args, opts);
  const bound = (text: pulumi.Input<string>) => pulumi.interpolate`${text} --machine=${machine.id}`;
  const texts = {
    create: bound(args.create),
    update: bound(args.update ?? args.create),
    ...(args.delete === undefined ? {} : { delete: bound(args.delete) }),
    ...(args.stdin === undefined ? {} : { stdin: args.stdin }),
  };
  const { command: step } = remoteStep(name, { connection }, texts, {
    ...opts,
    deletedWith: machine.resource,
  });
  return { command: step, digest: digestOfStep(args) };
}

function digestOfStep({ create, update, stdin }: StepArgs): pulumi.Output<string> {
  return pulumi.unsecret(pulumi.all([create, update ?? "", stdin ?? ""]).apply((all) => digestOf(all)));
}

/**
 * For the steps of a member: their deletes only say on the host that the step was given up, and the create that follows
 * takes that back. The host's own step, whose delete takes the member away, is replaced the other way round.
 */
export const GIVEN_UP_FIRST: pulumi.CustomResourceOptions = { deleteBeforeReplace: true };

/**
 * For the steps of a node that is gone for good: they stay in the state as they are, whatever the program declares,
 * and leave it without a call to the host.
 */
export const INERT: pulumi.CustomResourceOptions = { ignoreChanges: ["*"], retainOnDelete: true };

/**
 * The component's URN as the owner in its steps' texts. Not the output itself: that would make every child depend on
 * its own component, which waits for all of its children.
 */
export function ownerOf(component: pulumi.ComponentResource): pulumi.Output<string> {
  return pulumi.output(new Promise<string>((resolve) => component.urn.apply(resolve)));
}
