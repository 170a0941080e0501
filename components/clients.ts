import * as pulumi from "@pulumi/pulumi";
import { commonNameOf } from "../cluster/access.ts";
import type { Access } from "../cluster/deployed.ts";
import { ADMINISTRATOR, clientIn } from "../cluster/resource-names.ts";
import type { ClientConfig } from "../config/model.ts";
import { Certificate, type IssuedLeaf, type LeafSettings } from "./certificate.ts";
import type { Trust } from "./trust.ts";

/** What a client needs to reach any member. A type, not an interface, so that outputs lift its fields. */
export type Bundle = { readonly caCert: string; readonly cert: string; readonly key: string };

export interface ClientCertificatesArgs {
  readonly authority: Trust;
  readonly certificates: LeafSettings;
  readonly clients: readonly ClientConfig[];
  /** etcd's authentication; nothing where it is not managed. */
  readonly access?: Access | undefined;
}

/** The certificates of those that are no member: the administrator's, and one for each named client. */
export class ClientCertificates {
  /** RFC 3339 end of each, by its name. */
  readonly expire: Readonly<Record<string, pulumi.Output<string>>>;
  /** What the record of issued certificates has of the named ones, by name. */
  readonly issued: Readonly<Record<string, IssuedLeaf>>;
  readonly #authority: Trust;
  readonly #administrator: Certificate;
  readonly #named: ReadonlyMap<string, Certificate>;

  /** `nameOf` names a resource of the parent's. */
  constructor(nameOf: (child: string) => string, args: ClientCertificatesArgs, parent: pulumi.Resource) {
    const { authority, certificates: settings, clients, access } = args;
    const own = { usage: "client", authority: authority.issuing } as const;
    this.#authority = authority;
    this.#administrator = new Certificate(
      nameOf(ADMINISTRATOR),
      { ...own, commonName: commonNameOf("etcd-client", access), settings },
      { parent },
    );
    this.#named = new Map(
      clients.map(({ name, organization, validityDays, issue }) => {
        const subject = { commonName: name, ...(organization === undefined ? {} : { organization }) };
        const leaf = { ...own, ...subject, settings: shortened(settings, validityDays) };
        return [name, new Certificate(nameOf(clientIn(name, issue)), leaf, { parent })];
      }),
    );
    const named = [...this.#named];
    this.issued = Object.fromEntries(named.map(([name, { issued }]) => [name, issued]));
    this.expire = {
      [ADMINISTRATOR]: this.#administrator.expires,
      ...Object.fromEntries(named.map(([name, { expires }]) => [clientIn(name, 1), expires])),
    };
  }

  /** The administrator's. Secret. */
  administrator(): pulumi.Output<Bundle> {
    return pulumi.secret(this.#bundleOf(this.#administrator));
  }

  /** By the client's name. Secret; nothing where there is none. */
  named(): pulumi.Output<Record<string, Bundle>> | undefined {
    if (this.#named.size === 0) return undefined;
    const bundles = [...this.#named].map(([name, one]) => [name, this.#bundleOf(one)] as const);
    return pulumi.secret(pulumi.all(Object.fromEntries(bundles)));
  }

  #bundleOf(certificate: Certificate): pulumi.Output<Bundle> {
    return pulumi.output({
      caCert: this.#authority.clientBundle,
      cert: certificate.certPem,
      key: certificate.privateKeyPem,
    });
  }
}

/** One that is valid for less than the usual time is due when a third of its life is left, at the earliest. */
function shortened(settings: LeafSettings, validityDays: number): LeafSettings {
  const { renewBeforeDays, leafValidityDays } = settings;
  const third = Math.floor(validityDays / 3);
  const window = validityDays < leafValidityDays ? Math.min(renewBeforeDays, third) : renewBeforeDays;
  return { ...settings, leafValidityDays: validityDays, renewBeforeDays: window };
}
