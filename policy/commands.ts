/** Rules for the commands that run on hosts. */

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { at, has, isInert, UNKNOWN } from "./read.ts";

/**
 * `triggers` replace a command: the new create runs before the old delete, which then stops what was just started.
 * `environment` is refused by sshd, and is stored unencrypted in the state.
 */
export const noTriggers: ResourceValidationPolicy = {
  name: "no-triggers",
  description: "Commands have neither triggers nor environment.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (!type.startsWith("command:")) return;
    if (has(props, "triggers"))
      report(
        "It has triggers, which replace it: put what it depends on into its text, which updates it in place.",
      );
    if (has(props, "environment"))
      report(
        "It has an environment, which sshd refuses: put plain values into its text, and secrets into stdin.",
      );
  },
};

/** Without a host key, any machine that answers at the address gets the commands and the secrets on their stdin. */
export const hostKeysPinned: ResourceValidationPolicy = {
  name: "host-keys-pinned",
  description: "Every ssh connection pins the host's key, and so does its proxy.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props, opts }, report) => {
    if (!type.startsWith("command:remote:") || isInert({ opts })) return;
    const connection = at(props, "connection");
    if (!hasHostKey(connection))
      report("Its connection has no hostKey: set it to the key that ssh-keyscan shows.");
    const proxy = at(connection, "proxy");
    if (proxy !== undefined && proxy !== null && !hasHostKey(proxy))
      report("The proxy of its connection has no hostKey: set it to the key that ssh-keyscan shows.");
  },
};

function hasHostKey(connection: unknown): boolean {
  const key = at(connection, "hostKey");
  return key === UNKNOWN || (typeof key === "string" && key.trim() !== "");
}
