/** Where a host's private keys are sent, and who may log in there: what the proof records, and the next plan compares with. */

import type { AwsConfig } from "../config/aws/model.ts";
import type { NodeConfig, SshConfig } from "../config/model.ts";
import type { Json } from "../lib/json.ts";

export interface LoginSettings {
  readonly ssh: SshConfig;
  readonly aws?: Pick<AwsConfig, "authorizedKeys">;
}

/**
 * An instance's address is AWS's own, and its host key the program's. Without listed keys the instances stay as they are,
 * and with them what was recorded of these.
 */
export function loginOf(
  { sshAddress, sshPort, hostKey }: Pick<NodeConfig, "sshAddress" | "sshPort" | "hostKey">,
  { ssh, aws }: LoginSettings,
  previous: Json = {},
): Json {
  const login = { user: ssh.user, bastion: ssh.bastion ?? null };
  if (aws === undefined) return { address: sshAddress, port: sshPort, hostKey, ...login };
  const authorizedKeys = aws.authorizedKeys.length > 0 ? plainKeys(aws) : previous.authorizedKeys;
  return authorizedKeys === undefined ? login : { ...login, authorizedKeys };
}

/** Who may log in, without comments and in no order: two people may write the same keys differently. */
export function plainKeys({ authorizedKeys }: Pick<AwsConfig, "authorizedKeys">): readonly string[] {
  return [...new Set(authorizedKeys.map((line) => line.split(/\s+/).slice(0, 2).join(" ")))].sort();
}
