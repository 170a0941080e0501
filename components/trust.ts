import * as pulumi from "@pulumi/pulumi";
import { authorityOf, termsOf } from "../cluster/authorities.ts";
import type { Deployed } from "../cluster/deployed.ts";
import { EXPIRED_CA } from "../cluster/ended.ts";
import { type AuthorityRole, authorityNamed } from "../cluster/resource-names.ts";
import type { ClusterConfig, GivenCa } from "../config/model.ts";
import { type Authority, CertificateAuthority } from "./certificate-authority.ts";

/** One CA of those that follow each other by rotation. Each has resources of its own, so none is ever renamed. */
export interface Generation extends Authority {
  readonly number: number;
  /** What it is called among the resources, and in `certificatesExpire`. */
  readonly name: string;
  /** What it was made with, or whose key it has. */
  readonly terms: Readonly<Record<string, string>>;
}

/** What members trust of one kind, and what signs their certificates. */
export interface Trust {
  readonly issuing: Generation;
  /** Ascending by number, so that the bundle stays the same when another one issues. */
  readonly trusted: readonly Generation[];
  /** The numbers, the issuing one first. */
  readonly list: readonly number[];
  /** The certificates of all that are trusted, one after the other. Of a given CA only its own: not all that its root trusts. */
  readonly bundle: pulumi.Output<string>;
  /** For clients outside: also what is above a given CA, since most of them believe roots only. */
  readonly clientBundle: pulumi.Output<string>;
}

/** The two kinds: one for clients and servers, one among the peers. */
export interface Authorities {
  readonly client: Trust;
  readonly peer: Trust;
}

type TrustConfig = Pick<ClusterConfig, "allow" | "certificates" | "givenCas" | "protect"> & {
  readonly caKeys?: pulumi.Output<Readonly<Record<string, string>>>;
};

export function makeAuthorities(config: TrustConfig, previous: Deployed | undefined): Authorities {
  return { client: makeTrust("client", config, previous), peer: makeTrust("peer", config, previous) };
}

function makeTrust(role: AuthorityRole, config: TrustConfig, previous: Deployed | undefined): Trust {
  const { proven, wanted: list } = authorityOf(role, config.certificates, previous);
  const trusted = list
    .toSorted((a, b) => a - b)
    .map((number) => {
      const given = config.givenCas.find((ca) => ca.role === role && ca.number === number);
      if (given !== undefined) return givenGeneration(given, config.caKeys);
      const name = authorityNamed(role, number);
      const terms = termsOf(config.certificates, proven, number);
      // one that does not issue must be free to go: its delete is refused for what its last up said
      const protect = config.protect && number === list[0];
      return madeGeneration({ number, name, terms, protect, config });
    });
  const issuing = trusted.find(({ number }) => number === list[0]);
  if (issuing === undefined) throw new Error(`no ${role} CA issues`);
  const certificates = trusted.map(({ certPem }) => certPem);
  const above = trusted.map(({ abovePem }) => abovePem ?? "");
  const bundle = joined(certificates);
  const clientBundle = above.join("") === "" ? bundle : joined([...certificates, ...new Set(above)]);
  return { issuing, trusted, list, bundle, clientBundle };
}

interface Making {
  readonly number: number;
  readonly name: string;
  readonly terms: ReturnType<typeof termsOf>;
  readonly protect: boolean;
  readonly config: TrustConfig;
}

function madeGeneration({ number, name, terms, protect, config }: Making): Generation {
  const { caRenewBeforeDays: renewBeforeDays } = config.certificates;
  const renewsEnded = config.allow.includes(EXPIRED_CA);
  const args = { commonName: `etcd-${name}`, ...terms, renewBeforeDays, renewsEnded, protect };
  const { certPem, privateKeyPem, notBefore, expires } = new CertificateAuthority(name, args);
  const { algorithm, validityDays } = terms;
  const recorded = { algorithm, validityDays: String(validityDays) };
  return { number, name, terms: recorded, certPem, privateKeyPem, notBefore, expires };
}

/** No resource is made for it: the configuration has its certificate, and its key as a secret. */
function givenGeneration(given: GivenCa, keys: TrustConfig["caKeys"]): Generation {
  const { role, number, certPem, abovePem, notBefore, expires, publicKey, chain } = given;
  const key = `${role}-${number}`;
  const privateKeyPem = pulumi.secret(pulumi.output(keys).apply((all) => all?.[key] ?? ""));
  const name = authorityNamed(role, number);
  return { number, name, terms: { publicKey, chain }, certPem, abovePem, privateKeyPem, notBefore, expires };
}

/** What hosts have of given CAs, by name; nothing where there is none. */
export function givenOutput({ client, peer }: Authorities): { givenCas?: Record<string, GivenOnHosts> } {
  const given = [...client.trusted, ...peer.trusted].flatMap(({ name, abovePem, certPem }) =>
    abovePem === undefined || typeof certPem !== "string"
      ? []
      : [[name, { certPem, inLeafs: abovePem !== "" }] as const],
  );
  return given.length === 0 ? {} : { givenCas: Object.fromEntries(given) };
}
export interface GivenOnHosts {
  readonly certPem: string;
  /** Whether it follows each leaf certificate that it issued. */
  readonly inLeafs: boolean;
}

function joined(pems: readonly pulumi.Input<string>[]): pulumi.Output<string> {
  return pulumi
    .all([...pems])
    .apply((all) => all.map((pem) => (pem === "" ? "" : `${pem.trimEnd()}\n`)).join(""));
}
