// Part of the stand-ins for machines without downloads: the subject of a certificate, encoded as the official `tls` plugin does.
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as asn from "@peculiar/asn1-x509";

export interface Subject {
  commonName?: string | undefined;
  country?: string | undefined;
  emailAddress?: string | undefined;
  locality?: string | undefined;
  organization?: string | undefined;
  organizationalUnit?: string | undefined;
  postalCode?: string | undefined;
  province?: string | undefined;
  serialNumber?: string | undefined;
  streetAddresses: string[];
}

export interface AlternativeNames {
  dnsNames: string[];
  ipAddresses: string[];
  uris: string[];
}

const EMAIL = "1.2.840.113549.1.9.1";

export function nameOf(subject: Subject): asn.Name {
  const attributes: [oid: string, ...values: (string | undefined)[]][] = [
    ["2.5.4.6", subject.country],
    ["2.5.4.8", subject.province],
    ["2.5.4.7", subject.locality],
    ["2.5.4.9", ...subject.streetAddresses],
    ["2.5.4.17", subject.postalCode],
    ["2.5.4.10", subject.organization],
    ["2.5.4.11", subject.organizationalUnit],
    ["2.5.4.3", subject.commonName],
    ["2.5.4.5", subject.serialNumber],
    [EMAIL, subject.emailAddress],
  ];
  const parts = attributes.map(([type, ...values]) =>
    values.flatMap((value) =>
      value ? [new asn.AttributeTypeAndValue({ type, value: nameValue(type, value) })] : [],
    ),
  );
  return new asn.Name(
    parts.filter((part) => part.length > 0).map((part) => new asn.RelativeDistinguishedName(part)),
  );
}

function nameValue(type: string, value: string): asn.AttributeValue {
  if (type === EMAIL) return new asn.AttributeValue({ ia5String: value });
  const printable = /^[A-Za-z0-9 '()+,./:=?-]*$/.test(value);
  return new asn.AttributeValue(printable ? { printableString: value } : { utf8String: value });
}

export function generalNames({ dnsNames, ipAddresses, uris }: AlternativeNames): asn.GeneralName[] {
  return [
    ...dnsNames.map((dNSName) => new asn.GeneralName({ dNSName })),
    ...ipAddresses.map((iPAddress) => new asn.GeneralName({ iPAddress })),
    ...uris.map((uniformResourceIdentifier) => new asn.GeneralName({ uniformResourceIdentifier })),
  ];
}

export function alternativeNamesExtension(subject: asn.Name, names: asn.GeneralName[]): asn.Extension {
  const extnValue = new OctetString(AsnConvert.serialize(new asn.SubjectAlternativeName(names)));
  return new asn.Extension({ extnID: asn.id_ce_subjectAltName, critical: subject.length === 0, extnValue });
}
