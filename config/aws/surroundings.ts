import type { ClusterConfig } from "../model.ts";
import type { NodeAddresses } from "../nodes.ts";

/** What of the other settings decides about those of `aws`. */
export interface AwsSurroundings extends Pick<ClusterConfig, "target" | "ssh" | "release" | "settings"> {
  readonly nodes: readonly NodeAddresses[];
}
