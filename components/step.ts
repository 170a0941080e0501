import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";

/** What one step runs on its host. Every text is a short call of `etcd-host`; secrets come on stdin only. */
export interface StepArgs {
  /** Runs on the first `up`. */
  readonly create: pulumi.Input<string>;
  /** Runs when anything of the step changed. @default `create` */
  readonly update?: pulumi.Input<string>;
  /** Runs after all creates when the step is gone. @default nothing runs */
  readonly delete?: pulumi.Input<string>;
  /** @default no standard input */
  readonly stdin?: pulumi.Input<string>;
}

/** One step on one host, and a digest of all that it carries, for the cluster steps that follow it. */
export interface Step {
  readonly command: command.remote.Command;
  readonly digest: pulumi.Output<string>;
}

/**
 * A remote command as this program uses it: no triggers (they replace), no environment (sshd refuses it), only
 * warnings and errors in the log, and a parent that is never left out.
 */
export function remoteStep(
  name: string,
  host: Pick<Host, "connection">,
  args: StepArgs,
  opts: pulumi.CustomResourceOptions & { parent: pulumi.Resource },
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
  const texts = [args.create, args.update ?? "", args.stdin ?? ""];
  return { command: step, digest: pulumi.unsecret(pulumi.all(texts).apply((all) => digestOf(all))) };
}

/**
 * For the steps of a node that is gone for good: they stay in the state as they are, whatever the program says of them,
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

/** Sixteen hexadecimal digits that change when any of the texts does. */
export function digestOf(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:${text}`);
  return hash.digest("hex").slice(0, 16);
}
