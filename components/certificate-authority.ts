import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { certificateIn, keyIn } from "../cluster/resource-names.ts";
import { type KeyAlgorithm, keyArgs } from "./key-args.ts";

export interface CertificateAuthorityArgs {
  readonly commonName: string;
  readonly algorithm: KeyAlgorithm;
  /** Days that the CA is valid. */
  readonly validityDays: number;
  /** Days before its end from which any `up` gives it a new certificate with the same key; 0: never by itself. */
  readonly renewBeforeDays: number;
  /** Whether an end that has come is renewed, as that was allowed. @default false */
  readonly renewsEnded?: boolean;
  /** Whether Pulumi refuses to delete or replace it. One that may be renewed keeps this for its key only, which is the CA. */
  readonly protect: boolean;
}

/** What signs certificates. */
export interface Authority {
  readonly certPem: pulumi.Input<string>;
  readonly privateKeyPem: pulumi.Input<string>;
  /** The certificates that it was issued by, up to the root: those whom only the root convinces need them. @default none */
  readonly abovePem?: string;
  /** RFC 3339. */
  readonly notBefore: pulumi.Input<string>;
  /** RFC 3339. */
  readonly expires: pulumi.Input<string>;
}

/** A self-signed CA. Its key stays in the encrypted state; no host ever gets it. */
export class CertificateAuthority extends pulumi.ComponentResource implements Authority {
  readonly certPem: pulumi.Output<string>;
  readonly privateKeyPem: pulumi.Output<string>;
  /** RFC 3339. */
  readonly notBefore: pulumi.Output<string>;
  readonly expires: pulumi.Output<string>;

  constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:pki:CertificateAuthority", name, {}, opts);
    const { protect, renewBeforeDays } = args;
    const stays = renewBeforeDays === 0 && !args.renewsEnded;
    const key = new tls.PrivateKey(keyIn(name), keyArgs(args.algorithm), { parent: this, protect });
    const cert = new tls.SelfSignedCert(
      certificateIn(name),
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: args.commonName },
        isCaCertificate: true,
        setSubjectKeyId: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: args.validityDays * 24,
        earlyRenewalHours: renewBeforeDays * 24,
      },
      { parent: this, protect: protect && stays },
    );
    this.certPem = cert.certPem;
    this.privateKeyPem = key.privateKeyPem;
    this.notBefore = cert.validityStartTime;
    this.expires = cert.validityEndTime;
    // not the key: one copy of it is in the state, encrypted
    this.registerOutputs({ certPem: this.certPem, notBefore: this.notBefore, expires: this.expires });
  }
}
