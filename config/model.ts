/** The configuration as the program uses it: plain, validated, readonly. Types only. */

import type { Architecture } from "../etcd/releases.ts";
import type { UnitSettings } from "../host/unit.ts";
import type { AwsConfig } from "./aws/model.ts";

export interface NodeConfig {
  readonly name: string;
  readonly address: string;
  readonly listenAddress: string;
  readonly sshAddress: string;
  readonly sshPort: number;
  /** `type base64`, as in known_hosts; empty for a lost node, which is not dialled, and on EC2, where the program creates it. */
  readonly hostKey: string;
  readonly incarnation: number;
  /** Of the keys of its own certificates: a higher one makes new keys. */
  readonly issue: number;
  readonly lost: boolean;
}

export interface SshConfig {
  readonly user: string;
  readonly agent: boolean;
  /** Contents of ssh.privateKeyFile; whoever uses them must mark them as a secret. */
  readonly privateKey?: string;
  readonly bastion?: {
    readonly address: string;
    readonly port: number;
    readonly user: string;
    readonly hostKey: string;
  };
}

/** The settings that become flags in the unit. */
export type EtcdSettings = UnitSettings;

export interface CertificateSettings {
  readonly algorithm: "ECDSA-P256" | "RSA-2048" | "RSA-4096";
  readonly caValidityDays: number;
  /** 0: a CA is renewed by request only. */
  readonly caRenewBeforeDays: number;
  readonly leafValidityDays: number;
  readonly renewBeforeDays: number;
  /** Numbers of the client CAs that members trust, at most two; the first one issues. */
  readonly clientCa: readonly number[];
  /** As `clientCa`, among the peers. */
  readonly peerCa: readonly number[];
}

/** A CA that somebody else made, in place of one that the program would make. */
export interface GivenCa {
  readonly role: "client" | "peer";
  readonly number: number;
  /** On one line. */
  readonly subject: string;
  readonly certPem: string;
  /** The certificates that it was issued by, up to the root; empty for a root. */
  readonly abovePem: string;
  /** RFC 3339. */
  readonly notBefore: string;
  /** RFC 3339: its own end, or that of one above it. */
  readonly expires: string;
  /** Digest of its public key. */
  readonly publicKey: string;
  /** Digest of all that was given with it, and the subject that ends it: clients believe what is on top. */
  readonly chain: string;
  readonly root: string;
}

export interface Release {
  readonly version: string;
  readonly mirror: string;
  readonly proxy: string;
  readonly sha256: Readonly<Partial<Record<Architecture, string>>>;
}

export interface BackupConfig {
  /** Where the hosts save snapshots. @default /var/lib/etcd-host/snapshots */
  readonly directory?: string;
  /** @default none is taken on a schedule */
  readonly schedule?: BackupSchedule;
}

export interface BackupSchedule {
  /** As it is written: `1h`. */
  readonly interval: string;
  readonly seconds: number;
  /** Files on each host. */
  readonly keep: number;
  /** What stays free on that disk. */
  readonly reserveMiB: number;
  /** Seconds: an older one is an alarm. */
  readonly maxAge: number;
  /** Of age. None: what is kept is in clear, or the store encrypts. */
  readonly recipients: readonly string[];
  readonly metricsFile?: string;
  readonly store?: StoreConfig;
}

export interface StoreConfig {
  /** Of the bucket itself. */
  readonly url: string;
  readonly region: string;
  /** Without a slash at its ends. */
  readonly prefix: string;
  /** Empty for none. */
  readonly proxy: string;
  readonly sse?: "AES256" | "aws:kms";
  readonly kmsKeyId?: string;
  /** PEM of the CA that its certificate is from. @default those of the host */
  readonly ca?: string;
}

/** When each member's database is defragmented, if it is worth it. */
export interface MaintenanceConfig {
  readonly defragment: "weekly" | "daily";
  /** UTC: `Sun 03:00`, daily `03:00`. */
  readonly at: string;
  /** How much has to be free in the file, and which part of it. */
  readonly freeMiB: number;
  readonly freePercent: number;
}

/** The snapshot that the cluster is restored from. */
export interface RestoreConfig {
  /** Its file name, or its path in the store. */
  readonly snapshot: string;
  /** Of the file as it is stored. */
  readonly sha256: string;
  /** Raised to restore the same one again. */
  readonly id: number;
  /** What revisions go up by, so that none is seen twice. */
  readonly bumpRevision: number;
}

/** A client with a certificate of its own. */
export interface ClientConfig {
  /** The common name, and etcd's user where authentication is managed. */
  readonly name: string;
  readonly organization?: string;
  readonly validityDays: number;
  /** Of its key: a higher one makes a new one. */
  readonly issue: number;
  readonly access: readonly ClientAccess[];
}

/** What a client may do with the keys of a range, where authentication is on. */
export interface ClientAccess {
  readonly range: "prefix" | "key";
  readonly key: string;
  readonly may: "read" | "write" | "readwrite";
}

export interface ClusterConfig {
  readonly target: "ssh" | "aws";
  /** Present if, and only if, the target is aws. */
  readonly aws?: AwsConfig;
  readonly nodes: readonly NodeConfig[];
  readonly release: Release;
  readonly ssh: SshConfig;
  /** The first part of the cluster token. */
  readonly clusterName: string;
  readonly dataDir: string;
  readonly settings: EtcdSettings;
  readonly certificates: CertificateSettings;
  readonly givenCas: readonly GivenCa[];
  /** What clients may call any member by: in every server certificate. Sorted. */
  readonly names: readonly string[];
  readonly clients: readonly ClientConfig[];
  /** Whether etcd's authentication is on; not managed if it is not given. */
  readonly rbac?: boolean;
  /** Whether a client that the configuration no longer asks for is refused by the members. */
  readonly revocation: boolean;
  readonly backup: BackupConfig;
  readonly restore?: RestoreConfig;
  /** @default nothing is defragmented on a schedule */
  readonly maintenance?: MaintenanceConfig;
  readonly protect: boolean;
  readonly rolloutOrder: readonly string[];
  readonly checkId: number;
  /** Named overrides of refusals. */
  readonly allow: readonly string[];
}
