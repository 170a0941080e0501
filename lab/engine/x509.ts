// Part of the stand-ins for machines without downloads: certificates and certificate requests, encoded as the official `tls` provider does.
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import * as csr from "@peculiar/asn1-csr";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as asn from "@peculiar/asn1-x509";
import { algorithmOf, pemBlock } from "./keys.ts";
import { alternativeNamesExtension } from "./x509-names.ts";

export { generalNames, nameOf, type Subject } from "./x509-names.ts";

/** The subject of a certificate, and the public key that it holds. */
export interface Bearer {
  subject: asn.Name;
  alternativeNames: asn.GeneralName[];
  publicKey: KeyObject;
}

export interface Terms {
  validityPeriodHours: number;
  allowedUses: string[];
  isCaCertificate: boolean;
  maxPathLength: number | undefined;
  setSubjectKeyId: boolean;
  setAuthorityKeyId: boolean;
}

export interface Issued {
  serial: string;
  pem: string;
  notBefore: Date;
  notAfter: Date;
}

/** Key usages, by their bit. */
export const KEY_USAGES: Record<string, number> = {
  digital_signature: asn.KeyUsageFlags.digitalSignature,
  content_commitment: asn.KeyUsageFlags.nonRepudiation,
  key_encipherment: asn.KeyUsageFlags.keyEncipherment,
  data_encipherment: asn.KeyUsageFlags.dataEncipherment,
  key_agreement: asn.KeyUsageFlags.keyAgreement,
  cert_signing: asn.KeyUsageFlags.keyCertSign,
  crl_signing: asn.KeyUsageFlags.cRLSign,
  encipher_only: asn.KeyUsageFlags.encipherOnly,
  decipher_only: asn.KeyUsageFlags.decipherOnly,
};

export const EXTENDED_KEY_USAGES: Record<string, string> = {
  any_extended: "2.5.29.37.0",
  server_auth: "1.3.6.1.5.5.7.3.1",
  client_auth: "1.3.6.1.5.5.7.3.2",
  code_signing: "1.3.6.1.5.5.7.3.3",
  email_protection: "1.3.6.1.5.5.7.3.4",
  ipsec_end_system: "1.3.6.1.5.5.7.3.5",
  ipsec_tunnel: "1.3.6.1.5.5.7.3.6",
  ipsec_user: "1.3.6.1.5.5.7.3.7",
  timestamping: "1.3.6.1.5.5.7.3.8",
  ocsp_signing: "1.3.6.1.5.5.7.3.9",
  microsoft_server_gated_crypto: "1.3.6.1.4.1.311.10.3.3",
  netscape_server_gated_crypto: "2.16.840.1.113730.4.1",
  microsoft_commercial_code_signing: "1.3.6.1.4.1.311.2.1.22",
  microsoft_kernel_code_signing: "1.3.6.1.4.1.311.61.1.1",
};

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

export function createRequest(key: KeyObject, subject: asn.Name, alternativeNames: asn.GeneralName[]) {
  const info = new csr.CertificationRequestInfo({
    subject,
    subjectPKInfo: publicKeyInfo(createPublicKey(key)),
  });
  if (alternativeNames.length > 0) {
    const extensions = new asn.Extensions([alternativeNamesExtension(subject, alternativeNames)]);
    info.attributes.push(
      new asn.Attribute({ type: EXTENSION_REQUEST, values: [AsnConvert.serialize(extensions)] }),
    );
  }
  const { algorithm, hash } = signatureOf(key);
  const request = new csr.CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: algorithm,
    signature: signed(hash, info, key),
  });
  const der = Buffer.from(AsnConvert.serialize(request));
  return { der, pem: pemBlock("CERTIFICATE REQUEST", der) };
}

