// A program that the pack only advises on, where its stack says `protect: false`: three members, one of them lost.
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { INERT } from "../../components/step.ts";
import { hostKey } from "../unit/configuration.ts";

class Part extends pulumi.ComponentResource {}
class Any extends pulumi.CustomResource {}

for (const name of ["node1", "node2", "lost"]) {
  const lost = name === "lost";
  new command.remote.Command(
    `${name}-member`,
    {
      connection: { host: "192.0.2.1", hostKey: lost ? "" : hostKey() },
      create: ":",
      stdin: lost ? "" : "ExecStart=/opt/etcd/3.6.99/etcd",
    },
    { parent: new Part("etcd:cluster:Member", name), ...(lost ? INERT : {}) },
  );
}

const key = new tls.PrivateKey("ca-key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
const ca = new tls.SelfSignedCert("ca", {
  privateKeyPem: key.privateKeyPem,
  subject: { commonName: "ca" },
  isCaCertificate: true,
  allowedUses: ["cert_signing"],
  validityPeriodHours: 24,
});
const leafKey = new tls.PrivateKey("leaf-key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
new tls.LocallySignedCert("leaf", {
  certRequestPem: new tls.CertRequest("leaf-csr", { privateKeyPem: leafKey.privateKeyPem }).certRequestPem,
  caPrivateKeyPem: key.privateKeyPem,
  caCertPem: ca.certPem,
  allowedUses: ["server_auth"],
  validityPeriodHours: 90 * 24,
  earlyRenewalHours: 30 * 24,
});
new Any("aws:ebs/volume:Volume", "volume", { encrypted: true });
