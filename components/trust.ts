import * as pulumi from "@pulumi/pulumi";
import { authorityOf, termsOf } from "../cluster/authorities.ts";
import type { Deployed } from "../cluster/deployed.ts";
import { EXPIRED_CA } from "../cluster/ended.ts";
import { type AuthorityRole, authorityNamed } from "../cluster/resource-names.ts";
import type { CertificateSettings, ClusterConfig } from "../config/model.ts";
import { type Authority, CertificateAuthority } from "./certificate-authority.ts";

/** One CA of those that follow each other by rotation. Each has resources of its own, so none is ever renamed. */
export interface Generation extends Authority {
  readonly number: number;
  /** What it is called among the resources, and in `certificatesExpire`. */
  readonly name: string;
  readonly terms: { readonly algorithm: CertificateSettings["algorithm"]; readonly validityDays: number };
}

/** What members trust of one kind, and what signs their certificates. */
export interface Trust {
  readonly issuing: Generation;
  /** Ascending by number, so that the bundle stays the same when another one issues. */
  readonly trusted: readonly Generation[];
  /** The numbers, the issuing one first. */
  readonly list: readonly number[];
  /** The certificates of all that are trusted, one after the other. */
  readonly bundle: pulumi.Output<string>;
}

/** The two kinds: one for clients and servers, one among the peers. */
export interface Authorities {
  readonly client: Trust;
  readonly peer: Trust;
}

type TrustConfig = Pick<ClusterConfig, "allow" | "certificates" | "protect">;

export function makeAuthorities(config: TrustConfig, previous: Deployed | undefined): Authorities {
  return { client: makeTrust("client", config, previous), peer: makeTrust("peer", config, previous) };
}

function makeTrust(role: AuthorityRole, config: TrustConfig, previous: Deployed | undefined): Trust {
  const { proven, wanted: list } = authorityOf(role, config.certificates, previous);
  const trusted = list
    .toSorted((a, b) => a - b)
    .map((number): Generation => {
      const name = authorityNamed(role, number);
      const terms = termsOf(config.certificates, proven, number);
      const authority = new CertificateAuthority(name, {
        commonName: `etcd-${name}`,
        ...terms,
        renewBeforeDays: config.certificates.caRenewBeforeDays,
        renewsEnded: config.allow.includes(EXPIRED_CA),
        // one that does not issue must be free to go: its delete is refused for what its last up said
        protect: config.protect && number === list[0],
      });
      const { certPem, privateKeyPem, notBefore, expires } = authority;
      return { number, name, terms, certPem, privateKeyPem, notBefore, expires };
    });
  const issuing = trusted.find(({ number }) => number === list[0]);
  if (issuing === undefined) throw new Error(`no ${role} CA issues`);
  const bundle = pulumi
    .all(trusted.map(({ certPem }) => certPem))
    .apply((pems) => pems.map((pem) => `${pem.trimEnd()}\n`).join(""));
  return { issuing, trusted, list, bundle };
}