export function parseRequest(pem: string): Bearer {
  const request = AsnConvert.parse(derOf(pem, "CERTIFICATE REQUEST"), csr.CertificationRequest);
  const { subject, subjectPKInfo, attributes } = request.certificationRequestInfo;
  const asked = attributes.find(({ type }) => type === EXTENSION_REQUEST)?.values[0];
  const extensions = asked === undefined ? [] : AsnConvert.parse(asked, asn.Extensions);
  const names = extensions.find(({ extnID }) => extnID === asn.id_ce_subjectAltName);
  return {
    subject,
    publicKey: createPublicKey({
      key: Buffer.from(AsnConvert.serialize(subjectPKInfo)),
      format: "der",
      type: "spki",
    }),
    alternativeNames: names ? [...AsnConvert.parse(names.extnValue, asn.SubjectAlternativeName)] : [],
  };
}

export interface Authority {
  name: asn.Name;
  keyId: Buffer | undefined;
}

export function parseAuthority(pem: string): Authority {
  const { tbsCertificate } = AsnConvert.parse(derOf(pem, "CERTIFICATE"), asn.Certificate);
  const keyId = tbsCertificate.extensions?.find(({ extnID }) => extnID === asn.id_ce_subjectKeyIdentifier);
  return {
    name: tbsCertificate.subject,
    keyId: keyId && Buffer.from(AsnConvert.parse(keyId.extnValue, asn.SubjectKeyIdentifier).buffer),
  };
}

/** Without an authority, the certificate is its own. */
export function issue(bearer: Bearer, terms: Terms, signer: KeyObject, authority?: Authority): Issued {
  if (terms.isCaCertificate && bearer.subject.length === 0) {
    throw new Error(
      "Invalid Certificate Subject: a certificate authority needs at least one distinguished name",
    );
  }
  const notBefore = new Date(Date.now() - madeAgoMs(terms));
  const notAfter = new Date(notBefore.getTime() + terms.validityPeriodHours * 3_600_000);
  const serial = serialNumber();
  const { algorithm, hash } = signatureOf(signer);
  const tbs = new asn.TBSCertificate({
    version: asn.Version.v3,
    serialNumber: arrayBuffer(serial),
    signature: algorithm,
    issuer: authority?.name ?? bearer.subject,
    validity: new asn.Validity({ notBefore, notAfter }),
    subject: bearer.subject,
    subjectPublicKeyInfo: publicKeyInfo(bearer.publicKey),
    extensions: new asn.Extensions(extensionsOf(bearer, terms, authority)),
  });
  const certificate = new asn.Certificate({
    tbsCertificate: tbs,
    signatureAlgorithm: algorithm,
    signatureValue: signed(hash, tbs, signer),
  });
  const pem = pemBlock("CERTIFICATE", Buffer.from(AsnConvert.serialize(certificate)));
  return { serial: BigInt(`0x${serial.toString("hex")}`).toString(), pem, notBefore, notAfter };
}

/**
 * As if it had been made some days ago: LAB_CERTIFICATES_MADE_DAYS_AGO; or so long ago that it ends in some seconds:
 * LAB_CAS_END_IN_S, LAB_LEAFS_END_IN_S. So a test sees the end of a CA near, or come.
 */
function madeAgoMs({ isCaCertificate, validityPeriodHours }: Terms): number {
  const { LAB_CERTIFICATES_MADE_DAYS_AGO: days = 0, LAB_CAS_END_IN_S, LAB_LEAFS_END_IN_S } = process.env;
  const left = isCaCertificate ? LAB_CAS_END_IN_S : LAB_LEAFS_END_IN_S;
  return left === undefined
    ? Number(days) * 86_400_000
    : validityPeriodHours * 3_600_000 - Number(left) * 1000;
}

