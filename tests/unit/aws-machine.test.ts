import assert from "node:assert/strict";
import { test } from "node:test";
import { awsProblems, existing, publicKey, readAws, rightTop } from "./aws-configuration.ts";
import { hostKey, privateKey, read } from "./configuration.ts";

for (const [what, values, sentence] of [
  ["no image", { ami: undefined }, "ami: is missing; give the id of an image, like ami-0abcdef1234567890."],
  [
    "the latest image",
    { ami: "latest" },
    'ami: "latest" is not an image id; pin one, like ami-0abcdef1234567890.',
  ],
  [
    "an image by name",
    { ami: "debian-13-amd64-*" },
    'ami: "debian-13-amd64-*" is not an image id; pin one, like ami-0abcdef1234567890.',
  ],
  [
    "an id of the wrong length",
    { ami: "ami-0abcdef12345678" },
    'ami: "ami-0abcdef12345678" is not an image id; pin one, like ami-0abcdef1234567890.',
  ],
  [
    "an alias",
    { ami: "resolve:ssm:/aws/service/debian/release/13/latest/amd64" },
    'ami: "resolve:ssm:/aws/service/debian/release/13/latest/amd64" is an alias, which may stand for another image tomorrow; give the id that it stands for now, like ami-0abcdef1234567890.',
  ],
  [
    "no type",
    { instanceType: undefined },
    "instanceType: is missing; give one like m7i.large; docs/aws.md has a table of sizes.",
  ],
  [
    "a size alone",
    { instanceType: "large" },
    'instanceType: "large" is not an instance type; write it like m7i.large.',
  ],
  [
    "a profile by its ARN",
    { instanceProfile: "arn:aws:iam::111122223333:instance-profile/etcd-node" },
    'instanceProfile: "arn:aws:iam::111122223333:instance-profile/etcd-node" is an ARN; give the name at its end.',
  ],
  [
    "a profile with a path",
    { instanceProfile: "a/b" },
    'instanceProfile: "a/b" is not the name of an instance profile; write it like etcd-node.',
  ],
  [
    "two profiles",
    { instanceProfile: "etcd-node", sessionManager: true },
    "instanceProfile: an instance has one profile, and sessionManager creates it; leave one of them out (Session Manager also works with your own profile if its role has AmazonSSMManagedInstanceCore).",
  ],
  [
    "no key",
    { authorizedKeys: [] },
    "authorizedKeys: lists no key; give at least the one that ssh logs in with.",
  ],
  [
    "a key that is no list",
    { authorizedKeys: publicKey },
    `authorizedKeys: must be a list, not ${JSON.stringify(publicKey).slice(0, 77)}….`,
  ],
  [
    "a private key",
    { authorizedKeys: [privateKey] },
    "authorizedKeys[0]: the value is a private key; give the public one (the file with .pub).",
  ],
  [
    "several keys in one entry",
    { authorizedKeys: [`${publicKey}\n${publicKey}\n`] },
    "authorizedKeys[0]: the value has several lines; give each key as a separate entry.",
  ],
  [
    "a key with options",
    { authorizedKeys: [`from="10.9.0.0/24" ${publicKey}`] },
    "authorizedKeys[0]: the value has something before the key; leave the options out: ssh-ed25519 AAAA….",
  ],
  [
    "a key that is cut off",
    { authorizedKeys: [publicKey, publicKey.slice(0, -9)] },
    "authorizedKeys[1]: the value is damaged: the key does not decode as the type before it.",
  ],
  [
    "a word",
    { authorizedKeys: ["mine"] },
    "authorizedKeys[0]: the value is not a public key; write it as ssh-keygen does: ssh-ed25519 AAAA….",
  ],
] as const) {
  test(`${what}: refused in one sentence`, () => assert.deepEqual(awsProblems(values), [`aws.${sentence}`]));
}

test("images and types of all kinds are accepted", () => {
  for (const ami of ["ami-0abcdef1234567890", "ami-12345678"]) assert.deepEqual(awsProblems({ ami }), []);
  for (const instanceType of ["m7g.large", "m7i-flex.xlarge", "u-6tb1.metal", "c7gd.metal-48xl"]) {
    assert.deepEqual(awsProblems({ instanceType }), []);
  }
});

test("keys of all types are accepted, without the white space around them", () => {
  const types = ["ecdsa-sha2-nistp256", "ssh-rsa", "sk-ssh-ed25519@openssh.com"];
  const authorizedKeys = types.map((type) => `${hostKey(type)} me@example.com`);
  const padded = authorizedKeys.map((line) => ` ${line}\n`);
  assert.deepEqual(readAws({ authorizedKeys: padded }).config?.aws?.authorizedKeys, authorizedKeys);
});

test("nobody's own key is taken where none is listed", () => {
  const aws = { ...readAws().config?.aws, authorizedKeys: undefined };
  const file = "/home/me/.ssh/id_ed25519.pub";
  assert.deepEqual(
    read({ ...rightTop, aws }, { [file]: `${publicKey} me\n` }).config?.aws?.authorizedKeys,
    [],
  );
});

const privateKeyFile = "~/.ssh/id_ed25519";

