import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loginOf } from "../../cluster/login.ts";
import {
  computeTopology,
  type Deployed,
  deployedAfter,
  type Topology,
  type TopologyMember,
} from "../../cluster/topology.ts";
import { quorum } from "../../etcd/quorum.ts";
import { config, hostKey } from "./configuration.ts";
import { type DeclaredNode, deployed, nodes, plan } from "./deployment.ts";

function member(topology: Topology, name: string): TopologyMember {
  const found = topology.members.find((one) => one.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

const foundingCluster = "node1=https://10.0.0.1:2380,node2=https://10.0.0.2:2380,node3=https://10.0.0.3:2380";

test("two quorums always have a member in common, and a quorum bears the loss of the others", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), (n) => {
      assert.ok(2 * quorum(n) > n);
      assert.ok(2 * (quorum(n) - 1) <= n);
    }),
  );
});

test("the founders all start with new and the list of all", () => {
  const topology = plan(nodes(3));
  assert.deepEqual(member(topology, "node2"), {
    name: "node2",
    address: "10.0.0.2",
    peerUrl: "https://10.0.0.2:2380",
    clientUrl: "https://10.0.0.2:2379",
    listenPeerUrl: "https://10.0.0.2:2380",
    listenClientUrls: ["https://10.0.0.2:2379", "https://127.0.0.1:2379"],
    incarnation: 1,
    issue: 1,
    initialState: "new",
    initialCluster: foundingCluster,
    formerAddresses: [],
    names: { dnsNames: ["localhost", "node2"], ipAddresses: ["10.0.0.2", "127.0.0.1"] },
    serverNames: { dnsNames: ["localhost", "node2"], ipAddresses: ["10.0.0.2", "127.0.0.1"] },
  });
  assert.deepEqual(
    topology.members.map(({ initialState, initialCluster }) => [initialState, initialCluster]),
    [1, 2, 3].map(() => ["new", foundingCluster]),
  );
  assert.deepEqual(topology.rollout, ["node1", "node2", "node3"]);
  assert.deepEqual(topology.endpoints, [
    "https://10.0.0.1:2379",
    "https://10.0.0.2:2379",
    "https://10.0.0.3:2379",
  ]);
  assert.equal(topology.adminHost, "node1");
  assert.equal(topology.quorum, 2);
  assert.deepEqual(topology.lost, []);
});

test("an IPv6 address stands in brackets in URLs, and bare in the certificate", () => {
  const one = member(plan([{ name: "a", address: "2001:DB8::1" }]), "a");
  assert.equal(one.peerUrl, "https://[2001:db8::1]:2380");
  assert.deepEqual(one.listenClientUrls, ["https://[2001:db8::1]:2379", "https://127.0.0.1:2379"]);
  assert.deepEqual(one.names.ipAddresses, ["127.0.0.1", "2001:db8::1"]);
});

test("a DNS name is in the certificate, and its host listens everywhere once", () => {
  const one = member(plan([{ name: "a", address: "a.example.com" }]), "a");
  assert.equal(one.clientUrl, "https://a.example.com:2379");
  assert.equal(one.listenPeerUrl, "https://0.0.0.0:2380");
  assert.deepEqual(one.listenClientUrls, ["https://0.0.0.0:2379"]);
  assert.deepEqual(one.names.dnsNames, ["a", "a.example.com", "localhost"]);
  assert.deepEqual(one.names.ipAddresses, ["127.0.0.1"]);
});

test("a name that is its own DNS address is in the certificate once", () => {
  assert.deepEqual(member(plan([{ name: "a", address: "a", hostKey: hostKey() }]), "a").names.dnsNames, [
    "a",
    "localhost",
  ]);
});

test("listening on [::] covers the loopback", () => {
  const topology = plan([{ name: "a", address: "2001:db8::1", listenAddress: "::" }]);
  assert.deepEqual(member(topology, "a").listenClientUrls, ["https://[::]:2379"]);
});

test("planned again after it was proven, nothing but that is different", () => {
  const founded = plan(nodes(5));
  const before = deployedAfter(config({ nodes: nodes(5) }), founded, "etcd-cluster-1-0123abcd");
  assert.deepEqual(plan(nodes(5), before), { ...founded, proven: true });
});

test("who is deployed keeps what it was started with, whatever changes elsewhere", () => {
  const topology = plan([...nodes(3), ...nodes(5).slice(3)], deployed(3));
  for (const name of ["node1", "node2", "node3"]) {
    assert.equal(member(topology, name).initialState, "new");
    assert.equal(member(topology, name).initialCluster, foundingCluster);
  }
});

test("additions join one after the other, each told those before it", () => {
  const topology = plan(nodes(5), deployed(3));
  assert.equal(member(topology, "node4").initialState, "existing");
  assert.equal(member(topology, "node4").initialCluster, `${foundingCluster},node4=https://10.0.0.4:2380`);
  assert.equal(
    member(topology, "node5").initialCluster,
    `${foundingCluster},node4=https://10.0.0.4:2380,node5=https://10.0.0.5:2380`,
  );
  assert.deepEqual(topology.rollout, ["node1", "node2", "node3", "node4", "node5"]);
});

