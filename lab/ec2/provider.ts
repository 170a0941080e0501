// A simulation of EC2 for the lab, never used outside it: a Pulumi provider `aws` that boots lab hosts for instances.
import { type Properties, text } from "../engine/properties.ts";
import { type Failure, serve } from "../engine/provider.ts";
import { ACCOUNT, type Cloud } from "./cloud.ts";
import { invokes } from "./invokes.ts";
import { cloudOf } from "./lab-cloud.ts";
import { typesOf } from "./types.ts";

let configured: Cloud | undefined;

function cloud(): Cloud {
  if (configured) return configured;
  throw new Error("the provider is not configured: set aws:region");
}

function checkConfiguration(configuration: Properties): Failure[] {
  const { region, allowedAccountIds } = configuration;
  if (typeof region !== "string" || !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
    return [{ property: "region", reason: "set aws:region to the region to use (eu-central-1)" }];
  // lists come as text in JSON
  const allowed: unknown = typeof allowedAccountIds === "string" ? JSON.parse(allowedAccountIds) : [ACCOUNT];
  if (Array.isArray(allowed) && allowed.includes(ACCOUNT)) return [];
  return [{ property: "allowedAccountIds", reason: `AWS account ID not allowed: ${ACCOUNT}` }];
}

serve("7.48.0", typesOf(cloud), {
  checkConfiguration,
  configure: (configuration) => {
    configured = cloudOf(text(configuration, "region") ?? "");
  },
  invokes: invokes(cloud),
});