for (const [what, ssh, sentence] of [
  [
    "root, by default",
    { privateKeyFile },
    "user: root cannot be used on EC2; name the user that cloud-init creates there, like admin.",
  ],
  [
    "etcd's own user",
    { privateKeyFile, user: "etcd" },
    "user: etcd cannot be used on EC2; name the user that cloud-init creates there, like admin.",
  ],
  [
    "a user with a capital",
    { privateKeyFile, user: "Ops" },
    'user: "Ops" cannot be created by cloud-init; use lower-case letters, like admin.',
  ],
  [
    "known hosts, which nothing is looked up in",
    { privateKeyFile, user: "admin", knownHostsFile: "~/.ssh/known_hosts" },
    "knownHostsFile: is only for a bastion on EC2, where the program creates the host keys; leave it out.",
  ],
] as const) {
  test(`${what}: refused in one sentence`, () =>
    assert.deepEqual(awsProblems({}, { ssh }), [`ssh.${sentence}`]));
}

test("a bastion's key is looked up as ever", () => {
  const bastion = { address: "bastion.example.com", user: "jump" };
  const ssh = { privateKeyFile, user: "admin", knownHostsFile: "~/.ssh/known_hosts", bastion };
  assert.deepEqual(readAws({}, { ssh }).config?.ssh.bastion, { ...bastion, port: 22, hostKey: hostKey() });
});

const gibibyte = 1024 ** 3;

for (const [what, values, sentence] of [
  [
    "a data volume without room for a snapshot",
    { dataVolume: { size: 4 } },
    "dataVolume.size: 4 GiB cannot hold a database of 2 GiB (quotaBackendBytes), a snapshot of it and its log; use 5 or more.",
  ],
  [
    "a data volume of no size",
    { dataVolume: { size: 0 } },
    "dataVolume.size: must be from 1 to 65536, not 0.",
  ],
  [
    "fewer operations than gp3 has",
    { dataVolume: { iops: 100 } },
    "dataVolume.iops: must be from 3000 to 80000, not 100.",
  ],
  [
    "more operations than the size allows",
    { dataVolume: { iops: 16000 } },
    "dataVolume.iops: 16000 are more than the 500 that gp3 allows for each GiB; use 10000, or a size of 32.",
  ],
  [
    "less throughput than gp3 has",
    { dataVolume: { throughput: 100 } },
    "dataVolume.throughput: must be from 125 to 2000, not 100.",
  ],
  [
    "more throughput than the operations allow",
    { dataVolume: { throughput: 1000 } },
    "dataVolume.throughput: 1000 MiB/s need 4000 iops of gp3; use 750, or more iops.",
  ],
  [
    "a root volume without room for a system",
    { rootVolume: { size: 7 } },
    "rootVolume.size: must be from 8 to 65536, not 7.",
  ],
  [
    "an alias of a key",
    { kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:alias/etcd" },
    'kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:alias/etcd" is an alias, which can be moved to another key; give the ARN of the key.',
  ],
  [
    "a key by its id",
    { kmsKeyId: "1234abcd-12ab-34cd-56ef-1234567890ab" },
    'kmsKeyId: "1234abcd-12ab-34cd-56ef-1234567890ab" is not the ARN of a key; write it like arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab.',
  ],
] as const) {
  test(`${what}: refused in one sentence`, () => assert.deepEqual(awsProblems(values), [`aws.${sentence}`]));
}

test("volumes at the limits of gp3 are accepted", () => {
  for (const dataVolume of [
    { size: 5 },
    { size: 5, throughput: 750 },
    { size: 160, iops: 80000, throughput: 2000 },
  ]) {
    assert.deepEqual(awsProblems({ dataVolume }), []);
  }
  assert.deepEqual(awsProblems({ dataVolume: { size: 1 } }, { quotaBackendBytes: gibibyte / 128 }), []);
  const large = { quotaBackendBytes: 8 * gibibyte };
  assert.deepEqual(awsProblems({ dataVolume: { size: 17 }, rootVolume: { size: 8 } }, large), []);
  const key = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
  assert.deepEqual(awsProblems({ kmsKeyId: key, ...existing }), []);
});

for (const [what, tags, sentence] of [
  ["AWS's own tags", { "AWS:x": "y" }, "AWS:x: tags that begin with aws: are AWS's own; use another name."],
  ["a tag of the program", { Name: "etcd" }, "Name: this tag is set by the program; leave it out."],
  ["a node's tag", { "etcd:node": "a" }, "etcd:node: this tag is set by the program; leave it out."],
  [
    "a tag with a long name",
    { ["n".repeat(129)]: "" },
    `${"n".repeat(129)}: a tag's name may have up to 128 characters (it has 129); shorten it.`,
  ],
  [
    "a long tag",
    { team: "t".repeat(257) },
    "team: a tag may have up to 256 characters (it has 257); shorten it.",
  ],
  [
    "a tag with a bracket",
    { team: "[a]" },
    'team: "[a]" contains characters that not every service accepts; use letters, digits, spaces and _ . : / = + - @.',
  ],
  ["a tag that is a number", { cost: 12 }, "cost: must be a string, not 12; put it in quotes."],
] as const) {
  test(`${what} is refused in one sentence`, () =>
    assert.deepEqual(awsProblems({ tags }), [`aws.tags.${sentence}`]));
}

test("up to 40 tags", () => {
  const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, "ü"]));
  assert.deepEqual(awsProblems({ tags: tags(40) }), []);
  assert.deepEqual(awsProblems({ tags: tags(41) }), ["aws.tags: 41 tags are too many; use 40 or fewer."]);
});
