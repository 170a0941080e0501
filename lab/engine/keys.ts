// Part of the stand-ins for machines without downloads: private keys and the formats they are written in.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";

export type Algorithm = "RSA" | "ECDSA" | "ED25519";

const CURVES: Record<string, string> = {
  P224: "secp224r1",
  P256: "prime256v1",
  P384: "secp384r1",
  P521: "secp521r1",
};

export async function generateKey(algorithm: string, rsaBits: number, curve: string): Promise<KeyObject> {
  const generate = promisify(generateKeyPair);
  if (algorithm === "RSA") return (await generate("rsa", { modulusLength: rsaBits })).privateKey;
  if (algorithm === "ED25519") return (await generate("ed25519")).privateKey;
  const namedCurve = CURVES[curve];
  if (namedCurve === undefined) throw new Error(`invalid ECDSA curve ${JSON.stringify(curve)}`);
  return (await generate("ec", { namedCurve })).privateKey;
}

export function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === "rsa") return "RSA";
  if (key.asymmetricKeyType === "ec") return "ECDSA";
  if (key.asymmetricKeyType === "ed25519") return "ED25519";
  throw new Error(`unsupported private key type: ${key.asymmetricKeyType}`);
}

/** PEM in the algorithm's own format: PKCS#1 for RSA, SEC 1 for ECDSA, PKCS#8 for Ed25519. */
export function pemOf(key: KeyObject): string {
  const types = { RSA: "pkcs1", ECDSA: "sec1", ED25519: "pkcs8" } as const;
  return key.export({ format: "pem", type: types[algorithmOf(key)] }).toString();
}

export function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error("Failed to parse private key PEM", { cause: error });
  }
}

/** A private key in a format that the ssh client reads: it does not know PKCS#8. */
export function sshPrivateKey(pem: string, passphrase: string | undefined): string {
  if (!/BEGIN (ENCRYPTED )?PRIVATE KEY/.test(pem)) return pem;
  const key = createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  return algorithmOf(key) === "ED25519" ? opensshPem(key) : pemOf(key);
}

/** Length-prefixed, as everything in SSH's formats. */
function field(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A positive integer in SSH's format. */
function mpint(base64url: string | undefined): Buffer {
  const bytes = Buffer.from(base64url ?? "", "base64url");
  const digits = bytes.subarray(
    Math.max(
      0,
      bytes.findIndex((byte) => byte !== 0),
    ),
  );
  return field((digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits);
}

interface SshForm {
  type: string;
  publicBlob: Buffer;
  privateFields: Buffer[];
}

/** Undefined for P-224, which SSH has no name for. */
function sshForm(key: KeyObject): SshForm | undefined {
  const jwk =
    key.asymmetricKeyDetails?.namedCurve === "secp224r1" ? undefined : key.export({ format: "jwk" });
  if (jwk === undefined) return undefined;
  const raw = (part: string | undefined) => Buffer.from(part ?? "", "base64url");
  if (jwk.kty === "RSA") {
    const { n, e, d, qi, p, q } = jwk;
    const type = "ssh-rsa";
    const publicBlob = Buffer.concat([field(type), mpint(e), mpint(n)]);
    return { type, publicBlob, privateFields: [n, e, d, qi, p, q].map(mpint) };
  }
  if (jwk.kty === "OKP") {
    const type = "ssh-ed25519";
    const point = raw(jwk.x);
    const publicBlob = Buffer.concat([field(type), field(point)]);
    return { type, publicBlob, privateFields: [field(point), field(Buffer.concat([raw(jwk.d), point]))] };
  }
  const curve = `nistp${jwk.crv?.slice(2)}`;
  const type = `ecdsa-sha2-${curve}`;
  const point = Buffer.concat([Buffer.from([4]), raw(jwk.x), raw(jwk.y)]);
  const publicBlob = Buffer.concat([field(type), field(curve), field(point)]);
  return { type, publicBlob, privateFields: [field(curve), field(point), mpint(jwk.d)] };
}

/** OpenSSH's own format ("openssh-key-v1", not encrypted). */
export function opensshPem(key: KeyObject): string {
  const form = sshForm(key);
  if (form === undefined) return "";
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, field(form.type), ...form.privateFields, field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map(field),
    Buffer.from([0, 0, 0, 1]),
    field(form.publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  return pemBlock("OPENSSH PRIVATE KEY", body);
}

export function pemBlock(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The public half in every format, named as the outputs of a `tls.PrivateKey`. */
export function publicForms(privateKey: KeyObject) {
  const key = createPublicKey(privateKey);
  const blob = sshForm(privateKey)?.publicBlob;
  const type = sshForm(privateKey)?.type;
  const md5 = blob && createHash("md5").update(blob).digest("hex").match(/../g)?.join(":");
  const sha256 = blob && createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
  return {
    publicKeyPem: key.export({ format: "pem", type: "spki" }).toString(),
    publicKeyOpenssh: blob ? `${type} ${blob.toString("base64")}\n` : "",
    publicKeyFingerprintMd5: md5 ?? "",
    publicKeyFingerprintSha256: sha256 ? `SHA256:${sha256}` : "",
  };
}
