/** The plan from a preview: rows, counts and a verdict. Plain data in, plain data out. */

import { readFileSync } from "node:fs";
import { EXPIRED_CA, endedAuthorities } from "../../cluster/ended.ts";
import {
  authorityNamed,
  CLUSTER_STEPS,
  certificateIn,
  clientIn,
  clientOf,
  isAuthority,
  isComponentType,
} from "../../cluster/resource-names.ts";
import { snapshotInWords } from "../../cluster/restore.ts";
import { type Deployed, parseDeployed } from "../../cluster/topology.ts";
import { parseGivenCertificates } from "../../config/given-cas.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { decodeValues, parseConfig } from "../../config/parse.ts";
import { Fields, Report } from "../../config/value.ts";
import { type Json, record, text } from "../../lib/json.ts";
import { clientChanges } from "./clients.ts";
import { clusterRows } from "./cluster-rows.ts";
import { hostRows } from "./host-rows.ts";
import { losesVolume, refuseEmptyVolume, refuseUnguarded } from "./machines.ts";
import { type HostRow, type Plan, SCHEMA } from "./model.ts";
import type { Preview, Resource } from "./preview.ts";
import { refuseHarm, refuseUnaccompanied } from "./replaced.ts";
import { securityRows } from "./security.ts";
import { SECRET } from "./security-row.ts";
import { EVERYTHING, type Selection } from "./selection.ts";

/** `lastProven` is the stack's output `deployed`, if it has one; `now` in milliseconds since 1970. */
export function buildPlan(
  preview: Preview,
  lastProven: unknown,
  selection: Selection = EVERYTHING,
  now: number = Date.now(),
): Plan {
  const { project, stack, warnings } = preview;
  const base = { schema: SCHEMA, project, stack, selection, warnings } as const;
  if (preview.errors.length > 0) return { ...base, ...REFUSED, refusals: preview.errors };
  const config = configOf(preview);
  const deployed = parseDeployed(lastProven);
  const hosts = hostRows(preview, config, deployed);
  const refusals = [
    ...refuseHarm(preview.resources, deployed),
    ...refuseUnaccompanied(preview.resources, hosts, selection, deployed),
    ...hosts.filter((host) => losesVolume(host, preview.resources)).map(refuseEmptyVolume),
    ...hosts.flatMap(({ name }) => refuseUnguarded(name, preview.resources)),
  ];
  if (refusals.length > 0) return { ...base, ...REFUSED, refusals };
  const ended = config.allow.includes(EXPIRED_CA) ? endedAuthorities(deployed, now) : [];
  const cluster = clusterRows(preview.resources, config, deployed, hosts, ended);
  const others = [...clientChanges(preview.resources), ...otherChanges(preview.resources, hosts, deployed)];
  const restarts = hosts.filter(({ action }) => action === "restart").length;
  const changes = preview.resources.some((resource) => resource.changes);
  const why = outage(hosts, deployed, ended);
  const restored = restoreInWords(hosts, config, deployed);
  const stops = restored === undefined || deployed === undefined ? why : restored;
  const verdict = !changes ? "nothing" : stops === undefined ? "safe" : "outage";
  return {
    ...base,
    verdict,
    headline: restored ?? headline(hosts, changes, why, deployed),
    restarts,
    hosts,
    cluster,
    security: securityRows(preview.resources, config, deployed),
    others,
    refusals: [],
    earliestExpiry: earliestExpiry(preview.resources, config.givenCas),
  };
}

const REFUSED = {
  verdict: "refused",
  headline: "refused",
  restarts: 0,
  hosts: [],
  cluster: [],
  security: [],
  others: [],
  earliestExpiry: null,
} as const satisfies Partial<Plan>;

/** What a plan is made from. Secrets are masked in a preview, and the program itself has checked all of it already. */
const SETTINGS = [
  "target",
  "aws",
  "nodes",
  "ssh",
  "version",
  "sha256",
  "mirror",
  "allow",
  "dataDir",
  "unit",
  "backup",
  "restore",
  "maintenance",
  "clientCa",
  "peerCa",
  "clients",
  "leafValidityDays",
  "caValidityDays",
  "rbac",
];

/** Of these only folders on a new host are told. */
const MAY_BE_SECRET = ["unit", "backup", "maintenance", "leafValidityDays", "caValidityDays"];

/** Parses the settings as the program does, but for the key: a plan contacts no host. */
function configOf({ config, project }: Preview): ClusterConfig {
  const texts = Object.fromEntries(SETTINGS.map((name) => [name, config[`${project}:${name}`]]));
  const given = Object.entries(decodeValues(texts)).filter(
    ([name, value]) => value !== undefined && !(value === SECRET && MAY_BE_SECRET.includes(name)),
  );
  const values: Json = Object.fromEntries(given);
  const { privateKeyFile: _, ...ssh } = record(values.ssh);
  const masked = { ssh: { ...ssh, agent: true }, backupAccessKey: "MASKED:MASKED" };
  const { config: parsed, problems } = parseConfig({ ...values, ...masked }, (path) =>
    readFileSync(path, "utf8"),
  );
  if (parsed === undefined)
    throw new Error(`The configuration in the preview cannot be read: ${problems.join(" ")}`);
  const proxy = config[`${project}:proxy`] ?? ""; // as it is: a secret one is masked, and no URL
  return {
    ...parsed,
    givenCas: givenCasOf(config[`${project}:givenCas`], parsed),
    release: { ...parsed.release, proxy },
  };
}

