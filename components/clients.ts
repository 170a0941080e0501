import * as pulumi from "@pulumi/pulumi";
import { clientIn } from "../cluster/resource-names.ts";
import type { ClientConfig } from "../config/model.ts";
import { Certificate, type IssuedLeaf, type LeafSettings } from "./certificate.ts";
import type { Authorities } from "./certificate-authority.ts";

/** What a client outside needs. A type, not an interface, so that outputs lift its fields. */
export type Bundle = { readonly caCert: string; readonly cert: string; readonly key: string };

export interface NamedClient {
  readonly name: string;
  readonly certificate: Certificate;
}

export interface ClientsArgs {
  readonly clients: readonly ClientConfig[];
  readonly authorities: Authorities;
  readonly certificates: LeafSettings;
}

/** A certificate of its own for each; `childOf` names it after the component that has it. */
export function issueClients(
  { clients, authorities, certificates }: ClientsArgs,
  childOf: (name: string) => string,
  parent: pulumi.Resource,
): readonly NamedClient[] {
  return clients.map(({ name, organization, validityDays, issue }) => {
    const certificate = new Certificate(
      childOf(clientIn(name, issue)),
      {
        commonName: name,
        ...(organization === undefined ? {} : { organization }),
        usage: "client",
        authority: authorities.client,
        settings: shortened(certificates, validityDays),
      },
      { parent },
    );
    return { name, certificate };
  });
}

/** A certificate that is valid for less than the usual renewal window is due when a third of its life is left. */
function shortened(settings: LeafSettings, validityDays: number): LeafSettings {
  const { renewBeforeDays, leafValidityDays } = settings;
  const isShort = validityDays < leafValidityDays && validityDays <= renewBeforeDays;
  const window = isShort ? Math.floor(validityDays / 3) : renewBeforeDays;
  return { ...settings, leafValidityDays: validityDays, renewBeforeDays: window };
}

export function bundleOf({ client: ca }: Authorities, client: Certificate): pulumi.Output<Bundle> {
  return pulumi.output({ caCert: ca.certPem, cert: client.certPem, key: client.privateKeyPem });
}

export function bundles(
  authorities: Authorities,
  named: readonly NamedClient[],
): pulumi.Output<Record<string, Bundle>> {
  return pulumi.all(
    Object.fromEntries(named.map(({ name, certificate }) => [name, bundleOf(authorities, certificate)])),
  );
}

/** What the record of issued certificates has of them, and of hosts. */
export function issuedTo(
  named: readonly NamedClient[],
  hosts: readonly { readonly installation: { readonly issued: Readonly<Record<string, IssuedLeaf>> } }[],
): Readonly<Record<string, IssuedLeaf>> {
  const clients = named.map(({ name, certificate }) => [name, certificate.issued] as const);
  const onHosts = hosts.flatMap(({ installation }) => Object.entries(installation.issued));
  return Object.fromEntries([...clients, ...onHosts]);
}
