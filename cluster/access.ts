/**
 * etcd's authentication: who its users are and what each may do, where the stack manages it. Every certificate that this
 * program itself asks with is then that of etcd's user root, also while authentication is off: else the run that switches
 * it could not do so.
 */

import type { ClientAccess, ClusterConfig } from "../config/model.ts";
import { minorOf, parseVersion } from "../etcd/releases.ts";
import type { Findings } from "./changes.ts";
import type { Access, Deployed } from "./deployed.ts";

/** Etcd's own superuser. */
const ROOT = "root";

export type Asked = Pick<ClusterConfig, "rbac" | "clients">;

/** Nothing where it is not managed. In an order of its own, so that another one in the configuration is no change. */
export function accessOf({ rbac, clients }: Asked): Access | undefined {
  if (rbac === undefined) return undefined;
  if (!rbac) return { auth: false, users: {} };
  const users = clients.map(({ name, access }) => [name, access.map(grantOf).toSorted()] as const);
  return { auth: true, users: Object.fromEntries(users.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function grantOf({ may, range, key }: ClientAccess): string {
  return `${may} ${range} ${key}`;
}

/** As the step behind the members reads it: see host/sh/access.sh. */
export function accessLines({ auth, users }: Access): string {
  const lines = Object.entries(users).flatMap(([name, grants]) => [
    `user ${name}`,
    ...grants.map((grant) => `grant ${name} ${grant}`),
  ]);
  return [`auth ${auth ? "on" : "off"}`, ...lines].map((line) => `${line}\n`).join("");
}

/** What a certificate is called that was issued by a program, or for a stack, without authentication. */
export function commonNameOf(usual: string, access: Access | undefined): string {
  return access === undefined ? usual : ROOT;
}

export function checkAccess(config: ClusterConfig, deployed: Deployed | undefined): Findings {
  const wasOn = deployed?.rbac?.auth === true;
  const problems: string[] = [];
  if (wasOn && config.rbac === undefined) {
    problems.push(
      "rbac: authentication is on, and without this setting nobody would ever switch it off; set it to false first, and leave it out in a later up.",
    );
  }
  const floor = wasOn || config.rbac === true ? authenticationFloor(config.release.version) : undefined;
  if (floor !== undefined) {
    problems.push(
      `version: with authentication on, etcd ${config.release.version} lets users do more than they may, and fails questions of this program; use ${floor} or newer${wasOn ? ", or set rbac: false and go back to it in a later up" : ", or leave rbac out"}.`,
    );
  }
  return { problems, warnings: warnOfOldBundles(config, deployed) };
}

/**
 * First patches in which what is asked of all members works with authentication, members are promoted through any of them,
 * and no user does or sees more than it may.
 */
const floors: Readonly<Record<string, number>> = { "3.5": 30, "3.6": 11 };

/** The one that a version is below. */
function authenticationFloor(text: string): string | undefined {
  const version = parseVersion(text);
  const floor = version && floors[minorOf(version)];
  return version === undefined || floor === undefined || version.patch >= floor
    ? undefined
    : `${minorOf(version)}.${floor}`;
}

function warnOfOldBundles({ rbac }: ClusterConfig, deployed: Deployed | undefined): readonly string[] {
  if (rbac !== true || deployed === undefined || deployed.rbac !== undefined) return [];
  return [
    "rbac: the administrator's certificate gets the common name root in this up; one that was handed out before is refused as soon as authentication is on. With rbac: false first there is time between the two to fetch the output clientBundle again.",
  ];
}
