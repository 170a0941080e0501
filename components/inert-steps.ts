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
 * What stays in the state of a component of a node that is lost: the same steps under the same names, which nothing
 * runs any more. Without them their deletes would dial a machine that is gone, at every `up`.
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
