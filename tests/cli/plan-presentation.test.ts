// A plan for people: as Markdown in a pull request, and as a table in a terminal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { markdown } from "../../cli/plan/markdown.ts";
import { violations } from "../../cli/plan/policy.ts";
import { terminal } from "../../cli/plan/terminal.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, nodesOf, planOf, restarts, unit } from "./preview.ts";
import { assertHarmless, hostileLines } from "./workflow-commands.ts";

/** 312 days before the usual end of the certificates. */
const NOW = Date.parse("2027-01-16T12:00:00Z");
/** What a comment on GitHub may hold. */
const LIMIT = 65_536;

const three = planOf({
  changes: {
    "node1-member": restarts(),
    "node2-member": restarts(),
    "node3-member": restarts({ "snapshot-count": "30000" }),
    health: { op: "update" },
    "more-bucket": { op: "create" },
  },
  warnings: ["quotaBackendBytes: twice the memory."],
});

test("Markdown: a title, a table, what holds for all, and units that differ once each", () => {
  assert.equal(
    markdown(three, NOW),
    `### etcd/dev: 3 restarts, one at a time · safe

| # | host | what happens | why |
| --- | --- | --- | --- |
| 1 | node1 10.0.0.1 | restart | \`--snapshot-count=10000\` → \`20000\` |
| 2 | node2 10.0.0.2 | restart | \`--snapshot-count=10000\` → \`20000\` |
| 3 | node3 10.0.0.3 | restart | \`--snapshot-count=10000\` → \`30000\` |
| – | cluster | proof | the whole cluster is proven healthy |

Quorum is proven before each step that takes a member away. Certificates: earliest expiry client, 312 days. Also: more-bucket made. Nothing else changes.

<details><summary>systemd unit of node1, node2</summary>

\`\`\`diff
-  --snapshot-count=10000 \\
+  --snapshot-count=20000 \\
\`\`\`
</details>

<details><summary>systemd unit of node3</summary>

\`\`\`diff
-  --snapshot-count=10000 \\
+  --snapshot-count=30000 \\
\`\`\`
</details>

⚠ quotaBackendBytes: twice the memory.
`,
  );
});

test("the terminal: the same without markup", () => {
  assert.equal(
    terminal(three, NOW),
    `etcd/dev: 3 restarts, one at a time · safe

#  host            what happens  why
1  node1 10.0.0.1  restart       --snapshot-count=10000 → 20000
2  node2 10.0.0.2  restart       --snapshot-count=10000 → 20000
3  node3 10.0.0.3  restart       --snapshot-count=10000 → 30000
–  cluster         proof         the whole cluster is proven healthy

systemd unit of node1, node2:
  -  --snapshot-count=10000 \\
  +  --snapshot-count=20000 \\

systemd unit of node3:
  -  --snapshot-count=10000 \\
  +  --snapshot-count=30000 \\

Quorum is proven before each step that takes a member away. Certificates: earliest expiry client, 312 days. Also: more-bucket made. Nothing else changes.

warning: quotaBackendBytes: twice the memory.
`,
  );
});

test("a pipe in a setting does not end its cell", () => {
  const change = restarts({ "snapshot-count": "10000", "max-txn-ops": "1|2" });
  const text = markdown(planOf({ changes: { "node1-member": change } }), NOW);
  assert.match(text, /^\| 1 \| node1 10\.0\.0\.1 \| restart \| `--max-txn-ops=1\\\|2` added \|$/m);
});

test("nothing to do: no promise that nothing else changes, and no word of quorum", () => {
  for (const text of [markdown(planOf(), NOW), terminal(planOf(), NOW)]) {
    assert.match(text, /^(### )?etcd\/dev: nothing to do · safe$/m);
    assert.match(text, /^Certificates: earliest expiry client, 312 days\.$/m);
  }
});

test("what is hot and what concerns a CA is told in words", () => {
  const changes: Readonly<Record<string, Change>> = {
    "node1-server-cert": { op: "replace" },
    "node1-certificates": { op: "update" },
    "peer-ca-cert": { op: "replace" },
  };
  const text = markdown(planOf({ changes }), NOW);
  assert.match(
    text,
    /^\| 1 \| node1 10\.0\.0\.1 \| renew certificates \(hot\) \| new certificates \(server\); etcd/m,
  );
  assert.match(text, /^\| 2 \| node2 10\.0\.0\.2 \| nothing \| {2}\|$/m);
  assert.match(text, /^\| – \| cluster \| CA step \| peer-ca is reissued \|$/m);
  assert.doesNotMatch(text, /Quorum/, "no member goes away");
});

test("a refusal is quoted with all of its lines", () => {
  const plan = planOf({ errors: ["two reasons:\n- nodes: no.\n- version: no."], warnings: ["one more"] });
  assert.equal(
    markdown(plan, NOW),
    "### etcd/dev: refused\n\n> two reasons:\n> - nodes: no.\n> - version: no.\n\n⚠ one more\n",
  );
  assert.equal(
    terminal(plan, NOW),
    "etcd/dev: refused\n\ntwo reasons:\n- nodes: no.\n- version: no.\n\nwarning: one more\n",
  );
});

test("seven hosts whose units all differ fit a comment", () => {
  const flags = (value: string) =>
    Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`experimental-flag-${n}`, value.repeat(20)]));
  const changes = Object.fromEntries(
    nodesOf(7).map(({ name }, n): [string, Change] => [
      `${name}-member`,
      { ...restarts(flags(`${n}`)), old: { stdin: unit(flags("x")) } },
    ]),
  );
  const text = markdown(planOf({ nodes: nodesOf(7), changes }, deployed(7)), NOW);
  assert.equal(text.match(/<details>/g)?.length, 7);
  assert.ok(text.length < LIMIT, `${text.length} characters`);
});

test("refusals and warnings act neither on a terminal nor on a workflow, whoever chose what they quote", () => {
  for (const plan of [
    planOf({ errors: hostileLines, warnings: hostileLines }),
    planOf({ warnings: hostileLines }),
  ])
    for (const text of [markdown(plan, NOW), terminal(plan, NOW)]) assertHarmless(text);
  const [first = ""] = violations(
    `Policies:\n    - [mandatory]  rule  (a:b: c)\n${hostileLines.map((line) => `      ${line}`).join("\n")}\n`,
  );
  assertHarmless(first);
});

test("a value of a unit acts on no workflow, and on no terminal", () => {
  for (const value of ["##[add-mask]a", "::error::b", "a\u202eb", "x` ::error::c` "]) {
    const plan = planOf({ changes: { "node1-member": restarts({ "log-outputs": value }) } });
    for (const text of [markdown(plan, NOW), terminal(plan, NOW)]) {
      assert.match(text, /log-outputs/);
      assertHarmless(text);
    }
  }
});