/** In the order in which the official provider writes them. */
function extensionsOf(bearer: Bearer, terms: Terms, authority: Authority | undefined): asn.Extension[] {
  const extensions: asn.Extension[] = [];
  const add = (extnID: string, critical: boolean, value: unknown) =>
    extensions.push(
      new asn.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) }),
    );

  const flags = terms.allowedUses.reduce((all, use) => all | (KEY_USAGES[use] ?? 0), 0);
  if (flags !== 0) add(asn.id_ce_keyUsage, true, new asn.KeyUsage(flags));
  const extended = terms.allowedUses.flatMap((use) => EXTENDED_KEY_USAGES[use] ?? []);
  if (extended.length > 0) add(asn.id_ce_extKeyUsage, false, new asn.ExtendedKeyUsage(extended));

  add(asn.id_ce_basicConstraints, true, basicConstraints(terms));

  const wantsKeyId = terms.isCaCertificate || terms.setSubjectKeyId;
  const ownKeyId = wantsKeyId ? subjectKeyId(bearer.publicKey) : undefined;
  if (ownKeyId) add(asn.id_ce_subjectKeyIdentifier, false, new asn.SubjectKeyIdentifier(ownKeyId));

  const authorityKeyId = authority ? authority.keyId : terms.setAuthorityKeyId ? ownKeyId : undefined;
  if (terms.setAuthorityKeyId && !authorityKeyId) {
    throw new Error("Invalid Certificate Authority: Could not determine Authority Key Identifier");
  }
  if (authorityKeyId) {
    const keyIdentifier = new asn.KeyIdentifier(authorityKeyId);
    add(asn.id_ce_authorityKeyIdentifier, false, new asn.AuthorityKeyIdentifier({ keyIdentifier }));
  }
  if (bearer.alternativeNames.length > 0) {
    extensions.push(alternativeNamesExtension(bearer.subject, bearer.alternativeNames));
  }
  return extensions;
}

function basicConstraints({ isCaCertificate, maxPathLength }: Terms): asn.BasicConstraints {
  // A length of 0 is left out, as the official provider does.
  const pathLenConstraint =
    isCaCertificate && maxPathLength !== undefined && maxPathLength > 0 ? maxPathLength : undefined;
  return new asn.BasicConstraints({
    cA: isCaCertificate,
    ...(pathLenConstraint === undefined ? {} : { pathLenConstraint }),
  });
}

/** SHA-1 of the bare public key (for Ed25519, of its octet string). */
function subjectKeyId(key: KeyObject): Buffer {
  const bare = Buffer.from(publicKeyInfo(key).subjectPublicKey);
  const hashed = algorithmOf(key) === "ED25519" ? Buffer.concat([Buffer.from([4, bare.length]), bare]) : bare;
  return createHash("sha1").update(hashed).digest();
}

function publicKeyInfo(key: KeyObject): asn.SubjectPublicKeyInfo {
  return AsnConvert.parse(key.export({ format: "der", type: "spki" }), asn.SubjectPublicKeyInfo);
}

function signatureOf(key: KeyObject): { algorithm: asn.AlgorithmIdentifier; hash: string | null } {
  const kind = algorithmOf(key);
  if (kind === "ED25519")
    return { algorithm: new asn.AlgorithmIdentifier({ algorithm: "1.3.101.112" }), hash: null };
  if (kind === "RSA") {
    return {
      algorithm: new asn.AlgorithmIdentifier({ algorithm: "1.2.840.113549.1.1.11", parameters: null }),
      hash: "sha256",
    };
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const bits = curve === "secp384r1" ? 384 : curve === "secp521r1" ? 512 : 256;
  return {
    algorithm: new asn.AlgorithmIdentifier({ algorithm: `1.2.840.10045.4.3.${bits / 128}` }),
    hash: `sha${bits}`,
  };
}

function signed(hash: string | null, content: unknown, key: KeyObject): ArrayBuffer {
  return arrayBuffer(sign(hash, Buffer.from(AsnConvert.serialize(content)), key));
}

/** A random positive number of up to 128 bits, in DER's shortest form. */
function serialNumber(): Buffer {
  const digits = randomBytes(16);
  const shortest = digits.subarray(
    Math.max(
      0,
      digits.findIndex((byte) => byte !== 0),
    ),
  );
  return (shortest[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), shortest]) : shortest;
}

function derOf(pem: string, label: string): Buffer {
  const body = new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`).exec(pem)?.[1];
  if (body === undefined) throw new Error(`failed to decode PEM of expected type "${label}"`);
  return Buffer.from(body, "base64");
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
