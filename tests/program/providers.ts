/** What the mocked providers answer: texts of the right form, made of the resource's own name. */

import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

type Values = Readonly<Record<string, unknown>>;

/** Beginning of all certificates: the program compares their ends with the clock. */
export const FIRST_DAY = `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;

export function outputsOf(type: string, name: string, inputs: Values): Values {
  switch (type) {
    case "tls:index/privateKey:PrivateKey":
      return {
        privateKeyPem: pem("EC PRIVATE KEY", name),
        privateKeyPemPkcs8: pem("PRIVATE KEY", name),
        privateKeyOpenssh: pem("OPENSSH PRIVATE KEY", name),
        publicKeyPem: pem("PUBLIC KEY", name),
        publicKeyOpenssh: `${publicKeyOf(name)}\n`,
      };
    case "tls:index/certRequest:CertRequest":
      return { certRequestPem: pem("CERTIFICATE REQUEST", name) };
    case "tls:index/selfSignedCert:SelfSignedCert":
    case "tls:index/locallySignedCert:LocallySignedCert":
      return {
        certPem: pem("CERTIFICATE", name),
        validityStartTime: FIRST_DAY,
        validityEndTime: hoursLater(Number(inputs.validityPeriodHours)),
      };
    case "command:remote:Command":
      // The connection is a secret, and so is what comes of it.
      return { stdout: pulumi.secret(name === "health" ? proof(String(inputs.stdin)) : ""), stderr: "" };
    case "aws:ec2/eip:Eip":
      return { publicIp: `the public address of ${name}` };
    case "aws:lb/loadBalancer:LoadBalancer":
      return { arn: `arn:${name}`, dnsName: `${name}.elb.amazonaws.com`, zoneId: "ZELB" };
    case "aws:lb/targetGroup:TargetGroup":
      return { arn: `arn:${name}` };
    case "aws:iam/role:Role":
    case "aws:iam/instanceProfile:InstanceProfile":
      return { name: `${name}-name` };
    default:
      return {};
  }
}

/** The id of a certificate is its serial number, in decimal. */
export function idOf(type: string, name: string): string {
  if (!type.startsWith("tls:") || !type.endsWith("Cert")) return `${name}-id`;
  return BigInt(`0x${createHash("sha256").update(name).digest("hex").slice(0, 30)}`).toString();
}

/** What AWS says of the things that the configurations of the tests name. */
export function answerOf(token: string, inputs: Values): Values {
  switch (token) {
    case "aws:ec2/getAmi:getAmi":
      return {
        architecture: "x86_64",
        state: "available",
        rootDeviceType: "ebs",
        rootDeviceName: "/dev/xvda",
        blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { volume_size: "8" } }],
      };
    case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
      return { locations: ["a", "b", "c"].map((letter) => `eu-central-1${letter}`) };
    case "aws:ec2/getInstanceType:getInstanceType":
      return { supportedArchitectures: ["x86_64"], hypervisor: "nitro", bareMetal: false };
    case "aws:ec2/getSubnet:getSubnet":
      return { vpcId: "vpc-0abcdef1234567890", mapPublicIpOnLaunch: false, ...subnetOf(String(inputs.id)) };
    case "aws:ec2/getInstance:getInstance": {
      const [, node = "", madeFrom = ""] = /^i-([^-]+)-(.+)$/.exec(String(inputs.instanceId)) ?? []; // i-node1-2-0a1b…
      return instanceOf(String(inputs.instanceId), node, madeFrom);
    }
    default:
      throw new Error(`the program calls ${token}`);
  }
}

/** A running instance, as AWS describes it. */
export function instanceOf(id: string, node: string, madeFrom: unknown): Record<string, unknown> {
  return {
    id,
    ami: "ami-0abcdef1234567890",
    instanceType: "m7i.large",
    iamInstanceProfile: "",
    rootBlockDevices: [{ kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/aws-ebs" }],
    ebsBlockDevices: [{ deviceName: "/dev/sdf" }],
    tags: { "etcd:node": node, "etcd:made-from": madeFrom },
  };
}

/** In the region of the tests, `subnet-…3` is the third one. */
function subnetOf(id: string): Values {
  const number = Number(id.at(-1));
  return {
    cidrBlock: `10.20.${number}.0/24`,
    availabilityZone: `eu-central-1${"abc".at(number - 1)}`,
  };
}

/** As known_hosts has it, without a comment. */
export function publicKeyOf(name: string): string {
  return `ssh-ed25519 ${Buffer.from(`public ${name}`).toString("base64")}`;
}

export function pem(label: string, text: string): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(text).toString("base64")}\n-----END ${label}-----\n`;
}

/** End of a certificate. */
export function daysLater(days: number): string {
  return hoursLater(24 * days);
}

function hoursLater(hours: number): string {
  return new Date(Date.parse(FIRST_DAY) + hours * 3_600_000).toISOString();
}

/** The proof of a cluster that is as declared: what is to be recorded comes at the end of stdin. */
function proof(stdin: string): string {
  return JSON.stringify({
    version: "3.6.14",
    clusterId: "cdf818194e3a8c32",
    members: [{ name: "node1", id: "8e9e05c52164694d", peerUrl: "p", clientUrl: "c", leader: true }],
    health: "healthy",
    recorded: createHash("sha256")
      .update(stdin.split("\ndeployed\n")[1] ?? "")
      .digest("hex"),
  });
}
