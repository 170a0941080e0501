import * as pulumi from "@pulumi/pulumi";
import type { PrivateKey } from "@pulumi/tls";
import { partOf } from "../../cluster/resource-names.ts";
import { exchangeKeyCommand } from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import type { Host } from "../host.ts";
import { hostStep, type Step } from "../step.ts";

export interface ExchangeArgs {
  readonly parent: pulumi.Resource;
  /** As the step reaches it. */
  readonly host: Omit<Host, "prepared">;
  /** What all other connections pin. */
  readonly hostKey: PrivateKey;
  /** Whether this very machine has it, and may have dropped the other one. */
  readonly isDone: boolean;
}

/**
 * Gives a new machine its host key, over a connection that pins the one in its user data. sshd serves both until the next
 * step, which pins the new one: whichever of the two was cut off can run again. Then it runs for another machine only.
 */
export function exchangeStep(name: string, { parent, host, hostKey, isDone }: ExchangeArgs): Step {
  const stdin = pulumi.secret(pulumi.interpolate`${hostKey.privateKeyOpenssh}${hostProgram()}`);
  return hostStep(
    partOf(name, "key-exchange"),
    host,
    { create: exchangeKeyCommand(host.caller), stdin },
    { parent, ...(isDone ? { ignoreChanges: ["connection", "stdin"] } : {}) },
  );
}
