import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";
import { INERT, remoteStep } from "./step.ts";

/**
 * What stays in the state of a component of a node that is lost: the same steps under the same names, which nothing
 * runs any more. Without them their deletes would dial a machine that is gone, at every `up`.
 */
export class InertSteps extends pulumi.ComponentResource {
  constructor(
    type: string,
    name: string,
    { host, steps }: { readonly host: Host; readonly steps: readonly string[] },
    opts: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, {}, opts);
    for (const step of steps) remoteStep(step, host, { create: ":" }, { parent: this, ...INERT });
    this.registerOutputs();
  }
}
