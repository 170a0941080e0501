/** What an instance is created from, and who may log in to it. */

import { publicKeyProblem } from "../public-key.ts";
import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import { isId } from "./network.ts";
import type { OtherSettings } from "./other-settings.ts";

type Machine = Pick<
  AwsConfig,
  "ami" | "instanceType" | "authorizedKeys" | "instanceProfile" | "sessionManager"
>;

export function parseMachine(top: Fields, aws: Fields, other: OtherSettings): Machine {
  checkSsh(top, other);
  const instanceProfile = parseInstanceProfile(aws);
  const sessionManager = aws.flag("sessionManager", false);
  if (sessionManager && instanceProfile !== "") {
    aws.problem(
      "instanceProfile",
      "an instance has one profile, and sessionManager creates it; leave one of them out (Session Manager also works with your own profile if its role has AmazonSSMManagedInstanceCore).",
    );
  }
  return {
    ami: parseAmi(aws),
    instanceType: parseInstanceType(aws),
    authorizedKeys: parseAuthorizedKeys(aws),
    ...(instanceProfile === "" ? {} : { instanceProfile }),
    sessionManager,
  };
}

/** cloud-init creates the user, with sudo; one named root or etcd could not be told from the system's own. */
function checkSsh(top: Fields, { ssh }: OtherSettings): void {
  const fields = top.object("ssh");
  if (["root", "etcd"].includes(ssh.user)) {
    fields.problem(
      "user",
      `${ssh.user} cannot be used on EC2; name the user that cloud-init creates there, like admin.`,
    );
  } else if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(ssh.user)) {
    fields.problem(
      "user",
      `${show(ssh.user)} cannot be created by cloud-init; use lower-case letters, like admin.`,
    );
  }
  if (ssh.bastion === undefined && fields.text("knownHostsFile", "") !== "") {
    fields.problem(
      "knownHostsFile",
      "is only for a bastion on EC2, where the program creates the host keys; leave it out.",
    );
  }
}

/** Pinned: an alias, or the newest image of a name, would replace the instances whenever a new one is published. */
function parseAmi(aws: Fields): string {
  const ami = aws.required("ami", "give the id of an image, like ami-0abcdef1234567890");
  if (ami === "" || isId(ami, "ami")) return ami;
  const problem = /ssm:|^\/aws\/|^alias/.test(ami)
    ? "is an alias, which may stand for another image tomorrow; give the id that it stands for now"
    : "is not an image id; pin one";
  aws.problem("ami", `${show(ami)} ${problem}, like ami-0abcdef1234567890.`);
  return ami;
}

function parseInstanceType(aws: Fields): string {
  const type = aws.required("instanceType", "give one like m7i.large; docs/aws.md has a table of sizes");
  if (type !== "" && !/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(type)) {
    aws.problem("instanceType", `${show(type)} is not an instance type; write it like m7i.large.`);
  }
  return type;
}

function parseInstanceProfile(aws: Fields): string {
  const name = aws.text("instanceProfile", "");
  if (name.startsWith("arn:")) {
    aws.problem("instanceProfile", `${show(name)} is an ARN; give the name at its end.`);
  } else if (name !== "" && !/^[A-Za-z0-9_+=,.@-]{1,128}$/.test(name)) {
    aws.problem(
      "instanceProfile",
      `${show(name)} is not the name of an instance profile; write it like etcd-node.`,
    );
  }
  return name;
}

/** Not those of whoever runs the program: another person's would replace the instances. Empty if it is not given. */
function parseAuthorizedKeys(aws: Fields): readonly string[] {
  const given = aws.get("authorizedKeys");
  if (Array.isArray(given) && given.length === 0) {
    aws.problem("authorizedKeys", "lists no key; give at least the one that ssh logs in with.");
  }
  const listed = aws.texts("authorizedKeys", []);
  return listed.map((line, index) => checkKey(aws, `authorizedKeys[${index}]`, line));
}

/** Never quotes the key: it may be a private one, pasted here by mistake. */
function checkKey(aws: Fields, key: string, line: string): string {
  const problem = publicKeyProblem(line);
  if (problem !== undefined) aws.problem(key, `the value ${problem}.`);
  return line.trim();
}
