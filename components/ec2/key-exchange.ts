import * as pulumi from "@pulumi/pulumi";
import type { PrivateKey } from "@pulumi/tls";
import { partOf } from "../../cluster/resource-names.ts";
import { exchangeKeyCommand } from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import type { Host } from "../host.ts";
import { hostStep, type Step } from "../step.ts";

export interface ExchangeArgs {
  readonly parent: pulumi.Resource;
  /** As the first connection reaches it: by the key in its user data. */
  readonly host: Omit<Host, "prepared">;
  /** What all other connections pin. */
  readonly hostKey: PrivateKey;
  /** Whether this very machine has it, and may have dropped the other one. */
  readonly isDone: boolean;
}

/**
 * Gives a new machine its host key. sshd serves the key of the user data beside it until the next step, which is reached
 * by the new one: whichever of the two was cut off can run again.
 */
export function exchangeStep(name: string, { parent, host, hostKey, isDone }: ExchangeArgs): Step {
  const program = hostProgram();
  const command = exchangeKeyCommand(host.caller, Buffer.byteLength(program));
  return hostStep(
    partOf(name, "key-exchange"),
    host,
    { create: command, stdin: pulumi.secret(pulumi.interpolate`${program}${hostKey.privateKeyOpenssh}`) },
    { parent, ...(isDone ? { ignoreChanges: ["*"] } : {}) }, // by the first key it is not reached any more
  );
}
