/** What an instance is made of, and who enters it. */

import { type Environment, readIfThere } from "../environment.ts";
import { publicKeyProblem } from "../public-key.ts";
import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import { isId } from "./network.ts";
import type { AwsSurroundings } from "./surroundings.ts";

type Machine = Pick<
  AwsConfig,
  "ami" | "instanceType" | "authorizedKeys" | "instanceProfile" | "sessionManager"
>;

export function parseMachine(
  top: Fields,
  aws: Fields,
  around: AwsSurroundings,
  environment: Environment,
): Machine {
  checkSsh(top, around);
  const instanceProfile = parseInstanceProfile(aws);
  const sessionManager = aws.flag("sessionManager", false);
  if (sessionManager && instanceProfile !== "") {
    aws.problem(
      "instanceProfile",
      "an instance has one profile, and sessionManager makes it; leave one of them out (Session Manager works with a profile of yours whose role has AmazonSSMManagedInstanceCore).",
    );
  }
  return {
    ami: parseAmi(aws),
    instanceType: parseInstanceType(aws),
    authorizedKeys: parseAuthorizedKeys(top, aws, environment),
    ...(instanceProfile === "" ? {} : { instanceProfile }),
    sessionManager,
  };
}

/** cloud-init makes the user, with sudo; who gets root's or etcd's own name could not be told from them. */
function checkSsh(top: Fields, { ssh }: AwsSurroundings): void {
  const fields = top.object("ssh");
  if (["root", "etcd"].includes(ssh.user)) {
    fields.problem(
      "user",
      `${ssh.user} is not used on EC2; name the user that cloud-init makes there, like admin.`,
    );
  } else if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(ssh.user)) {
    fields.problem(
      "user",
      `${show(ssh.user)} cannot be made by cloud-init; use lower-case letters, like admin.`,
    );
  }
  if (ssh.bastion === undefined && fields.text("knownHostsFile", "") !== "") {
    fields.problem(
      "knownHostsFile",
      "is only for a bastion on EC2, where the program makes the host keys; leave it out.",
    );
  }
}

/** Pinned: an alias, or the newest image of a name, would replace the instances when somebody else publishes one. */
function parseAmi(aws: Fields): string {
  const ami = aws.required("ami", "give the id of an image, like ami-0abcdef1234567890");
  if (ami === "" || isId(ami, "ami")) return ami;
  const problem = /ssm:|^\/aws\/|^alias/.test(ami)
    ? "is an alias, which turns into another image by itself; give the id that it stands for now"
    : "is no id of an image; pin one";
  aws.problem("ami", `${show(ami)} ${problem}, like ami-0abcdef1234567890.`);
  return ami;
}

function parseInstanceType(aws: Fields): string {
  const type = aws.required("instanceType", "give one like m7i.large; docs/aws.md has a table of sizes");
  if (type !== "" && !/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(type)) {
    aws.problem("instanceType", `${show(type)} is no instance type; write it like m7i.large.`);
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
      `${show(name)} is no name of an instance profile; write it like etcd-node.`,
    );
  }
  return name;
}

/** Without a list, the public half of ssh.privateKeyFile, where ssh-keygen leaves it. */
function parseAuthorizedKeys(top: Fields, aws: Fields, environment: Environment): readonly string[] {
  const listed = aws.texts("authorizedKeys", []);
  const given = aws.get("authorizedKeys");
  if (given !== undefined) {
    if (Array.isArray(given) && given.length === 0) {
      aws.problem("authorizedKeys", "lists no key; give at least the one with which ssh enters.");
    }
    return listed.map((line, index) => checkKey(aws, `authorizedKeys[${index}]`, "the value", line));
  }
  const file = top.object("ssh").text("privateKeyFile", "");
  const own = file === "" ? undefined : readIfThere(`${file}.pub`, environment);
  if (own !== undefined) return [checkKey(aws, "authorizedKeys", show(`${file}.pub`), own)];
  const sought = file === "" ? "" : `, since there is no ${show(`${file}.pub`)} to take`;
  aws.problem("authorizedKeys", `is missing; list the public keys of those who enter by ssh${sought}.`);
  return [];
}

/** Never quotes the key: it may be a private one, pasted here by mistake. */
function checkKey(aws: Fields, key: string, what: string, line: string): string {
  const problem = publicKeyProblem(line);
  if (problem !== undefined) aws.problem(key, `${what} ${problem}.`);
  return line.trim();
}
