// How a stack's hosts are reached: by its configuration, and on EC2 by its outputs.
import { record, text } from "../../lib/json.ts";
import { pulumiJson, type Stack } from "../../lib/pulumi.ts";
import { type Login, loginOf } from "./ssh.ts";

export async function loginTo(stack: Stack): Promise<Login> {
  const login = loginOf(await pulumiJson(stack, "config", "--show-secrets", "--json"));
  if (login.config.aws === undefined) return login;
  return withMadeHosts(login, record(await pulumiJson(stack, "stack", "output", "--json")).sshHosts);
}

/** `made` is the output `sshHosts`: host keys, and addresses where they are not those of the configuration. */
export function withMadeHosts({ config, ...login }: Login, made: unknown): Login {
  const nodes = config.nodes.map((node) => {
    const { address, hostKey } = record(record(made)[node.name]);
    return { ...node, sshAddress: text(address) || node.sshAddress, hostKey: text(hostKey) };
  });
  return { ...login, config: { ...config, nodes } };
}
