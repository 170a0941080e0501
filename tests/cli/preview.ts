/** Small previews made by hand, in the form that `pulumi preview --json --show-sames` prints. */

import { buildPlan } from "../../cli/plan/build.ts";
import type { HostRow, Plan } from "../../cli/plan/model.ts";
import { parsePreview } from "../../cli/plan/preview.ts";
import type { Selection } from "../../cli/plan/selection.ts";
import type { Deployed } from "../../cluster/topology.ts";
import { hostKey } from "../unit/configuration.ts";
import { deployed } from "../unit/deployment.ts";

type Inputs = Readonly<Record<string, string>>;

/** What the preview says of one resource; without it the resource stays as it is. */
export interface Change {
  readonly op: string;
  /** Inputs that differ from the usual ones, before and after. */
  readonly old?: Inputs;
  readonly new?: Inputs;
  readonly reasons?: readonly string[];
  readonly retained?: true;
}

export interface Node {
  readonly name: string;
  readonly address: string;
  readonly incarnation?: number;
  readonly lost?: boolean;
}

export interface Parts {
  /** What is declared. @default three nodes */
  readonly nodes?: readonly Node[];
  /** Names of all nodes with resources, in the order of their chain. @default the declared ones */
  readonly chain?: readonly string[];
  readonly changes?: Readonly<Record<string, Change>>;
  /** More of the configuration, as texts. */
  readonly config?: Inputs;
  readonly warnings?: readonly string[];
  readonly errors?: readonly string[];
  /** Ends of leafCertificates, by resource. */
  readonly ends?: Inputs;
  /** The order of the steps in the file. @default the chain's */
  readonly reversed?: boolean;
}

const COMMAND = "command:remote:Command";
const COMPONENT = "etcd:host:SshHost";
const LEAF = "tls:index/locallySignedCert:LocallySignedCert";
const END = "2027-11-24T21:32:59.835Z";
const CA_END = "2031-11-24T00:00:00Z";

/** `node1` at 10.0.0.1 and so on. */
export function nodesOf(
  count: number,
  changes: Readonly<Record<string, Partial<Node>>> = {},
): readonly Node[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `node${index + 1}`;
    return { name, address: `10.0.0.${index + 1}`, ...changes[name] };
  });
}

/** A unit as far as a plan reads it. */
export function unit(flags: Inputs = {}, version = "3.6.14"): string {
  const all = { "snapshot-count": "10000", ...flags, "log-level": "info" };
  const lines = Object.entries(all).map(([flag, value]) => `  --${flag}=${value}`);
  return `[Service]\n${[`ExecStart=/opt/etcd/${version}/etcd`, ...lines].join(" \\\n")}\nRestart=on-failure\n`;
}

/** The text of a step: a call of `etcd-host`. */
export function call(subcommand: string, name: string, options: Inputs = {}): string {
  const all = { incarnation: "1", "check-id": "0", bundles: "0123", ...options };
  const words = Object.entries(all).map(([option, value]) => ` --${option}=${value}`);
  return `/usr/local/sbin/etcd-host ${subcommand} --name=${name} --owner='urn:x$y::${name}'${words.join("")}`;
}

/** A member step that gets another unit. */
export function restarts(flags: Inputs = { "snapshot-count": "20000" }, version?: string): Change {
  return { op: "update", new: { stdin: unit(flags, version) }, reasons: ["stdin"] };
}

/** Every text of a member's step with another option. */
export function texts(name: string, options: Inputs): Inputs {
  return { create: call("start", name, options), update: call("roll", name, options) };
}

/** Every resource of a node that is no longer declared. */
export function leaves(name: string, retained?: true): Readonly<Record<string, Change>> {
  const parts = ["host", "binaries", "certificates", "member", "server-cert", "peer-cert", "operator-cert"];
  const gone: Change = { op: "delete", ...(retained && { retained }) };
  return Object.fromEntries(
    [componentOf(name), ...parts.map((part) => `${name}-${part}`)].map((key) => [key, gone]),
  );
}

/** The component of a node among the changes: another node's step may have its name. */
function componentOf(name: string): string {
  return `the host of ${name}`;
}

/** Every step of a node that is new. */
export function comes(name: string): Readonly<Record<string, Change>> {
  return Object.fromEntries(Object.keys(leaves(name)).map((resource) => [resource, { op: "create" }]));
}

