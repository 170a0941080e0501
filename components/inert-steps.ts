import * as pulumi from "@pulumi/pulumi";
import { type NodePart, partOf } from "../cluster/resource-names.ts";
import type { Host } from "./host.ts";
import { INERT, remoteStep } from "./step.ts";

export interface InertStepsArgs {
  readonly host: Host;
  /** What the component had. */
  readonly parts: readonly NodePart[];
}

/**
 * What stays in the state of a lost node's component: the same steps under the same names, which nothing
 * runs any more. Without them, every `up` would try to delete them on a machine that is gone.
 */
export class InertSteps extends pulumi.ComponentResource {
  constructor(
    type: string,
    name: string,
    { host, parts }: InertStepsArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, {}, opts);
    for (const part of parts)
      remoteStep(partOf(name, part), host, { create: ":" }, { parent: this, ...INERT });
    this.registerOutputs({});
  }
}
