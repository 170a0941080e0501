/** Which changes are refused: compares the declared cluster with the one that was last proven healthy. */

import { defaults } from "../config/defaults.ts";
import type { ClusterConfig, NodeConfig } from "../config/model.ts";
import { quorum } from "../etcd/quorum.ts";
import { BELOW_FLOOR, floorAbove, hasHoles, minorOf, parseVersion, refuseStep } from "../etcd/releases.ts";
import type { Deployed } from "./deployed.ts";
import {
  type Machines,
  rebuiltNodes,
  refuseMachineChanges,
  refuseMissingKeys,
  refuseUnfoundMachines,
  unprovenNodes,
  warnOfMachines,
} from "./machines.ts";
import { isPending, refuseRestore } from "./restore.ts";

/** The difference in members, by name. */
export interface Changes {
  /** Declared with a raised incarnation: their data is gone. */
  readonly replaced: readonly string[];
  /** Declared for the first time. */
  readonly added: readonly string[];
  /** Members that are declared lost. */
  readonly lost: readonly string[];
  /** Members that are no longer declared. */
  readonly removed: readonly string[];
  /** Members that keep their data and get another address. */
  readonly moved: readonly string[];
  /** Members that get another machine, whether they keep their data or not. */
  readonly rebuilt: readonly string[];
  /** Members whose machine is gone, or has not been proven by any run. */
  readonly unproven: readonly string[];
}