test("a replaced node comes first and joins at its new address", () => {
  const wanted = nodes(3, { node3: { incarnation: 2, address: "10.0.0.33" } });
  const topology = plan(wanted, deployed(3));
  assert.deepEqual(topology.rollout, ["node3", "node1", "node2"]);
  assert.equal(member(topology, "node3").initialState, "existing");
  assert.equal(
    member(topology, "node3").initialCluster,
    "node1=https://10.0.0.1:2380,node2=https://10.0.0.2:2380,node3=https://10.0.0.33:2380",
  );
});

test("a member that is still to be removed is there when another joins; a lost one is not", () => {
  const removing = plan([...nodes(2), ...nodes(4).slice(3)], deployed(3));
  assert.equal(member(removing, "node4").initialCluster, `${foundingCluster},node4=https://10.0.0.4:2380`);
  const losing = plan([...nodes(3, { node3: { lost: true } }), ...nodes(4).slice(3)], deployed(3));
  assert.equal(
    member(losing, "node4").initialCluster,
    "node1=https://10.0.0.1:2380,node2=https://10.0.0.2:2380,node4=https://10.0.0.4:2380",
  );
  assert.deepEqual(losing.lost, ["node3"]);
});

test("a member that gets another address keeps its bootstrap settings", () => {
  const topology = plan(nodes(3, { node2: { address: "10.0.0.22" } }), deployed(3));
  assert.equal(member(topology, "node2").peerUrl, "https://10.0.0.22:2380");
  assert.equal(member(topology, "node2").initialCluster, foundingCluster);
});

/** What is recorded once a plan has been proven. */
function proven(wanted: readonly DeclaredNode[], before?: Deployed): Deployed {
  const topology = plan(wanted, before);
  return deployedAfter(config({ nodes: wanted }), topology, "etcd-cluster-1-0123abcd", before);
}

test("a member that moved is certified for every address it had, oldest first, as it is recorded", () => {
  const first = proven(nodes(3, { node2: { address: "10.0.0.22" } }), deployed(3));
  assert.deepEqual(first.nodes.node2?.formerAddresses, ["10.0.0.2"]);
  assert.ok(!("formerAddresses" in (first.nodes.node1 ?? {})), "who never moved is recorded as ever");
  const wanted = nodes(3, { node2: { address: "db2.example.com" } });
  const second = member(plan(wanted, first), "node2");
  assert.deepEqual(second.formerAddresses, ["10.0.0.2", "10.0.0.22"]);
  assert.deepEqual(second.names.ipAddresses, ["10.0.0.2", "10.0.0.22", "127.0.0.1"]);
  assert.deepEqual(second.names.dnsNames, ["db2.example.com", "localhost", "node2"]);
  const left = member(plan(nodes(3), proven(wanted, first)), "node2");
  assert.deepEqual(left.formerAddresses, ["10.0.0.22", "db2.example.com"]);
  assert.deepEqual(left.names.dnsNames, second.names.dnsNames);
});

test("a new incarnation was nowhere before, at the same address or at another one", () => {
  const before = proven(nodes(3, { node2: { address: "10.0.0.22" } }), deployed(3));
  for (const address of ["10.0.0.22", "10.0.0.2", "10.0.0.5"]) {
    const fresh = member(plan(nodes(3, { node2: { address, incarnation: 2 } }), before), "node2");
    assert.deepEqual(fresh.formerAddresses, []);
    assert.deepEqual(fresh.names.ipAddresses, [address, "127.0.0.1"].sort());
  }
});

test("however often a member moves, it is certified for where it was, and the next plan is the same", () => {
  const addresses = fc.array(fc.constantFrom("10.0.0.2", "10.0.0.22", "a.example.com", "2001:db8::2"));
  fc.assert(
    fc.property(addresses, (moves) => {
      let before = deployed(3);
      for (const address of moves) {
        const wanted = nodes(3, { node2: { address } });
        const topology = plan(wanted, before);
        before = proven(wanted, before);
        assert.deepEqual(plan(wanted, before), topology);
      }
      const { address, formerAddresses = [] } = before.nodes.node2 ?? assert.fail();
      assert.deepEqual([...formerAddresses, address].sort(), [...new Set(["10.0.0.2", ...moves])].sort());
    }),
  );
});

test("rolloutOrder comes before everything else", () => {
  const wanted = nodes(5, { node2: { incarnation: 2 } });
  assert.deepEqual(plan(wanted, deployed(3), { rolloutOrder: ["node5", "node3"] }).rollout, [
    "node5",
    "node3",
    "node2",
    "node1",
    "node4",
  ]);
});

