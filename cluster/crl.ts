/**
 * A list of revoked certificates as etcd reads it: DER, version 2. etcd compares serial numbers only, and checks neither
 * the signature nor the issuer nor the dates: so all but the serials is fixed, no key signs it, and it is known before
 * anything runs. RFC 5280, section 5.
 */

/** Of no meaning to etcd; another one would be another file. */
const FROM = utcTime("260101000000Z");
const UNTIL = utcTime("491231235959Z");

/** `serials` are decimal. */
export function crlOf(serials: readonly string[]): Buffer {
  const sorted = [...new Set(serials)].map(BigInt).sort((a, b) => (a < b ? -1 : 1));
  const entries = sorted.map((serial) => sequence(integer(serial), FROM));
  const list = sequence(
    integer(1n), // version 2
    ECDSA_WITH_SHA256,
    ISSUER,
    FROM,
    UNTIL,
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  );
  return sequence(list, ECDSA_WITH_SHA256, bits(Buffer.from([0x30, 0x00])));
}

function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body), body]);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = bytesOf(BigInt(length));
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

function bytesOf(number: bigint): Buffer {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function utcTime(date: string): Buffer {
  return der(0x17, Buffer.from(date));
}

/** Not negative: with a zero in front where the first bit would be a sign. */
function integer(number: bigint): Buffer {
  const bytes = bytesOf(number);
  return der(0x02, ...((bytes[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []), bytes);
}

function bits(bytes: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), bytes); // no bit is unused
}

const ECDSA_WITH_SHA256 = sequence(Buffer.from("06082a8648ce3d040302", "hex"));
/** CN=etcd-client-ca */
const ISSUER = sequence(
  der(0x31, sequence(Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from("etcd-client-ca")))),
);