export interface Findings {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export function changesOf(config: ClusterConfig, deployed: Deployed, machines: Machines): Changes {
  const { nodes } = config;
  const present = nodes.filter((node) => !node.lost);
  const known = present.flatMap((node) => {
    const before = deployed.nodes[node.name];
    return before === undefined ? [] : [{ node, before }];
  });
  const declared = nodes.map((node) => node.name);
  return {
    replaced: known
      .filter(({ node, before }) => node.incarnation > before.incarnation)
      .map(({ node }) => node.name),
    added: present.filter((node) => deployed.nodes[node.name] === undefined).map((node) => node.name),
    lost: nodes
      .filter((node) => node.lost && deployed.nodes[node.name] !== undefined)
      .map((node) => node.name),
    removed: Object.keys(deployed.nodes).filter((name) => !declared.includes(name)),
    moved: known
      .filter(
        ({ node, before }) => node.incarnation === before.incarnation && node.address !== before.address,
      )
      .map(({ node }) => node.name),
    rebuilt: rebuiltNodes(config, deployed, machines),
    unproven: unprovenNodes(deployed, machines),
  };
}

/** Each kind of change, as a sentence says it of a member. */
const KINDS = [
  ["replaced", "is replaced"],
  ["added", "joins"],
  ["lost", "is lost"],
  ["removed", "is removed"],
  ["moved", "moves"],
  ["rebuilt", "gets another machine"],
  ["unproven", "is repaired"],
] as const satisfies readonly (readonly [keyof Changes, string])[];

/** What happens to members, a clause each: "node4 joins". */
export function memberChanges(
  config: ClusterConfig,
  deployed: Deployed,
  machines: Machines,
): readonly string[] {
  const changes = changesOf(config, deployed, machines);
  const clauses = KINDS.flatMap(([kind, does]) =>
    changes[kind].map((name) => [name, `${name} ${does}`] as const),
  );
  return [...new Map(clauses.toReversed()).values()].toReversed();
}

/** On a stack that was never proven healthy little can be refused. */
export function checkBootstrap(config: ClusterConfig, machines: Machines): Findings {
  const floor = judgeFloor(config, defaults.version); // the program may be older than an advisory
  const refused = [...refuseUnprovenLosses(config.nodes, []), ...refuseMissingKeys(config, machines)];
  const restored = refuseRestore(config, undefined, undefined);
  return { ...floor, problems: [...floor.problems, ...refused, ...restored] };
}

export function checkChanges(
  config: ClusterConfig,
  deployed: Deployed,
  changes: Changes,
  machines: Machines,
): Findings {
  const restores = isPending(config, deployed);
  const { problems, warnings } = restores
    ? judgeFloor(config, deployed.version)
    : checkVersion(config, deployed, changes);
  const proven = [...Object.keys(deployed.nodes), ...Object.keys(deployed.former)];
  return {
    problems: [
      ...problems,
      ...refuseIdentityChange(config, deployed),
      ...refuseUnprovenLosses(config.nodes, proven),
      ...refuseLoweredIncarnations(config.nodes, deployed),
      ...refuseReturnOfLost(config.nodes, deployed),
      ...refuseForeignAddresses(config.nodes, deployed),
      ...(restores ? refuseRestore(config, deployed, changes) : refuseQuorumLoss(deployed, changes)),
      ...refuseMachineChanges(config, deployed),
      ...(restores ? [] : refuseUnfoundMachines(config, deployed, machines)),
      ...refuseMissingKeys(config, machines),
    ],
    warnings: [...warnings, ...warnOfMachines(config, deployed, machines)],
  };
}

/** Advisories come later than the versions that they name: what runs goes on with a warning, and is not gone to anew. */
function judgeFloor({ release: { version }, allow }: ClusterConfig, running: string): Findings {
  const floor = floorAbove(version);
  if (floor === undefined || allow.includes(BELOW_FLOOR)) return { problems: [], warnings: [] };
  const says = `version: ${hasHoles(version, floor)}; npm run pin -- ${floor} declares that one`;
  return version === running
    ? { problems: [], warnings: [`${says}.`] }
    : { problems: [`${says} (to run it anyway, add ${BELOW_FLOOR} to allow).`], warnings: [] };
}

function checkVersion(config: ClusterConfig, deployed: Deployed, changes: Changes): Findings {
  const { release, allow } = config;
  const wanted = release.version;
  const from = parseVersion(deployed.version);
  const to = parseVersion(wanted);
  if (from === undefined || to === undefined) return { problems: [], warnings: [] };
  const refusal = refuseStep(from, to, allow.includes("downgrade"));
  if (refusal !== undefined) {
    return { problems: [`version: the cluster runs ${deployed.version}; ${refusal}.`], warnings: [] };
  }
  const others = [...new Set(KINDS.flatMap(([kind]) => changes[kind]))];
  if (minorOf(from) !== minorOf(to) && others.length > 0) {
    return {
      problems: [
        `version: the step from ${deployed.version} to ${wanted} cannot go together with a change of members (${others.join(", ")}); do them in separate ups.`,
      ],
      warnings: [],
    };
  }
  const floor = judgeFloor(config, deployed.version);
  if (floor.problems.length > 0) return floor;
  const back = to.minor < from.minor || (to.minor === from.minor && to.patch < from.patch);
  return {
    problems: [],
    warnings: back
      ? [`version: ${wanted} is older than ${deployed.version}, which the cluster runs.`]
      : floor.warnings,
  };
}

/** A member knows its cluster by the token and the data directory. */
function refuseIdentityChange({ clusterName, dataDir }: ClusterConfig, deployed: Deployed): string[] {
  const problems: string[] = [];
  const deployedName = deployed.token.replace(/-[0-9a-f]{8}$/, "");
  if (clusterName !== deployedName) {
    problems.push(
      `clusterName: the cluster was bootstrapped as ${deployedName} and keeps that name; change it back, or bootstrap a new cluster with destroy and up.`,
    );
  }
  if (dataDir !== deployed.dataDir) {
    problems.push(
      `dataDir: the members' data is in ${deployed.dataDir}; change it back, or bootstrap a new cluster with destroy and up.`,
    );
  }
  return problems;
}

function refuseUnprovenLosses(nodes: readonly NodeConfig[], proven: readonly string[]): string[] {
  return nodes.flatMap((node, index) =>
    node.lost && !proven.includes(node.name)
      ? [
          `nodes[${index}].lost: ${node.name} was never proven to be a member, so it has nothing to lose; leave it out.`,
        ]
      : [],
  );
}

function refuseLoweredIncarnations(nodes: readonly NodeConfig[], deployed: Deployed): string[] {
  return nodes.flatMap((node, index) => {
    const before = deployed.nodes[node.name];
    if (before === undefined || node.lost || node.incarnation >= before.incarnation) return [];
    return [
      `nodes[${index}].incarnation: ${node.name} is already at ${before.incarnation}; it can only be raised, never lowered to ${node.incarnation}.`,
    ];
  });
}

/** Its host may still have the data of the member that was removed, which would wait for a cluster that knows it no more. */
function refuseReturnOfLost(nodes: readonly NodeConfig[], deployed: Deployed): string[] {
  return nodes.flatMap((node, index) => {
    const former = deployed.former[node.name];
    if (node.lost || former?.lost !== true || node.incarnation > former.incarnation) return [];
    return [
      `nodes[${index}].incarnation: ${node.name} was declared lost with incarnation ${former.incarnation}, and the cluster has removed it; raise it to ${former.incarnation + 1}, and it joins as a new member.`,
    ];
  });
}

/** A renamed node or swapped addresses would stop a live member and start another one in its place. */
function refuseForeignAddresses(nodes: readonly NodeConfig[], deployed: Deployed): string[] {
  return nodes.flatMap((node, index) => {
    const owner = Object.entries(deployed.nodes).find(([, { address }]) => address === node.address)?.[0];
    if (node.lost || owner === undefined || owner === node.name) return [];
    return [
      `nodes[${index}]: ${node.name} is declared at ${node.address}, where ${owner} is a member; keep the name ${owner} there, or remove ${owner} in a separate up first.`,
    ];
  });
}

function refuseQuorumLoss(deployed: Deployed, changes: Changes): string[] {
  const count = Object.keys(deployed.nodes).length;
  const needed = quorum(count);
  const dead = [...changes.lost, ...changes.replaced];
  if (count - dead.length < needed) {
    return [
      `nodes: ${dead.join(", ")} of ${count} members would be without data at the same time, leaving fewer than the ${needed} of a quorum; replace them one at a time, or recover from a snapshot.`,
    ];
  }
  const gone = [...dead, ...changes.removed];
  if (gone.length >= needed) {
    return [
      `nodes: ${gone.join(", ")} are a majority of ${count} members; remove or replace them in several ups.`,
    ];
  }
  if (changes.moved.length >= needed) {
    return [
      `nodes: ${changes.moved.join(", ")} are a majority of ${count} members, and would all change their address at the same time; move them in several ups.`,
    ];
  }
  return [];
}
