import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { computeTopology } from "../../cluster/topology.ts";
import { renderUnit } from "../../host/unit.ts";
import { config } from "../unit/configuration.ts";

const raw = fileURLToPath(new URL("../../bench/raw", import.meta.url));

/** What etcd reads only once in its life; the program gives these in the environment. */
const INITIAL = /^--initial-/;

test("the raw script starts etcd with the flags that the program's unit has by default", async () => {
  const script = await readFile(raw, "utf8");
  const variables: Readonly<Record<string, string>> = {
    $1: "node1",
    $2: "192.168.1.101",
    $ciphers: [...script.matchAll(/^ciphers\+?=(.*)$/gm)].map(([, part]) => part).join(""),
  };
  const byHand = [...script.matchAll(/^ {2}(--\S+)/gm)]
    .map(([, flag = ""]) => flag.replace(/\$\w+/g, (name) => variables[name] ?? name))
    .filter((flag) => !INITIAL.test(flag));
  const stack = config();
  const [member] = computeTopology(stack).topology?.members ?? [];
  assert.ok(member);
  const { release, dataDir, settings } = stack;
  const unit = renderUnit({ ...member, version: release.version, dataDir, settings });
  const declared = [...unit.matchAll(/^ {2}(--\S+)/gm)].map(([, flag]) => flag);
  assert.deepEqual(byHand.sort(), declared.sort());
});
