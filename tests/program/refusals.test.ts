import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { type Run, type RunOptions, runProgram } from "./harness.ts";
import { earlierOutputs, optionsOf, resource, step, text } from "./queries.ts";
import { type Config, clusterOf, nodes } from "./stacks.ts";

const founded = await runProgram({ config: clusterOf(3) });
const earlier = earlierOutputs(founded);

/** The sentences of a refusal, without the heading of several. A RunError is what Pulumi shows without a stack trace. */
function sentences(run: Run): readonly string[] {
  const { failure } = run;
  assert.ok(failure instanceof Error, "the program accepts it");
  assert.ok(pulumi.RunError.isInstance(failure), `a stack trace would be shown: ${failure.stack}`);
  const lines = failure.message.split("\n");
  return lines.length === 1 ? lines : lines.slice(1).map((line) => line.replace(/^- /, ""));
}

/** Refused before anything is registered, so a preview says it as well. */
async function refusal(options: RunOptions): Promise<readonly string[]> {
  const run = await runProgram({ preview: true, ...options });
  const made = run.resources.map((one) => one.name).filter((name) => name !== "etcd-dev");
  assert.deepEqual(made, [], "something is registered before the refusal");
  return sentences(run);
}

test("all mistakes are named at once, one sentence each", async () => {
  const [node1, node2, node3] = nodes(3);
  const found = await refusal({
    config: {
      ...clusterOf(3),
      nodes: [node1, { ...node2, address: "192.168.1.300" }, { ...node3, name: "node1" }],
      heartbeatInterval: 500,
      snapshotCont: 5,
      extraFlags: { "data-dir": "/elsewhere" },
    },
  });
  const about = [
    "snapshotCont",
    "nodes[1].address",
    "nodes[2].name",
    "electionTimeout",
    "extraFlags.data-dir",
  ];
  assert.deepEqual(found.map((sentence) => sentence.split(":", 1)[0]).sort(), about.sort());
});

test("a stack without configuration is told what is missing", async () => {
  const about = (await refusal({ config: {} })).map((sentence) => sentence.split(":", 1)[0]);
  assert.deepEqual(about.sort(), ["nodes"]);
});

for (const count of [0, 2, 4, 6, 8, 9]) {
  test(`${count} nodes are refused`, async () => {
    const [sentence, ...others] = await refusal({ config: clusterOf(count) });
    assert.match(String(sentence), /^nodes: /);
    assert.deepEqual(others, []);
  });
}

const changes: Readonly<Record<string, { config: Config; about: RegExp }>> = {
  "another cluster name": { config: { clusterName: "other" }, about: /^clusterName: / },
  "another data directory": { config: { dataDir: "/srv/etcd" }, about: /^dataDir: / },
  "a new name at an old address": {
    config: { nodes: nodes(3).map((node) => (node.name === "node3" ? { ...node, name: "node9" } : node)) },
    about: /^nodes\[2\]: node9 is declared at 192\.168\.1\.103, where node3 is a member/,
  },
  "the removal of a majority": { config: { nodes: nodes(1) }, about: /^nodes: node2, node3 are a majority/ },
  "another CA at once": {
    config: { clientCa: [2] },
    about: /^clientCa: \[2\] follows \[1\] only in steps, .*: next is \[1, 2\], then \[2, 1\], then \[2\]\.$/,
  },
  "a step of a CA, and a node that joins": {
    config: { peerCa: [1, 2], nodes: nodes(5) },
    about: /^peerCa: a CA step goes alone; node4 joins in this up: do one first, then the other\.$/,
  },
  "two of three without data at once": {
    config: { nodes: nodes(3).map((node) => (node.name === "node1" ? node : { ...node, incarnation: 2 })) },
    about: /^nodes: node2, node3 of 3 members would be without data at the same time/,
  },
  "a majority at other addresses": {
    config: {
      nodes: nodes(6)
        .slice(3)
        .map((node, index) => ({ ...node, name: `node${index + 1}` })),
    },
    about: /^nodes: node1, node2, node3 are a majority of 3 members, and would all change their address/,
  },
  "one minor back, unless it is allowed by name": {
    config: { version: "3.5.33" },
    about: /^version: the cluster runs 3\.6\.14; .*; add downgrade to etcd:allow/,
  },
  "a minor step and a change of members in one": {
    config: { version: "3.7.1", nodes: nodes(5) },
    about: /^version: the step from 3\.6\.14 to 3\.7\.1 cannot go together with .*\(node4, node5\)/,
  },
  "a node declared lost that never was": {
    config: { nodes: nodes(4).map((node) => (node.name === "node4" ? { ...node, lost: true } : node)) },
    about: /^nodes\[3\]\.lost: node4 /,
  },
};

test("a node declared lost is refused while the stack is new: a founder has nothing to lose", async () => {
  const config = clusterOf(4, { nodes: nodes(4).map((node, index) => ({ ...node, lost: index === 3 })) });
  const [sentence, ...others] = await refusal({ config });
  assert.match(String(sentence), /^nodes\[3\]\.lost: node4 was never proven to be a member/);
  assert.deepEqual(others, []);
});

const deployedOf = (run: Run) => ({ ...Object(earlierOutputs(run).deployed) });

test("a CA that has ended is refused, and renewed where that is allowed by name", async () => {
  const deployed = deployedOf(founded);
  const expired = { ...deployed, peerCa: { list: [1], terms: { "1": { expires: "2020-01-01T00:00:00Z" } } } };
  const found = await refusal({ config: clusterOf(3), earlier: { deployed: expired } });
  assert.equal(found.length, 1);
  assert.match(
    String(found[0]),
    /the peer CA ended on 2020-01-01T00:00:00Z: .* allow: \[expired-ca\] renews it/,
  );
  const allowed = { config: { ...clusterOf(3), allow: ["expired-ca"] }, earlier: { deployed: expired } };
  const run = await runProgram(allowed);
  assert.equal(resource(run, "SelfSignedCert", "peer-ca-cert").request.getProtect(), false);
});

for (const [what, { config, about }] of Object.entries(changes)) {
  test(`${what} is refused on a proven stack`, async () => {
    const found = await refusal({ config: clusterOf(3, config), earlier });
    assert.ok(
      found.some((sentence) => about.test(sentence)),
      found.join("\n"),
    );
  });
}

const malformed: Readonly<Record<string, unknown>> = {
  "a text": "nonsense",
  "a list": [],
  "without nodes": { version: "3.6.14", token: "t", dataDir: "/d", adminHost: "node1" },
  "with former addresses that are no list": {
    ...Object(earlier.deployed),
    nodes: { node1: { ...Object(earlier.deployed).nodes.node1, formerAddresses: "192.168.1.99" } },
  },
  "with a node that is none": {
    version: "3.6.14",
    token: "t",
    dataDir: "/d",
    adminHost: "a",
    nodes: { a: 1 },
  },
};

for (const [what, deployed] of Object.entries(malformed)) {
  test(`an earlier output that is ${what} is refused with one sentence, and never taken for a new stack`, async () => {
    const found = await refusal({ config: clusterOf(3), earlier: { deployed } });
    assert.equal(found.length, 1);
    assert.match(String(found[0]), /^The stack's output "deployed" cannot be used: .*nothing is changed\.$/);
  });
}

test("an earlier output that is secret is read all the same: a proven cluster must not be founded again", async () => {
  const run = await runProgram({ config: clusterOf(5), earlier, earlierSecrets: ["deployed"] });
  const state = (name: string) => optionsOf(text(step(run, name), "create"))["initial-state"];
  assert.deepEqual([state("node1-member"), state("node4-member")], ["new", "existing"]);
});
