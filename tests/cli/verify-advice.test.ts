// What `npm run verify` says to do next.
import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceFor, type Verified } from "../../cli/verify/advice.ts";

function host(n: number, ...differences: string[]): Verified {
  const result = differences.length === 0 ? "as declared" : "differs";
  return { name: `node${n}`, address: `192.0.2.${n}`, result, differences };
}

const edited = "/etc/systemd/system/etcd.service is not what was declared";
const empty = ["/var/lib/etcd holds no WAL", "etcd.service is failed"];

test("all as declared", () => {
  assert.equal(adviceFor([host(1), host(2)]), "Every host is as declared.");
});

test("what differs is put back by a raised checkId, the stopped members first", () => {
  const repair = "Raise checkId and run pulumi up: it restores what differs, and restarts only what it must.";
  assert.equal(adviceFor([host(1, edited), host(2)]), repair);
  assert.equal(adviceFor([host(1), host(2, "etcd.service is inactive")]), repair);
  assert.equal(
    adviceFor([host(1, edited), host(2, "etcd.service is inactive"), host(3)]),
    `${repair} Start the stopped ones first: rolloutOrder: [node2].`,
  );
});

test("a member whose data is gone is replaced: checkId would not start it", () => {
  const alone = adviceFor([host(1), host(2, ...empty), host(3)]);
  assert.match(
    alone,
    /^The data of node2 is gone: put it back, or raise its incarnation and run pulumi up, /,
  );
  assert.doesNotMatch(alone, /checkId|rolloutOrder/);
  const five = [host(1), host(2, ...empty), host(3, ...empty), host(4), host(5)];
  assert.match(
    adviceFor(five),
    /^The data of node2, node3 is gone: put it back, or raise their incarnations /,
  );
});

test("where the rest are no quorum, no raised incarnation helps", () => {
  const advice = adviceFor([host(1), host(2, ...empty), host(3, ...empty)]);
  assert.match(advice, /^The data of node2, node3 is gone, and so is the quorum: .* restore a snapshot /);
  assert.match(adviceFor([host(1, ...empty)]), /^The data of node1 is gone, and so is the quorum: /);
});

test("others that differ are repaired as well", () => {
  const both = adviceFor([host(1, edited), host(2, ...empty), host(3)]);
  assert.match(both, /^The data of node2 is gone: .*\. Raise checkId and run pulumi up: .* must\.$/);
});

test("hosts that could not be asked are asked again", () => {
  const unknown: Verified = { ...host(2), result: "unknown", differences: ["cannot be reached: timeout"] };
  assert.match(adviceFor([host(1), unknown]), /^Not every host could be asked: /);
});
