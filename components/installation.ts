import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { INSTALLATION_TYPE, type LeafRole, leafIn, partOf } from "../cluster/resource-names.ts";
import type { TopologyMember } from "../cluster/topology.ts";
import type { Release } from "../config/model.ts";
import { deleteCommand, hostCommand, identityOptions } from "../host/commands.ts";
import { Certificate, type IssuedLeaf, type LeafSettings } from "./certificate.ts";
import type { Host } from "./host.ts";
import { GIVEN_UP_FIRST, hostStep, ownerOf, type Step } from "./step.ts";
import type { Authorities, Trust } from "./trust.ts";

export interface InstallationArgs {
  readonly host: Host;
  readonly member: Pick<TopologyMember, "name" | "issue" | "address" | "names" | "serverNames">;
  readonly release: Release;
  readonly authorities: Authorities;
  readonly certificates: LeafSettings;
  /** The common name of the host's own client certificate. */
  readonly operatorName: string;
  /** The certificates that its member refuses, as a CRL in DER. @default it refuses none that the CA has signed */
  readonly crl?: Buffer;
  readonly checkId: number;
}

/** What a member needs on its host before it starts: the binaries of its version, and its certificates. */
export class Installation extends pulumi.ComponentResource {
  readonly binaries: Step;
  readonly certificates: Step;
  /** Digest of the CA bundles, which etcd reads only at its start. */
  readonly bundlesDigest: pulumi.Output<string>;
  /** RFC 3339 ends of the leaf certificates. */
  readonly expires: Readonly<Record<LeafRole, pulumi.Output<string>>>;
  /** Of those that members accept as a client's, by the name in the record of issued certificates. */
  readonly issued: Readonly<Record<string, IssuedLeaf>>;

  constructor(name: string, args: InstallationArgs, opts?: pulumi.ComponentResourceOptions) {
    super(INSTALLATION_TYPE, name, {}, opts);
    const leafCertificates = this.issueLeafCertificates(name, args);
    this.binaries = this.installBinaries(name, args);
    this.certificates = this.writeCertificates(name, args, leafCertificates);
    this.bundlesDigest = bundlesDigest(args.authorities);
    const { server, peer, operator } = leafCertificates;
    this.expires = { server: server.expires, peer: peer.expires, operator: operator.expires };
    this.issued = {
      [partOf(args.member.name, "server")]: server.issued,
      [partOf(args.member.name, "operator")]: operator.issued,
    };
    this.registerOutputs({ bundlesDigest: this.bundlesDigest, expires: this.expires });
  }

  private issueLeafCertificates(
    name: string,
    { authorities, member, certificates, operatorName }: InstallationArgs,
  ): LeafCertificates {
    const host = { commonName: member.name, settings: certificates };
    const child = { parent: this };
    const leaf = (role: LeafRole) => leafIn(name, role, member.issue);
    return {
      server: new Certificate(
        leaf("server"),
        { ...host, ...member.serverNames, usage: "server", authority: authorities.client.issuing },
        child,
      ),
      peer: new Certificate(
        leaf("peer"),
        { ...host, ...member.names, usage: "server", authority: authorities.peer.issuing },
        child,
      ),
      operator: new Certificate(
        leaf("operator"),
        {
          commonName: operatorName,
          usage: "client",
          authority: authorities.client.issuing,
          settings: certificates,
        },
        child,
      ),
    };
  }

  private installBinaries(name: string, { host, release, checkId }: InstallationArgs): Step {
    return hostStep(
      partOf(name, "binaries"),
      host,
      {
        create: ownerOf(this).apply((owner) =>
          hostCommand(host.caller, "install", {
            ...identityOptions(host, owner, checkId),
            version: release.version,
            "sha256-amd64": release.sha256.amd64,
            "sha256-arm64": release.sha256.arm64,
            mirror: release.mirror,
            proxy: release.proxy,
          }),
        ),
        delete: this.deleteStep("remove-binaries", host, checkId),
      },
      { parent: this, dependsOn: host.prepared.command, ...GIVEN_UP_FIRST },
    );
  }

  private writeCertificates(
    name: string,
    { host, member, authorities, crl, checkId }: InstallationArgs,
    leafCertificates: LeafCertificates,
  ): Step {
    return hostStep(
      partOf(name, "certificates"),
      host,
      {
        create: ownerOf(this).apply((owner) =>
          hostCommand(host.caller, "certificates", {
            ...identityOptions(host, owner, checkId),
            address: member.address,
            "client-ca": listed(authorities.client),
            "peer-ca": listed(authorities.peer),
          }),
        ),
        delete: this.deleteStep("remove-certificates", host, checkId),
        stdin: pkiStream(authorities, leafCertificates, crl),
      },
      {
        parent: this,
        dependsOn: host.prepared.command,
        ...GIVEN_UP_FIRST,
        additionalSecretOutputs: ["stdout", "stderr"],
      },
    );
  }

  private deleteStep(subcommand: string, host: Host, checkId: number): pulumi.Output<string> {
    return ownerOf(this).apply((owner) =>
      deleteCommand(host.caller, subcommand, identityOptions(host, owner, checkId)),
    );
  }
}

/** Read by nobody on the host: what the reviewer sees, and `verify`. Nothing of a CA that was never rotated. */
function listed({ list }: Trust): string | undefined {
  return list.length === 1 && list[0] === 1 ? undefined : list.join(",");
}

type LeafCertificates = Readonly<Record<LeafRole, Certificate>>;

/** The files as the host reads them from stdin: a line `== NAME`, then the PEM; of a CRL, which is DER, its base64. */
function pkiStream(
  authorities: Authorities,
  leafCertificates: LeafCertificates,
  crl: Buffer | undefined,
): pulumi.Output<string> {
  const files = {
    "client-ca.crt": authorities.client.bundle,
    "peer-ca.crt": authorities.peer.bundle,
    "server.crt": leafCertificates.server.certPem,
    "server.key": leafCertificates.server.privateKeyPem,
    "peer.crt": leafCertificates.peer.certPem,
    "peer.key": leafCertificates.peer.privateKeyPem,
    "operator.crt": leafCertificates.operator.certPem,
    "operator.key": leafCertificates.operator.privateKeyPem,
    ...(crl === undefined ? {} : { "client.crl": crl.toString("base64").replace(/.{64}/g, "$&\n") }),
  };
  return pulumi.secret(
    pulumi.all(files).apply((all) =>
      Object.entries(all)
        .map(([file, pem]) => `== ${file}\n${pem.trimEnd()}\n`)
        .join(""),
    ),
  );
}

/** Digest of both bundles, as the host computes it over its files. */
function bundlesDigest({ client, peer }: Authorities): pulumi.Output<string> {
  return pulumi
    .all([client.bundle, peer.bundle])
    .apply((bundles) => createHash("sha256").update(bundles.join("")).digest("hex").slice(0, 16));
}
