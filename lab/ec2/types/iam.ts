// Part of the simulated EC2: roles and instance profiles. Instances get no credentials from them.
import { randomBytes } from "node:crypto";
import { type Properties, text } from "../../engine/properties.ts";
import { ACCOUNT, type Cloud, refuse } from "../cloud.ts";
import { type Field, matches, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";

const SERVICE = "IAM";
const name = (longest: number): Field => ({
  shape: "text",
  replaces: true,
  longestName: longest,
  test: matches(new RegExp(`^[\\w+=,.@-]{1,${longest}}$`), `a name of at most ${longest} characters`),
});

export const role: Description = {
  kind: "role",
  title: "IAM Role",
  fields: {
    name: name(64),
    assumeRolePolicy: { shape: "text", required: true, test: policyFailure },
    description: { shape: "text" },
    path: { shape: "text", replaces: true, initial: "/" },
    maxSessionDuration: { shape: "number", initial: 3600 },
    tags: TAGS,
  },
  computed: ["arn", "createDate", "uniqueId"],

  create: (cloud, inputs) => made(cloud, "role", inputs, "CreateRole", "AROA"),

  remove(cloud, id) {
    const kinds = ["role-policy-attachment", "role-policy", "instance-profile"];
    const uses = kinds.flatMap((kind) => cloud.store.list(kind));
    if (uses.some(({ thing }) => thing.role === id)) {
      const reason =
        "Cannot delete entity, must detach all policies and remove it from instance profiles first.";
      refuse("DeleteRole", "DeleteConflict", reason, SERVICE);
    }
  },
};

export const rolePolicyAttachment: Description = {
  kind: "role-policy-attachment",
  title: "IAM Role Policy Attachment",
  fields: {
    role: { shape: "text", required: true, replaces: true },
    policyArn: {
      shape: "text",
      required: true,
      replaces: true,
      test: matches(/^arn:aws[\w-]*:iam::(aws|\d{12}):policy\/.+$/, "the ARN of a policy"),
    },
  },
  computed: [],

  create(cloud, inputs) {
    needRole(cloud, "AttachRolePolicy", inputs);
    return { id: `${inputs.role}/${inputs.policyArn}`, computed: {} };
  },
};

export const rolePolicy: Description = {
  kind: "role-policy",
  title: "IAM Role Policy",
  fields: {
    name: name(128),
    role: { shape: "text", required: true, replaces: true },
    policy: { shape: "text", required: true, test: policyFailure },
  },
  computed: [],

  create(cloud, inputs) {
    needRole(cloud, "PutRolePolicy", inputs);
    return { id: `${inputs.role}:${inputs.name}`, computed: {} };
  },
};

export const instanceProfile: Description = {
  kind: "instance-profile",
  title: "IAM Instance Profile",
  fields: {
    name: name(128),
    role: { shape: "text" },
    path: { shape: "text", replaces: true, initial: "/" },
    tags: TAGS,
  },
  computed: ["arn", "createDate", "uniqueId"],

  create(cloud, inputs) {
    if (inputs.role !== undefined) needRole(cloud, "AddRoleToInstanceProfile", inputs);
    return made(cloud, "instance-profile", inputs, "CreateInstanceProfile", "AIPA");
  },
};

function made(cloud: Cloud, kind: string, inputs: Properties, operation: string, prefix: string) {
  const id = text(inputs, "name") ?? "";
  if (cloud.store.get(kind, id)) {
    const what = kind === "role" ? "Role" : "Instance Profile";
    refuse(operation, "EntityAlreadyExists", `${what} with name ${id} already exists.`, SERVICE);
  }
  const computed = {
    arn: `arn:aws:iam::${ACCOUNT}:${kind}${inputs.path}${id}`,
    createDate: new Date().toISOString(),
    uniqueId: prefix + randomBytes(8).toString("hex").toUpperCase(),
  };
  return { id, computed };
}

function needRole(cloud: Cloud, operation: string, inputs: Properties): void {
  const id = text(inputs, "role") ?? "";
  if (!cloud.store.get("role", id))
    refuse(operation, "NoSuchEntity", `The role with name ${id} cannot be found.`, SERVICE);
}

function policyFailure(value: unknown): string | undefined {
  try {
    const policy: unknown = JSON.parse(String(value));
    if (typeof policy === "object" && policy !== null && "Statement" in policy) return undefined;
  } catch {
    // said below
  }
  return "contains an invalid JSON policy: it is an object with a Statement";
}
