/** The setting `clients`: who beside the administrator gets a certificate, and what each may do with authentication on. */

import { CRL_FLAG } from "../host/unit.ts";
import { defaults } from "./defaults.ts";
import { parseName } from "./label.ts";
import type { ClientAccess, ClientConfig } from "./model.ts";
import { Fields, show } from "./value.ts";

const keys = ["name", "organization", "validityDays", "issue", "access"];
const permissions = ["read", "write", "readwrite"] as const;

/** What the program keeps in etcd for itself. */
const OWN_PREFIX = "etcd-host/";

export interface ClientSurroundings {
  readonly nodes: readonly { readonly name: string }[];
  readonly leafValidityDays: number;
  readonly rbac: boolean | undefined;
}

export function parseClients(top: Fields, around: ClientSurroundings): readonly ClientConfig[] {
  const clients = top.list("clients").flatMap((value, index) => {
    const fields = Fields.of(`clients[${index}]`, value, top.report);
    return fields === undefined ? [] : [parseClient(fields, around)];
  });
  clients.forEach(({ name }, index) => {
    const first = clients.findIndex((client) => client.name === name);
    if (name !== "" && first < index)
      top.report.problem(
        `clients[${index}].name`,
        `${name} is already used by clients[${first}]; every client needs a name of its own.`,
      );
  });
  return clients;
}

function parseClient(fields: Fields, around: ClientSurroundings): ClientConfig {
  fields.refuseUnknown(keys);
  const name = parseName(fields, "client", "app1");
  const reserved = reservedName(name, around.nodes);
  if (reserved !== undefined) fields.problem("name", `${name} is ${reserved}; choose another name.`);
  const organization = parseOrganization(fields);
  return {
    name,
    ...(organization === "" ? {} : { organization }),
    validityDays: parseValidity(fields, around.leafValidityDays),
    issue: fields.integer("issue", 1, 1),
    access: parseAccess(fields, around.rbac),
  };
}

/** Its name is the common name of the certificate: nobody may pass for one of the program's own. */
function reservedName(name: string, nodes: ClientSurroundings["nodes"]): string | undefined {
  if (name === "root") return "etcd's own superuser";
  if (name === "etcd-client") return "the administrator's common name";
  if (nodes.some((node) => node.name === name)) return "the name of a node";
  // of any node: one that is taken out keeps its place in the record of issued certificates
  return /-(operator|server|peer)$/.test(name) ? "what the certificates of hosts are called" : undefined;
}

/** X.520 allows 64 characters. */
function parseOrganization(fields: Fields): string {
  const organization = fields.text("organization", "");
  if (organization.length > 64 || /\p{Cc}/u.test(organization) || organization.trim() !== organization)
    fields.problem("organization", `${show(organization)} is not an organization; write it like team-a.`);
  return organization;
}

function parseValidity(fields: Fields, leafValidityDays: number): number {
  const days = fields.integer("validityDays", leafValidityDays, 1);
  if (days > leafValidityDays)
    fields.problem(
      "validityDays",
      `${days} days are more than the ${leafValidityDays} of all leaf certificates (leafValidityDays); use fewer.`,
    );
  return days;
}

function parseAccess(client: Fields, rbac: boolean | undefined): readonly ClientAccess[] {
  const listed = client.list("access");
  if (listed.length > 0 && rbac !== true)
    client.problem("access", "has no effect without authentication; set rbac: true, or leave it out.");
  const granted = listed.flatMap((value, index) => {
    const fields = Fields.of(`${client.at("access")}[${index}]`, value, client.report);
    return fields === undefined ? [] : [parseGrant(fields)];
  });
  granted.forEach(({ range, key }, index) => {
    const first = granted.findIndex((one) => one.range === range && one.key === key);
    if (first < index)
      client.problem(`access[${index}]`, `the ${range} ${show(key)} is listed twice; list it once.`);
  });
  return granted;
}

function parseGrant(fields: Fields): ClientAccess {
  fields.refuseUnknown(["prefix", "key", "may"]);
  fields.required("may", `choose from ${permissions.join(", ")}`);
  const may = fields.choice("may", "read", permissions);
  const [prefix, key] = [fields.get("prefix"), fields.get("key")];
  if ((prefix === undefined) === (key === undefined)) {
    const wrong = prefix === undefined ? "names no keys" : "names both a prefix and a key";
    fields.report.problem(fields.path, `${wrong}; give one of them, like prefix: /app1/.`);
    return { range: "prefix", key: "", may };
  }
  const range = prefix === undefined ? "key" : "prefix";
  const text = fields.text(range, "");
  const problem = wrongRange(range, text);
  if (problem !== undefined) fields.problem(range, `${problem}.`);
  return { range, key: text, may };
}

/** Without the full stop. */
function wrongRange(range: ClientAccess["range"], text: string): string | undefined {
  if (text === "")
    return range === "prefix"
      ? "is empty, which would be every key, the program's own among them; name the client's part"
      : "is empty, which is no key of etcd; name one";
  if (!/^[!-~]+$/.test(text))
    return `${show(text)} has a character that is no printable ASCII; choose others`;
  if (text.startsWith(OWN_PREFIX))
    return `${show(text)} is in ${OWN_PREFIX}, where the program keeps its own keys; choose another`;
  if (range === "prefix" && OWN_PREFIX.startsWith(text))
    return `${show(text)} has ${OWN_PREFIX} in it, where the program keeps its own keys; choose another`;
  return undefined;
}

/** Whether members refuse what the configuration no longer asks for. */
export function parseRevocation(top: Fields, extraFlags: Readonly<Record<string, string>>): boolean {
  const revocation = top.flag("revocation", defaults.revocation);
  if (revocation && extraFlags[CRL_FLAG] !== undefined)
    top.problem(`extraFlags.${CRL_FLAG}`, "revocation: true has a list of its own; leave one of them out.");
  return revocation;
}
