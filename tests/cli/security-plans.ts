/** Hostile pull requests as plans, and the comment that a reviewer reads. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPlan } from "../../cli/plan/build.ts";
import { markdown } from "../../cli/plan/markdown.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { parsePreview } from "../../cli/plan/preview.ts";
import { terminal } from "../../cli/plan/terminal.ts";
import { loginOf } from "../../cluster/login.ts";
import type { Deployed } from "../../cluster/topology.ts";
import { releases } from "../../etcd/releases.ts";
import { list, record, text } from "../../lib/json.ts";
import { hostKey } from "../unit/configuration.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, nodesOf, type Parts, previewText, restarts, unit } from "./preview.ts";

export const NOW = Date.parse("2027-01-16T12:00:00Z");
export const pinned = releases["3.6.14"]?.amd64 ?? "";

interface Extra {
  /** More resources than the usual ones. */
  readonly steps?: readonly object[];
  /** Outputs that the last run left of components, by the end of their URN; nothing of an older program. */
  readonly outputs?: Readonly<Record<string, object>>;
  /** @default three nodes, as this program records them */
  readonly before?: Deployed | "new";
}

const ssh = { user: "root", agent: true };

/** What the proof records of three nodes, and of their logins. */
export function proven(): Deployed {
  const { nodes, ...rest } = deployed(3);
  const withLogin = Object.entries(nodes).map(([name, node]) => {
    const host = { sshAddress: node.address, sshPort: 22, hostKey: hostKey() };
    return [name, { ...node, login: loginOf(host, { ssh }) }] as const;
  });
  return { ...rest, nodes: Object.fromEntries(withLogin) };
}

export const registered = { "etcd:cluster:Cluster::etcd": { allow: ["foreign-etcd"] } };

export function planWith(
  parts: Parts,
  { steps = [], outputs = registered, before = proven() }: Extra = {},
): Plan {
  const allow = { "etcd:allow": '["foreign-etcd"]' };
  const preview = record(JSON.parse(previewText({ ...parts, config: { ...allow, ...parts.config } })));
  const cluster = { op: "same", urn: "urn:pulumi:dev::etcd::etcd:cluster:Cluster::etcd", oldState: {} };
  const all = [...list(preview.steps), cluster, ...steps].map(record).map((step) => {
    const found = Object.entries(outputs).find(([end]) => text(step.urn).endsWith(end));
    return found === undefined
      ? step
      : { ...step, oldState: { ...record(step.oldState), outputs: found[1] } };
  });
  return buildPlan(
    parsePreview(JSON.stringify({ ...preview, steps: all })),
    before === "new" ? undefined : before,
  );
}

/** What the comment says below its table of hosts. */
export function comment(plan: Plan): readonly string[] {
  const lines = markdown(plan, NOW).split("\n");
  const start = lines.findIndex((line) => line.startsWith("| ⚠ security") || line.startsWith("Security:"));
  const rows = lines.slice(start + 2, lines.indexOf("", start));
  return lines[start]?.startsWith("|") ? rows : [lines[start] ?? ""];
}

export const nodes = (changes: object) =>
  JSON.stringify(
    nodesOf(3).map((node) => ({ hostKey: hostKey(), ...node, ...(node.name === "node2" ? changes : {}) })),
  );
export const connects = (name: string): Parts["changes"] =>
  Object.fromEntries(
    ["host", "binaries", "certificates", "member"].map((part): [string, Change] => [
      `${name}-${part}`,
      { op: "update", reasons: ["connection"] },
    ]),
  );
export const installs = (old: Record<string, string>, now: Record<string, string>): Parts["changes"] => {
  const texts = (options: Record<string, string>) => {
    const line = call("install", "node1", {
      version: "3.6.14",
      "sha256-amd64": pinned,
      mirror: "https://ours",
      ...options,
    });
    return { create: line, update: line };
  };
  return { "node1-binaries": { op: "update", reasons: ["create"], old: texts(old), new: texts(now) } };
};
export const step = (
  type: string,
  name: string,
  op: string,
  old: object | undefined,
  now: object | undefined,
) => ({
  op,
  urn: `urn:pulumi:dev::etcd::etcd:aws:Access$${type}::${name}`,
  diffReasons: ["cidrIpv4"],
  ...(old && { oldState: { inputs: old } }),
  ...(now && { newState: { inputs: now } }),
});
export const ingress = (name: string, old: string | undefined, now: string | undefined, port = 2379) => {
  const rule = (cidr: string) => ({
    ipProtocol: "tcp",
    fromPort: port,
    toPort: port,
    ...(cidr.includes(":") ? { cidrIpv6: cidr } : { cidrIpv4: cidr }),
  });
  const op = old === undefined ? "create" : now === undefined ? "delete" : "replace";
  const type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
  return step(type, name, op, old ? rule(old) : undefined, now ? rule(now) : undefined);
};
export const flags = (changes: Record<string, string>): Parts["changes"] => ({
  "node1-member": restarts(changes),
});
export const lines = (old: string, now: string): Parts["changes"] => ({
  "node1-member": {
    op: "update",
    reasons: ["stdin"],
    old: { stdin: `${unit()}${old}\n` },
    new: { stdin: `${unit()}${now}\n` },
  },
});

export type Hostile = Readonly<Record<string, readonly [Plan, readonly RegExp[]]>>;

/** Each with what its comment must say, all of it. */
export function testComments(hostile: Hostile): void {
  for (const [what, [plan, says]] of Object.entries(hostile))
    test(`the comment shows: ${what}`, () => {
      const rows = comment(plan);
      assert.equal(rows.length, says.length, rows.join("\n"));
      for (const one of says)
        assert.ok(
          rows.some((row) => one.test(row)),
          `${one} in\n${rows.join("\n")}`,
        );
      assert.match(terminal(plan, NOW), /^security +old +new$/m);
      assert.equal(plan.security.length, says.length);
    });
}
