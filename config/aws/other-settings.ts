import type { ClusterConfig } from "../model.ts";
import type { NodeAddresses } from "../nodes.ts";

/** The other settings that those of `aws` are checked against. */
export interface OtherSettings extends Pick<ClusterConfig, "target" | "ssh" | "release" | "settings"> {
  readonly nodes: readonly NodeAddresses[];
}
