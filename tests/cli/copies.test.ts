// Who has a snapshot, and who is to get it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { copyFrom } from "../../cli/copy-snapshot/copies.ts";
import { config } from "../unit/configuration.ts";

const { nodes } = config();
const [one, two] = ["1f".repeat(32), "2f".repeat(32)];
const answers = (...said: readonly string[]) =>
  said.map((stdout, index) => {
    const node = nodes[index];
    if (node === undefined) throw new Error("there are three nodes");
    return { node, code: stdout === "" ? 255 : 0, stdout: `${stdout}\n`, stderr: "" };
  });
const toOf = (copy: ReturnType<typeof copyFrom>) =>
  "refusal" in copy ? copy.refusal : [copy.from?.name, copy.to.map(({ name }) => name), copy.sha256];

test("those that answer and have none get it of one that has it, or of this machine", () => {
  assert.deepEqual(toOf(copyFrom(answers("none", `holds ${one}`, "none"), "a.db")), [
    "node2",
    ["node1", "node3"],
    one,
  ]);
  assert.deepEqual(toOf(copyFrom(answers(`holds ${one}`, `holds ${one}`, ""), "a.db")), ["node1", [], one]);
  assert.deepEqual(toOf(copyFrom(answers("none", `holds ${two}`, "none"), "a.db", two)), [
    undefined,
    ["node1", "node3"],
    two,
  ]);
});

test("nobody guesses which of two different files is meant, nor goes on without any", () => {
  assert.equal(
    toOf(copyFrom(answers("none", "none", ""), "a.db")),
    "no host that answers has a.db; npm run backups lists what there is, and ./a.db is a file here.",
  );
  assert.equal(
    toOf(copyFrom(answers(`holds ${one}`, "none", `holds ${two}`), "a.db")),
    "node1 and node3 have different files by the name a.db; move one of them away.",
  );
  assert.equal(
    toOf(copyFrom(answers(`holds ${one}`, "none", "none"), "a.db", two)),
    "this machine and node1 have different files by the name a.db; move one of them away.",
  );
});
