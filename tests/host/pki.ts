// CAs and leafs made by the real openssl, with the dates and names that a test wants.
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ETCD_ID, type Host } from "./host.ts";

export const ADDRESS = "192.0.2.11";
/** The files of a host's certificates in the order in which they are sent. */
export const PKI_FILES = [
  "client-ca.crt",
  "peer-ca.crt",
  "server.crt",
  "server.key",
  "peer.crt",
  "peer.key",
  "operator.crt",
  "operator.key",
] as const;
export type PkiFile = (typeof PKI_FILES)[number];
export type Pki = Readonly<Record<PkiFile, string>>;

export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface LeafOptions {
  /** openssl's notation. @default the host's address, 127.0.0.1 and localhost */
  readonly names?: string;
  /** Seconds from now. @default an hour ago */
  readonly from?: number;
  /** Seconds from now. @default in 30 days */
  readonly until?: number;
}

const DAY = 86_400;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-pki-"));
process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let count = 0;

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}
function makeKey(name: string): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  write(`${name}.key`, pem);
  return pem;
}
const read = (file: string) => fs.readFileSync(path.join(folder, file), "utf8");
const write = (file: string, content: string) => fs.writeFileSync(path.join(folder, file), content);

export class Authority {
  readonly certificate: string;
  readonly #name: string;
  readonly #commonName: string;

  /** Of itself, or issued by another one. */
  constructor(commonName: string, issuer?: Authority) {
    this.#name = `ca-${count++}`;
    this.#commonName = commonName;
    makeKey(this.#name);
    this.certificate = issuer === undefined ? this.certificateFor(1825) : issuer.#issueAuthority(this);
    write(`${this.#name}.index`, "");
    write(
      `${this.#name}.conf`,
      `[ca]\ndefault_ca = this\n[this]\ndatabase = ${this.#name}.index\nnew_certs_dir = .\nrand_serial = yes\n` +
        "default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n",
    );
  }

  /** A new certificate with the same key. */
  certificateFor(days: number): string {
    const file = `${this.#name}.crt`;
    const signed = ["-key", `${this.#name}.key`, "-subj", `/CN=${this.#commonName}`];
    openssl("req", "-x509", "-new", ...signed, "-days", String(days), "-out", file);
    return read(file);
  }

  #issueAuthority(other: Authority): string {
    const file = other.#name;
    const signed = ["-key", `${file}.key`, "-subj", `/CN=${other.#commonName}`];
    const signer = ["-CA", `${this.#name}.crt`, "-CAkey", `${this.#name}.key`];
    openssl("req", "-x509", "-new", ...signed, ...signer, "-days", "1825", "-out", `${file}.crt`);
    return read(`${file}.crt`);
  }

  issue(commonName: string, options: LeafOptions = {}): Pair {
    const { names = `IP:${ADDRESS},IP:127.0.0.1,DNS:localhost`, from = -3600, until = 30 * DAY } = options;
    const leaf = `leaf-${count++}`;
    const key = makeKey(leaf);
    openssl("req", "-new", "-key", `${leaf}.key`, "-subj", `/CN=${commonName}`, "-out", `${leaf}.csr`);
    write(
      `${leaf}.ext`,
      `extendedKeyUsage = serverAuth, clientAuth\n${names ? `subjectAltName = ${names}\n` : ""}`,
    );
    const files = ["-in", `${leaf}.csr`, "-out", `${leaf}.crt`, "-extfile", `${leaf}.ext`];
    const signer = [
      "-config",
      `${this.#name}.conf`,
      "-cert",
      `${this.#name}.crt`,
      "-keyfile",
      `${this.#name}.key`,
    ];
    openssl(
      "ca",
      "-batch",
      "-notext",
      ...signer,
      "-startdate",
      moment(from),
      "-enddate",
      moment(until),
      ...files,
    );
    return { certificate: read(`${leaf}.crt`), key };
  }
}

function moment(seconds: number): string {
  const date = new Date(Date.now() + seconds * 1000).toISOString();
  return `${date.replaceAll(/[-:T]|\.\d+Z/g, "")}Z`;
}

export const authorities = { client: new Authority("etcd-client-ca"), peer: new Authority("etcd-peer-ca") };

/** A host's certificates as they should be, but for what a test replaces. */
export function makePki(changed: Partial<Pki> = {}): Pki {
  const server = authorities.client.issue("node1");
  const peer = authorities.peer.issue("node1");
  const operator = authorities.client.issue("node1-operator", { names: "" });
  return {
    "client-ca.crt": authorities.client.certificate,
    "peer-ca.crt": authorities.peer.certificate,
    "server.crt": server.certificate,
    "server.key": server.key,
    "peer.crt": peer.certificate,
    "peer.key": peer.key,
    "operator.crt": operator.certificate,
    "operator.key": operator.key,
    ...changed,
  };
}

/** The files as the step gets them on stdin. */
export function pkiStream(pki: Partial<Pki>): string {
  return Object.entries(pki)
    .map(([file, pem]) => `== ${file}\n${pem}`)
    .join("");
}

/** Mode and owner that a file of the certificates must have. */
export function pkiMode(file: PkiFile): string {
  if (file === "operator.key") return "600 0:0";
  return file.endsWith(".key") ? `640 0:${ETCD_ID}` : `644 0:${ETCD_ID}`;
}

/** Puts certificates on a host as the step would have. */
export function placePki(host: Host, pki: Pki): void {
  const set = "etc/etcd/pki-0123456789ab";
  for (const file of PKI_FILES) {
    host.write(`${set}/${file}`, pki[file]);
    const [mode = "", owner = ""] = pkiMode(file).split(" ");
    fs.chmodSync(host.file(set, file), Number.parseInt(mode, 8));
    fs.chownSync(host.file(set, file), 0, Number(owner.split(":")[1]));
  }
  fs.chmodSync(host.file(set), 0o750);
  fs.chownSync(host.file(set), 0, ETCD_ID);
  fs.symlinkSync("pki-0123456789ab", host.file("etc/etcd/pki"));
}
