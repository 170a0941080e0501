// The list of snapshots, from what hosts and the store say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { listedSnapshots, shownSnapshots } from "../../cli/backups/listed.ts";

const NOW = Date.parse("2026-11-27T08:00:00Z");
const DIGEST = "9f".repeat(32);
const OTHER = "41".repeat(32);
const NEWER = "20261127T070000Z-r123500-3.6-node2.db.gz.age";
const OLDER = "20261127T060000Z-r123456-3.5-my-node-noquorum.db.gz";

test("one line for a file, whoever has it, the newest first, named as in the store", () => {
  const snapshots = listedSnapshots([
    ["my-node", `here ${OLDER} 2048 ${OTHER}\n`],
    ["node2", `here ${NEWER} 1048576 ${DIGEST}\nstore token-1/daily/${NEWER} 1048576 ${DIGEST}\n`],
  ]);
  assert.deepEqual(snapshots, [
    {
      snapshot: `token-1/daily/${NEWER}`,
      taken: "2026-11-27T07:00:00Z",
      revision: 123_500,
      minor: "3.6",
      node: "node2",
      bytes: 1_048_576,
      sha256: DIGEST,
      encrypted: true,
      quorum: true,
      where: ["store", "node2"],
    },
    {
      snapshot: OLDER,
      taken: "2026-11-27T06:00:00Z",
      revision: 123_456,
      minor: "3.5",
      node: "my-node",
      bytes: 2048,
      sha256: OTHER,
      encrypted: false,
      quorum: false,
      where: ["my-node"],
    },
  ]);
  assert.equal(
    shownSnapshots(snapshots, NOW),
    `taken                 revision  minor  of                         size     encrypted  where
2026-11-27T07:00:00Z  r123500   3.6    node2                      1.0 MiB  age        store, node2
2026-11-27T06:00:00Z  r123456   3.5    my-node, without a quorum  0.0 MiB  no         my-node

To restore the newest one, put this into the stack file (docs/restore.md):
  etcd:restore:
    snapshot: token-1/daily/${NEWER}
    sha256: ${DIGEST}
    id: 1
`,
  );
});

test("one with a time that is still to come is listed, and never offered as the newest", () => {
  const ahead = `here ${NEWER.replace("2026", "2036")} 1 ${OTHER}\n`;
  const shown = shownSnapshots(listedSnapshots([["node2", `${ahead}here ${NEWER} 1 ${DIGEST}\n`]]), NOW);
  assert.match(shown, /^2036-11-27T07:00:00Z /m);
  assert.match(shown, new RegExp(`snapshot: ${NEWER}\n`));
  assert.match(
    shownSnapshots(listedSnapshots([["node2", ahead]]), NOW),
    /\n\nEach has a time that is still to come, so nobody can say which one is the newest\.\n$/,
  );
});

test("the same name with other bytes is another snapshot: somebody's was changed", () => {
  const snapshots = listedSnapshots([
    ["node1", `here ${NEWER} 1 ${DIGEST}`],
    ["node2", `here ${NEWER} 1 ${OTHER}`],
  ]);
  assert.equal(snapshots.length, 2);
});

test("what is no snapshot is not listed, whatever a host says", () => {
  const lines = [
    `here ../../${NEWER} 1 ${DIGEST}`,
    `here ${NEWER} 1 short`,
    `here ${NEWER}$(id) 1 ${DIGEST}`,
    `elsewhere ${NEWER} 1 ${DIGEST}`,
    "\u001b[2J",
  ];
  assert.deepEqual(listedSnapshots([["node1", lines.join("\n")]]), []);
  assert.equal(shownSnapshots([], NOW), "No snapshot is kept, neither on a host nor in a store.\n");
});
