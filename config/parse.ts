/** The whole configuration from plain values: no Pulumi here, so that all of it can be tested on its own. */

import { parseAws, withoutHostKeys } from "./aws/parse.ts";
import { parseBackup } from "./backup.ts";
import { parseClients, parseRevocation } from "./clients.ts";
import { parseCluster } from "./cluster.ts";
import { defaults, undefaulted } from "./defaults.ts";
import type { Environment } from "./environment.ts";
import { parseGivenCas } from "./given-cas.ts";
import { pinHostKeys } from "./host-keys.ts";
import { parseMaintenance } from "./maintenance.ts";
import type { ClusterConfig } from "./model.ts";
import { parseNames } from "./names.ts";
import { parseNodes } from "./nodes.ts";
import { parseRelease } from "./release.ts";
import { parseRestore } from "./restore.ts";
import { parseCertificates, parseSettings } from "./settings.ts";
import { parseSsh } from "./ssh.ts";
import { Fields, Report } from "./value.ts";

export interface ParsedConfig {
  /** Only if there are no problems. */
  readonly config?: ClusterConfig;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** `read` reads a file on the workstation. */
export function parseConfig(
  values: Readonly<Record<string, unknown>>,
  read: Environment["read"],
  variables: Environment["variables"] = process.env,
): ParsedConfig {
  const report = new Report();
  const top = new Fields("", values, report);
  const environment = { read, variables };
  top.refuseUnknown([...Object.keys(defaults), ...undefaulted]);

  const ssh = parseSsh(top, environment);
  const listed = parseNodes(top);
  const cluster = parseCluster(top, listed);
  const release = parseRelease(top, cluster.allow);
  const settings = parseSettings(top, release.version, cluster.dataDir, listed);
  const certificates = parseCertificates(top);
  const givenCas = parseGivenCas(top, certificates);
  const names = parseNames(top, cluster.target, listed);
  const rbac = top.get("rbac") === undefined ? undefined : top.flag("rbac", false);
  const { leafValidityDays } = certificates;
  const clients = parseClients(top, { nodes: listed, leafValidityDays, rbac });
  const revocation = parseRevocation(top, settings.extraFlags);
  const restore = parseRestore(top);
  const onEc2 = cluster.target === "aws";
  const nodes = onEc2 ? withoutHostKeys(listed) : pinHostKeys(top, listed, environment);
  const aws = parseAws(top, { ...cluster, nodes: listed, ssh, release, settings });
  const { proxy } = release;
  const backup = parseBackup(top, environment, { dataDir: cluster.dataDir, proxy, aws });
  const maintenance = parseMaintenance(top);

  const { problems, warnings } = report;
  if (problems.length > 0) return { problems, warnings };
  const config = {
    ...cluster,
    ...(aws && { aws }),
    nodes,
    release,
    ssh,
    settings,
    certificates,
    givenCas,
    names,
    clients,
    ...(rbac === undefined ? {} : { rbac }),
    revocation,
    backup,
    ...(restore === undefined ? {} : { restore }),
    ...(maintenance && { maintenance }),
  };
  return { config, problems, warnings };
}

/** Secrets, as they are. */
const TEXTS: readonly string[] = ["sshPrivateKey", "backupAccessKey", "backupIdentity"];

/** The engine hands over everything as text: objects, lists, numbers and booleans as JSON. */
export function decodeValues(texts: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, decode(key, text)]));
}

function decode(key: string, text: string | undefined): unknown {
  const isText = Object.entries(defaults).some(([name, value]) => name === key && typeof value === "string");
  if (text === undefined || isText || TEXTS.includes(key)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // the wrong type is reported where the value is read
  }
}
