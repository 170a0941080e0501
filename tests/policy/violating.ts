// A program whose every resource violates the rule that it is named after (before the first dot), and no other one.
import process from "node:process";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { hostKey, privateKey } from "../unit/configuration.ts";

const only = process.env.ONLY;

function when(name: string, make: (name: string) => void): void {
  if (only === undefined || only === name) make(name);
}

class Part extends pulumi.ComponentResource {}
class Any extends pulumi.CustomResource {}

const connection = { host: "192.0.2.1", hostKey: hostKey() };
const remote = (name: string, args: Partial<command.remote.CommandArgs>, opts?: pulumi.ResourceOptions) =>
  new command.remote.Command(name, { connection, create: "true", ...args }, opts);

// ---- members, their versions and their steps

const unit = (version: string) => `[Service]\nExecStart=/opt/etcd/${version}/etcd --name x\n`;

when("odd-member-count", () => {
  for (const name of ["one", "two"]) {
    const parent = new Part("etcd:cluster:Member", name, {});
    remote(`${name}-member`, { stdin: unit("3.6.99") }, { parent });
  }
});
when("pinned-versions", (name) => {
  // With those of odd-member-count that makes four: still even.
  remote("other", { stdin: unit("3.6.99") }, { parent: new Part("etcd:cluster:Member", "other") });
  remote(`${name}.moving`, { stdin: unit("latest") }, { parent: new Part("etcd:cluster:Member", "moving") });
  const parent = new Part("etcd:cluster:Installation", "undigested");
  remote(`${name}.undigested-binaries`, { create: "etcd-host install --version=3.6.14" }, { parent });
});
when("no-triggers", (name) => {
  new command.local.Command(name, { create: "true", triggers: ["x"] });
  remote(`${name}.environment`, { environment: { A: "b" } });
});
when("host-keys-pinned", (name) => {
  remote(name, { connection: { host: "192.0.2.1" } });
  remote(`${name}.proxy`, { connection: { ...connection, proxy: { host: "192.0.2.2" } } });
});
when("secrets-are-secret", (name) => {
  remote(name, { stdin: privateKey });
  remote(`${name}.text`, { create: `cat >key <<EOF\n${privateKey}EOF\n` });
  new Any("aws:ec2/securityGroupRule:SecurityGroupRule", `${name}.password`, {
    login: { password: "hunter2" },
  });
  remote("wrapped", { stdin: pulumi.secret(privateKey), connection: { ...connection, privateKey } });
});

// ---- certificates

const key = (name: string, opts: pulumi.CustomResourceOptions = {}) =>
  new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, opts);
interface Authority {
  readonly certPem: pulumi.Input<string>;
  readonly privateKeyPem: pulumi.Input<string>;
}
const authority = (
  name: string,
  days: number,
  opts: pulumi.CustomResourceOptions,
  keyOpts = opts,
): Authority => {
  const { privateKeyPem } = key(`${name}-key`, keyOpts);
  const settings = {
    subject: { commonName: "ca" },
    isCaCertificate: true,
    allowedUses: ["cert_signing"],
    validityPeriodHours: days * 24,
  };
  const { certPem } = new tls.SelfSignedCert(name, { privateKeyPem, ...settings }, opts);
  return { certPem, privateKeyPem };
};
const leaf = (name: string, days: number, window: number, { certPem, privateKeyPem }: Authority) => {
  const leafKey = key(`${name}-key`);
  new tls.LocallySignedCert(name, {
    certRequestPem: new tls.CertRequest(`${name}-csr`, { privateKeyPem: leafKey.privateKeyPem })
      .certRequestPem,
    caPrivateKeyPem: privateKeyPem,
    caCertPem: certPem,
    allowedUses: ["server_auth"],
    validityPeriodHours: days * 24,
    earlyRenewalHours: window * 24,
  });
};

when("ca-protected", (name) => leaf(`${name}.leaf`, 365, 60, authority(name, 365, { protect: true }, {})));
when("certificate-lifetimes", (name) => {
  const ca = authority(`${name}.ca`, 3651, { protect: true });
  leaf(`${name}.long`, 399, 60, ca);
  leaf(`${name}.late`, 365, 13, ca);
  leaf(`${name}.early`, 90, 91, ca);
});
when("leafs-from-own-ca", (name) => {
  const { privateKeyPem } = key(`${name}.ca-key`, { protect: true });
  leaf(name, 365, 60, { certPem: "-----BEGIN CERTIFICATE-----\nfrom elsewhere", privateKeyPem });
});

// ---- machines in AWS

const machine = {
  ami: "ami-0abcdef1234567890",
  rootBlockDevice: { encrypted: true },
  ebsBlockDevices: [{ encrypted: true }],
  disableApiTermination: true,
  metadataOptions: { httpTokens: "required" },
};
const instance = (name: string, changes: object) =>
  new Any("aws:ec2/instance:Instance", name, { ...machine, ...changes });
const group = (name: string, rule: object) =>
  new Any("aws:ec2/securityGroup:SecurityGroup", name, { ingress: [{ protocol: "tcp", ...rule }] });

const world = ["0.0.0.0/0"];
when("no-open-ssh", (name) => {
  group(name, { fromPort: 22, toPort: 22, cidrBlocks: world });
  const rule = { type: "ingress", protocol: "tcp", fromPort: 0, toPort: 1024, ipv6CidrBlocks: ["::/0"] };
  new Any("aws:ec2/securityGroupRule:SecurityGroupRule", `${name}.range`, rule);
});
when("no-open-client-port", (name) => {
  group(name, { fromPort: 2379, toPort: 2380, cidrBlocks: ["10.0.0.0/8", ...world] });
  const rule = { ipProtocol: "tcp", fromPort: 2381, toPort: 2381, cidrIpv4: "0.0.0.0/0" };
  new Any("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", `${name}.metrics`, rule);
});
when("encrypted-volumes", (name) => {
  new Any("aws:ebs/volume:Volume", name, { size: 20 }, { protect: true });
  instance(`${name}.root`, { rootBlockDevice: {} });
  instance(`${name}.further`, { ebsBlockDevices: [{ encrypted: true }, {}] });
});
when("delete-protection", (name) => {
  instance(name, { disableApiTermination: false });
  new Any("aws:ebs/volume:Volume", `${name}.volume`, { encrypted: true });
});
when("imdsv2-required", (name) => instance(name, { metadataOptions: { httpTokens: "optional" } }));
when("pinned-image", (name) => {
  instance(name, { ami: "latest" });
  const lookedUp = new command.local.Command("look-up", { create: "echo ami-0abcdef1234567890" });
  instance(`${name}.looked-up`, { ami: lookedUp.stdout });
});
