import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { certificateIn } from "../cluster/resource-names.ts";
import type { Authority } from "./certificate-authority.ts";
import { type KeyAlgorithm, keyArgs } from "./key-args.ts";

/** How leaf certificates are issued. */
export interface LeafSettings {
  readonly algorithm: KeyAlgorithm;
  readonly leafValidityDays: number;
  /** Days before its end from which any `up` replaces it. */
  readonly renewBeforeDays: number;
}

export interface CertificateArgs {
  readonly authority: Authority;
  readonly commonName: string;
  /** @default none */
  readonly organization?: string;
  /** What the certificate is for: an etcd server also dials itself and its peers, so it needs both. */
  readonly usage: "server" | "client";
  /** Sorted, without repetitions: another order would be another certificate. @default none */
  readonly dnsNames?: readonly string[];
  /** As `dnsNames`. @default none */
  readonly ipAddresses?: readonly string[];
  readonly settings: LeafSettings;
}

/** What the record of issued certificates has of one. */
export interface IssuedLeaf {
  /** Decimal. */
  readonly serial: pulumi.Output<string>;
  /** RFC 3339: both its own. */
  readonly starts: pulumi.Output<string>;
  readonly ends: pulumi.Output<string>;
}

/** A leaf certificate with a key of its own. Any `up` within its renewal window replaces the certificate, not the key. */
export class Certificate extends pulumi.ComponentResource {
  /** Followed by its CA's own, if that is not a root. */
  readonly certPem: pulumi.Output<string>;
  /** PKCS#8. */
  readonly privateKeyPem: pulumi.Output<string>;
  /** RFC 3339: its own end or that of its CA, whichever comes first. */
  readonly expires: pulumi.Output<string>;
  readonly issued: IssuedLeaf;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:pki:Certificate", name, {}, opts);
    const { authority, settings } = args;
    const child = { parent: this };
    const key = new tls.PrivateKey(`${name}-key`, keyArgs(settings.algorithm), child);
    const request = new tls.CertRequest(
      `${name}-csr`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: {
          commonName: args.commonName,
          ...(args.organization === undefined ? {} : { organization: args.organization }),
        },
        dnsNames: [...(args.dnsNames ?? [])],
        ipAddresses: [...(args.ipAddresses ?? [])],
      },
      child,
    );
    const cert = new tls.LocallySignedCert(
      certificateIn(name),
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: authority.privateKeyPem,
        caCertPem: authority.certPem,
        allowedUses: [
          "digital_signature",
          "key_encipherment",
          ...(args.usage === "server" ? ["server_auth"] : []),
          "client_auth",
        ],
        setSubjectKeyId: true,
        validityPeriodHours: settings.leafValidityDays * 24,
        earlyRenewalHours: settings.renewBeforeDays * 24,
      },
      child,
    );
    this.certPem = withIntermediate(cert.certPem, authority);
    this.privateKeyPem = key.privateKeyPemPkcs8;
    // the provider's id of a certificate is its serial number
    this.issued = { serial: cert.id, starts: cert.validityStartTime, ends: cert.validityEndTime };
    // A leaf may outlive its CA, but not its use: were it refused, the CA's last year would stop every other change.
    this.expires = pulumi
      .all([cert.validityEndTime, authority.expires])
      .apply(([leaf, ca]) => earlier(leaf, ca));
    this.registerOutputs({ certPem: this.certPem, expires: this.expires }); // not the key
  }
}

function withIntermediate(leafPem: pulumi.Output<string>, authority: Authority): pulumi.Output<string> {
  if (!authority.abovePem) return leafPem;
  return pulumi.all([leafPem, authority.certPem]).apply(([leaf, ca]) => `${leaf.trimEnd()}\n${ca}`);
}

function earlier(one: string, other: string): string {
  return Date.parse(other) < Date.parse(one) ? other : one;
}
