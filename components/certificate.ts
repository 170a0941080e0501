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
  /** What the certificate is for: an etcd server also dials itself and its peers, so it needs both. */
  readonly usage: "server" | "client";
  /** Sorted, without repetitions: another order would be another certificate. @default none */
  readonly dnsNames?: readonly string[];
  /** As `dnsNames`. @default none */
  readonly ipAddresses?: readonly string[];
  readonly settings: LeafSettings;
}

/** A leaf certificate with a key of its own. Any `up` within its renewal window replaces the certificate, not the key. */
export class Certificate extends pulumi.ComponentResource {
  readonly certPem: pulumi.Output<string>;
  /** PKCS#8. */
  readonly privateKeyPem: pulumi.Output<string>;
  /** RFC 3339. */
  readonly expires: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:pki:Certificate", name, {}, opts);
    const { authority, settings } = args;
    const child = { parent: this };
    const key = new tls.PrivateKey(`${name}-key`, keyArgs(settings.algorithm), child);
    const request = new tls.CertRequest(
      `${name}-csr`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: args.commonName },
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
    this.certPem = withinAuthority(name, cert, authority);
    this.privateKeyPem = key.privateKeyPemPkcs8;
    this.expires = cert.validityEndTime;
    // The certificate as it was issued, even if it is not passed on; not the key.
    this.registerOutputs({ certPem: cert.certPem, expires: this.expires });
  }
}

/** A certificate that outlives its CA is never passed on: it would stop working before the end that it shows. */
function withinAuthority(
  name: string,
  cert: tls.LocallySignedCert,
  authority: Authority,
): pulumi.Output<string> {
  return pulumi
    .all([cert.certPem, cert.validityEndTime, authority.expires])
    .apply(([certPem, leafEnd, caEnd]) => {
      if (Date.parse(leafEnd) > Date.parse(caEnd)) {
        throw new pulumi.RunError(
          `${name} would be valid until ${leafEnd}, longer than its CA (${caEnd}): rotate the CA first, or lower leafValidityDays`,
        );
      }
      return certPem;
    });
}