/** Their keys are masked in a preview; were the certificates, nobody could review them. */
function givenCasOf(value: string | undefined, { certificates }: ClusterConfig): ClusterConfig["givenCas"] {
  const report = new Report();
  const fields = new Fields("", decodeValues({ givenCas: value }), report);
  const found = parseGivenCertificates(fields, certificates);
  if (report.problems.length > 0)
    throw new Error(
      `The CAs in the preview cannot be read, so they cannot be reviewed: ${report.problems.join(" ")} Set givenCas without --secret; only caKeys is one.`,
    );
  return found;
}

/** Why a restart stops writes, if it does. What is only compared may restart as well where a CA has ended. */
function outage(
  hosts: readonly HostRow[],
  deployed: Deployed | undefined,
  ended: ReturnType<typeof endedAuthorities>,
): string | undefined {
  const some = (...actions: readonly HostRow["action"][]) =>
    hosts.some(({ action }) => actions.includes(action));
  const roles = ended.map(({ role }) => role).join(" and the ");
  if (roles !== "" && some("restart", "compare", "repeat"))
    return `the ${roles} CA ended, so members restart without a proof`;
  const members = Object.keys(deployed?.nodes ?? {}).length;
  if (members === 0 || members > 2 || !some("restart", "rebuild")) return undefined;
  return members === 1 ? "the only member" : "one of two members";
}

/** The whole of it in one line: what is lost stands beside what comes back. */
function restoreInWords(
  hosts: readonly HostRow[],
  { restore }: Pick<ClusterConfig, "restore">,
  deployed: Deployed | undefined,
): string | undefined {
  const count = hosts.filter(({ action }) => action === "restore").length;
  if (restore === undefined || count === 0) return undefined;
  const what = `${count} ${count === 1 ? "member is" : "members are"} restored from ${snapshotInWords(restore.snapshot)}`;
  return deployed === undefined
    ? `${what} · a new cluster`
    : `${what}; what was written since is lost · an outage`;
}

const NOUNS: Readonly<Partial<Record<HostRow["action"], readonly [one: string, many: string]>>> = {
  bootstrap: ["member bootstraps", "members bootstrap"],
  replace: ["member is replaced", "members are replaced"],
  rebuild: ["instance is replaced", "instances are replaced, one at a time"],
  restart: ["restart", "restarts, one at a time"],
  join: ["member joins", "members join"],
  remove: ["member is removed", "members are removed"],
  renew: ["host gets new certificates, no restart", "hosts get new certificates, no restart"],
  reissue: ["host gets other certificates, no restart", "hosts get other certificates, no restart"],
  compare: ["host is compared", "hosts are compared"],
  repeat: ["host runs steps again", "hosts run steps again"],
  prepare: ["host is prepared again, no restart", "hosts are prepared again, no restart"],
};

function headline(
  hosts: readonly HostRow[],
  changes: boolean,
  why: string | undefined,
  deployed: Deployed | undefined,
): string {
  const parts = Object.entries(NOUNS).flatMap(([action, [one, many]]) => {
    const count = hosts.filter((host) => host.action === action).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  const lost = hosts.filter(({ name, action }) => action === "inert" && deployed?.nodes[name] !== undefined);
  if (lost.length > 0)
    parts.unshift(`${lost.length} lost ${lost.length === 1 ? "member is" : "members are"} removed`);
  const what = parts.join("; ") || (changes ? "no host is touched" : "nothing to do");
  return !changes || why === undefined ? `${what} · safe` : `${what} · an outage of a few seconds: ${why}`;
}

/**
 * The changes that no row shows, so that "nothing else changes" is true: the CAs, the administrator's certificate, the
 * network, and changes to a machine in place.
 */
function otherChanges(
  resources: readonly Resource[],
  hosts: readonly HostRow[],
  deployed: Deployed | undefined,
): readonly string[] {
  const told = ({ name, type, op }: Resource) =>
    isComponentType(type) || // a component: its parts are checked by themselves
    type.startsWith("pulumi:") ||
    CLUSTER_STEPS.includes(name) ||
    clientOf(name) !== undefined ||
    (deployed !== undefined && ["create", "replace", "delete"].includes(op) && isOfAuthority(name)) || // rows of their own
    (hosts.some((host) => name.startsWith(`${host.name}-`)) &&
      !(type.startsWith("aws:") && ["update", "protect"].includes(op)));
  const changes = resources
    .filter((resource) => resource.changes && !told(resource))
    .map(({ name, op }) => `${componentOf(name)}: ${op}`);
  return [...new Set(changes)].sort();
}

function componentOf(resource: string): string {
  return resource.replace(/-(key|csr|cert)$/, "");
}

function isOfAuthority(name: string): boolean {
  return isAuthority(componentOf(name));
}

function earliestExpiry(
  resources: readonly Resource[],
  givenCas: ClusterConfig["givenCas"],
): Plan["earliestExpiry"] {
  const given = givenCas.map(({ role, number, expires }) => ({
    certificate: authorityNamed(role, number),
    expires,
  }));
  const made = resources
    .filter(
      ({ type, op, changes }) =>
        /:(LocallySigned|SelfSigned)Cert$/.test(type) && (!changes || op === "protect"),
    )
    .map(({ name, old }) => ({
      certificate: certificateName(componentOf(name)),
      expires: text(old.outputs.validityEndTime),
    }));
  const ends = [...made, ...given].sort((a, b) => Date.parse(a.expires) - Date.parse(b.expires));
  return ends[0] ?? null;
}

/** As `certificatesExpire` has it, a host's own in two words. */
function certificateName(component: string): string {
  const client = clientOf(certificateIn(component));
  if (client !== undefined) return clientIn(client, 1);
  if (isAuthority(component)) return component;
  return component.replace(/\.\d+$/, "").replace(/-(\w+)$/, " $1");
}
