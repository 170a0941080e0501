/** A right configuration of target aws to make wrong. */

import { privateKey, read } from "./configuration.ts";

/** The text of a public key: only its framing is real. */
export const publicKey = `ssh-ed25519 ${framed("ssh-ed25519", 32)}`;

function framed(type: string, length: number): string {
  const frame = (bytes: Buffer) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    return Buffer.concat([size, bytes]);
  };
  return Buffer.concat([frame(Buffer.from(type)), frame(Buffer.alloc(length, 7))]).toString("base64");
}

export type Changes = Readonly<Record<string, unknown>>;

export const subnets = ["a", "b", "c"].map((zone, index) => ({
  zone: `eu-central-1${zone}`,
  cidr: `10.20.${index + 1}.0/24`,
}));

export const publicSubnets = [{ zone: "eu-central-1a", cidr: "10.20.101.0/24" }];

export const awsNodes = [1, 2, 3].map((n) => ({ name: `node${n}`, address: `10.20.${n}.11` }));

export const rightAws = {
  ami: "ami-0abcdef1234567890",
  instanceType: "m7i.large",
  authorizedKeys: [`${publicKey} ops`],
  vpc: { cidr: "10.20.0.0/16", nat: "one", publicSubnets },
  subnets,
  access: { clients: ["10.20.0.0/16"], ssh: ["10.9.0.0/24"] },
};

export const existing = {
  vpc: { id: "vpc-0abcdef1234567890" },
  subnets: subnets.map((subnet, index) => ({ ...subnet, id: `subnet-0abcdef123456789${index}` })),
};

export const rightTop = {
  target: "aws",
  nodes: awsNodes,
  ssh: { user: "admin" },
};

/** Reads the right configuration with some values of `aws`, and some others, exchanged. */
export function readAws(aws: Changes = {}, others: Changes = {}): ReturnType<typeof read> {
  return read({ ...rightTop, aws: { ...rightAws, ...aws }, ...others }, { "/home/me/key": privateKey });
}

export function awsProblems(...args: Parameters<typeof readAws>): readonly string[] {
  return readAws(...args).problems;
}

/** The warnings of a configuration that is right; says why if it is not. */
export function awsWarnings(...args: Parameters<typeof readAws>): readonly string[] {
  const { problems, warnings } = readAws(...args);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return warnings;
}