test("the admin host stays as long as it has its data, and moves to one that has", () => {
  const before: Deployed = { ...deployed(3), adminHost: "node2" };
  assert.equal(plan(nodes(3), before).adminHost, "node2");
  assert.equal(plan(nodes(3, { node2: { incarnation: 2 } }), before).adminHost, "node1");
  assert.equal(plan(nodes(3, { node2: { lost: true } }), before).adminHost, "node1");
  const newcomerFirst = [...nodes(4).slice(3), ...nodes(3).slice(1)];
  assert.equal(plan(newcomerFirst, { ...before, adminHost: "node1" }).adminHost, "node2");
});

test("whoever is declared is in the rollout once, in any order and with any change", () => {
  const anyNode = fc.record({
    incarnation: fc.constantFrom(1, 1, 1, 2),
    lost: fc.constantFrom(false, false, true),
  });
  const all = fc.tuple(
    fc.array(anyNode, { minLength: 1, maxLength: 9 }),
    fc.shuffledSubarray(["node1", "node2", "node3", "node4"], { minLength: 0 }),
    fc.integer({ min: 1, max: 9 }),
  );
  fc.assert(
    fc.property(all, ([wanted, order, proven]) => {
      const parsed = { nodes: nodes(wanted.length).map((node, i) => ({ ...node, ...wanted[i] })) };
      const names = parsed.nodes.filter((node) => !node.lost).map((node) => node.name);
      fc.pre(names.length % 2 === 1 && names.length <= 7);
      const rolloutOrder = order.filter((name) => parsed.nodes.some((node) => node.name === name));
      const { topology, problems } = computeTopology(config({ ...parsed, rolloutOrder }), deployed(proven));
      assert.equal(topology === undefined, problems.length > 0);
      if (topology === undefined) return;
      assert.deepEqual(topology.rollout.toSorted(), names.toSorted());
      assert.ok(names.includes(topology.adminHost));
      for (const { name, peerUrl, initialCluster, initialState } of topology.members) {
        const listed = initialCluster.split(",");
        assert.ok(listed.includes(`${name}=${peerUrl}`));
        assert.equal(new Set(listed.map((entry) => entry.split("=")[1])).size, listed.length);
        assert.equal(
          initialState === "new",
          deployed(proven).nodes[name] !== undefined && wanted[Number(name.slice(4)) - 1]?.incarnation === 1,
        );
      }
    }),
  );
});

test("names that were members once are remembered as former", () => {
  const wanted = nodes(3, { node3: { lost: true } });
  const topology = plan(wanted, deployed(3));
  const after = deployedAfter(config({ nodes: wanted }), topology, "etcd-cluster-1-0123abcd", deployed(3));
  assert.deepEqual(Object.keys(after.nodes), ["node1", "node2"]);
  assert.deepEqual(after.former, { node3: { incarnation: 1, lost: true } });
  assert.deepEqual(plan(wanted, after).lost, ["node3"], "the same configuration can be planned again");
  const back = plan(nodes(3, { node3: { incarnation: 2 } }), after);
  assert.equal(member(back, "node3").initialState, "existing");
  const again = deployedAfter(config({ nodes: nodes(3) }), back, "etcd-cluster-1-0123abcd", after);
  assert.deepEqual(again.former, {});
});

test("a lost node that comes back without a raised incarnation is refused; one that was removed may come back", () => {
  const lost = { ...deployed(2), former: { node3: { incarnation: 4, lost: true } } };
  const problemsOf = (incarnation: number, before: Deployed) =>
    computeTopology(config({ nodes: nodes(3, { node3: { incarnation } }) }), before).problems;
  assert.deepEqual(problemsOf(4, lost), [
    "nodes[2].incarnation: node3 was declared lost with incarnation 4, and the cluster has removed it; raise it to 5, and it joins as a new member.",
  ]);
  assert.deepEqual(problemsOf(5, lost), []);
  const removed = { ...deployed(2), former: { node3: { incarnation: 4, lost: false } } };
  assert.deepEqual(problemsOf(1, removed), []);
});

test("what a restore recorded is kept from record to record", () => {
  const kept = { restore: { snapshot: "a.db", sha256: "0".repeat(64), id: 1 } };
  const before = { ...deployed(3), ...kept };
  const after = deployedAfter(config({ nodes: nodes(3) }), plan(nodes(3), before), before.token, before);
  assert.deepEqual({ restore: after.restore }, kept);
});

test("a login is recorded without the comments of its keys, which another person writes otherwise", () => {
  const node = { sshAddress: "10.0.0.1", sshPort: 22, hostKey: "" };
  const keysOf = (...authorizedKeys: string[]) =>
    loginOf(
      node,
      { ssh: { user: "admin", agent: true }, aws: { authorizedKeys } },
      { authorizedKeys: ["kept"] },
    );
  assert.deepEqual(keysOf("ssh-rsa B bob", "ssh-rsa A"), keysOf("ssh-rsa A alice@home", "ssh-rsa B"));
  assert.deepEqual(keysOf().authorizedKeys, ["kept"], "without listed keys nothing changes on the instances");
});