export function previewText(parts: Parts = {}): string {
  const { nodes = nodesOf(3), config = {}, warnings = [], errors = [], reversed = false } = parts;
  const declared = nodes.map((node) => ({ hostKey: hostKey(), ...node }));
  const steps = errors.length > 0 ? [stackStep] : [stackStep, ...resources(parts)];
  const diagnostic = (severity: string) => (message: string) => ({
    severity,
    message: `${severity}: ${message}\n`,
  });
  return JSON.stringify({
    config: { "etcd:nodes": JSON.stringify(declared), "etcd:version": "3.6.14", ...SSH, ...config },
    steps: reversed ? steps.toReversed() : steps,
    diagnostics: [...warnings.map(diagnostic("warning")), ...errors.map(diagnostic("error"))],
  });
}

const SSH = { "etcd:ssh": '{"user":"root","privateKeyFile":"/not/on/this/machine"}' };

/** The plan of such a preview. @default of a cluster that was proven with as many members as are declared */
export function planOf(
  parts: Parts = {},
  before: Deployed | "new" = deployed(size(parts)),
  selection?: Selection,
): Plan {
  return buildPlan(parsePreview(previewText(parts)), before === "new" ? undefined : before, selection);
}

export function rowOf(plan: Plan, name: string): HostRow {
  const row = plan.hosts.find((host) => host.name === name);
  if (row === undefined) throw new Error(`the plan has no row for ${name}`);
  return row;
}

function size({ nodes = nodesOf(3) }: Parts): number {
  return nodes.length;
}

const stackStep = { op: "same", urn: "urn:pulumi:dev::etcd::pulumi:pulumi:Stack::etcd-dev" };

function resources(parts: Parts) {
  const { nodes = nodesOf(3), changes = {}, ends = {} } = parts;
  const chain = parts.chain ?? nodes.map(({ name }) => name);
  const all = (
    type: string,
    name: string,
    inputs: Inputs,
    dependencies: readonly string[] = [],
    outputs = {},
  ) => {
    const key = type === COMPONENT ? componentOf(name) : name;
    const { op, old, new: now, reasons, retained } = changes[key] ?? { op: "same" };
    return {
      op,
      urn: urnOf(type, name),
      ...(reasons === undefined ? {} : { diffReasons: reasons }),
      ...(op === "create"
        ? {}
        : { oldState: { inputs: { ...inputs, ...old }, outputs, retainOnDelete: retained ?? false } }),
      ...(op === "delete" ? {} : { newState: { inputs: { ...inputs, ...now }, dependencies } }),
    };
  };
  const leaf = (name: string) =>
    all(LEAF, `${name}-cert`, {}, [], { validityEndTime: ends[`${name}-cert`] ?? END });
  const step = (name: string, inputs: Inputs, dependencies?: readonly string[]) =>
    all(COMMAND, name, inputs, dependencies);
  return [
    ...["client-ca", "peer-ca"].map((ca) =>
      all("tls:index:SelfSignedCert", `${ca}-cert`, {}, [], {
        validityEndTime: ends[`${ca}-cert`] ?? CA_END,
      }),
    ),
    leaf("client"),
    ...chain.flatMap((name, index) => [
      all(COMPONENT, name, {}),
      step(`${name}-host`, {
        create: call("prepare", name),
        update: call("prepare", name),
        stdin: "#!/bin/sh",
      }),
      step(`${name}-binaries`, { create: call("install", name), update: call("install", name) }),
      ...["server", "peer", "operator"].map((role) => leaf(`${name}-${role}`)),
      step(`${name}-certificates`, { create: call("certificates", name), stdin: "[secret]" }),
      step(`${name}-member`, { ...texts(name, {}), stdin: unit() }, [
        urnOf(COMMAND, `${name}-host`),
        ...chain.slice(Math.max(0, index - 1), index).map((before) => urnOf(COMMAND, `${before}-member`)),
      ]),
    ]),
    all(COMPONENT, "health", {}), // of the same name as its step
    ...["before", "membership", "health"].map((name) => step(name, { stdin: "digest 01" })),
    ...Object.keys(changes)
      .filter((name) => /^more-|-key$|\.\d+-cert$|^client\..*-(csr|cert)$/.test(name))
      .map((name) =>
        name.endsWith("-cert") ? leaf(name.slice(0, -5)) : all("tls:index:PrivateKey", name, {}),
      ),
    ...Object.keys(changes)
      .filter((name) => /-ca-\d+-cert$/.test(name))
      .map((name) => all("tls:index:SelfSignedCert", name, {})),
    ...Object.keys(changes)
      .filter((name) => name === "backup" || name.endsWith("-upkeep"))
      .map((name) => step(name, {})),
    ...Object.keys(changes)
      .filter((name) => name.endsWith("-data"))
      .map((name) => all("aws:ebs/volume:Volume", name, {})),
  ];
}

function urnOf(type: string, name: string): string {
  return `urn:pulumi:dev::etcd::etcd:cluster:Cluster$${type}::${name}`;
}
