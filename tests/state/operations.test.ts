// Each operation of Pulumi on a step, on the real engine: what it asks of the hosts, in the order of the table in docs/state.md.
// What a host makes of such calls, cut off anywhere, is in tests/host/left.test.ts: the model of an engine there is held to
// the real one here, and what the real one called is played on a host.
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { type Call, Engine, PARTS, Stage } from "../host/leaving.ts";
import { Operated, onHost } from "./operated.ts";

const NODES = ["node1", "node2", "node3"];
const UP = ["up", "--yes", "--skip-preview"];
const PROOF = ["membership membership", "health prove"];
let stack: Operated;

before(async () => {
  stack = await Operated.create();
});
after(async () => {
  await stack.remove();
});

/** Every call passes on a host whose member serves, and the member was never touched. */
async function serves(t: TestContext, calls: readonly Call[]): Promise<Stage> {
  const stage = await Stage.create(t);
  for (const { code, said } of await stage.play(calls)) assert.equal(code, 0, said);
  assert.ok(stage.serves(), calls.join(" "));
  return stage;
}

test("--replace of each kind of step", async () => {
  const calls = await stack.up(
    ...stack.options("--replace", "node1-host", "node2-binaries", "node3-certificates"),
  );
  assert.deepEqual(onHost("node1", calls), new Engine().replace(["host"]).calls);
  assert.deepEqual(onHost("node2", calls), new Engine().replace(["binaries"]).calls);
  assert.deepEqual(onHost("node3", calls), new Engine().replace(["certificates"]).calls);
  const others = stack.options("--replace", "node1-member", "before", "membership", "health");
  const then = await stack.up(...others);
  assert.deepEqual(then, ["before before", "node1-member stop", "node1-member start", ...PROOF]);
});

test("npm run plan names what is replaced, and npm run up does just that", async () => {
  const { code, text } = await stack.npm("plan", "--replace", "node2-member", "--save", "plan");
  assert.equal(code, 0, text);
  assert.match(text, /1 host runs steps again · safe/);
  assert.match(
    text,
    /2 {2}node2 192\.168\.1\.102 {2}run again +made again: member; restarts only if it differs/,
  );
  await stack.forget();
  const done = await stack.npm("up", "--plan", "plan");
  assert.deepEqual(
    [done.code, await stack.noted()],
    [0, ["node2-member stop", "node2-member start"]],
    done.text,
  );
  const other = await stack.npm("up", "--plan", "plan", "--replace", "node3-member");
  assert.deepEqual([other.code, await stack.noted()], [3, ["node2-member stop", "node2-member start"]]);
  assert.match(other.text, /The saved plan is for --replace node2-member, not for --replace node3-member/);
  const unknown = await stack.npm("plan", "--target", "node2-membr");
  assert.equal(unknown.code, 1);
  assert.match(
    unknown.text,
    /There is no resource named node2-membr in the stack; did you mean node2-member\./,
  );
});

test("--replace of all steps of all hosts: one member after the other", async (t) => {
  const all = NODES.flatMap((node) => PARTS.map((part) => `${node}-${part}`));
  const calls = await stack.up(...stack.options("--replace", ...all));
  for (const node of NODES) await serves(t, onHost(node, calls));
  assert.deepEqual(
    calls.filter((call) => call.includes("-member ")),
    NODES.flatMap((node) => [`${node}-member stop`, `${node}-member start`]),
  );
  await stack.unchanged();
});

test("--replace of a component or a provider", async () => {
  const urns = [
    stack.urnOf("etcd:host:SshHost", "node2"),
    stack.urnOf("etcd:cluster:Member", "node2"),
    stack.urnOf("pulumi:providers:command", "default_1_2_1"),
  ];
  assert.deepEqual(await stack.up(...urns.flatMap((urn) => ["--replace", urn])), []);
});

test("--replace of the stack's own URN, or of everything: the record is kept with the step that proved it", async () => {
  await stack.project.editState((text) =>
    text.replaceAll('"former": {}', '"former": {"node9": {"incarnation": 4, "lost": true}}'),
  );
  await stack.set("checkId", "1");
  await stack.up();
  const proven = await stack.proven();
  assert.deepEqual(Object(proven).former, { node9: { incarnation: 4, lost: true } });
  const itself = ["--replace", stack.urnOf("pulumi:pulumi:Stack", "etcd-dev")];
  const { code, text: said } = await stack.npm("plan", ...itself);
  assert.equal(code, 3, said);
  assert.match(said, /the stack: .* the record of what was proven/);
  assert.deepEqual(await stack.up(...itself), []);
  assert.deepEqual(await stack.proven(), proven);

  const { text } = await stack.refused(...UP, "--replace", "**");
  assert.match(text, /marked for protection/);
  assert.equal(await stack.proven(), undefined, "its outputs have gone with it");
  assert.match((await stack.npm("plan")).text, /no host is touched/);
  const calls = await stack.up(); // and ends what had begun
  assert.ok(!calls.some((call) => /-member |^before /.test(call)), calls.join("\n"));
  assert.deepEqual(await stack.proven(), proven);
});

test("without outputs, and without a proof in the health step, nothing is taken for a new cluster", async () => {
  const backup = await stack.project.succeed("stack", "export");
  await stack.refused(...UP, "--replace", "**");
  await stack.project.editState((text) =>
    text.replaceAll(/"stdout": "[^\n]*cdf818194e3a8c32[^\n]*"/g, '"stdout": ""'),
  );
  const { calls, text } = await stack.refused(...UP);
  assert.deepEqual(calls, []);
  assert.match(
    text,
    /"deployed" is gone, and its health step does not have the record either; nothing is changed/,
  );
  await stack.project.editState(() => backup);
  await stack.unchanged();
});

test("--replace of a CA's key", async () => {
  const replace = stack.options("--replace", "peer-ca-key");
  const { calls, text } = await stack.refused(...UP, ...replace);
  assert.deepEqual(calls, []);
  assert.match(text, /"\S+::peer-ca-key"\s.*marked for protection/s);
  assert.ok(await stack.proven());
});

test("--replace of a CA's key that is not protected", async () => {
  await stack.set("protect", "false");
  await stack.up();
  const backup = await stack.project.succeed("stack", "export");
  await stack.refuse("certificates");
  const replace = stack.options("--replace", "peer-ca-key");
  assert.match(
    (await stack.npm("plan", ...replace)).text,
    /peer-ca-key: with another key it is another authority/,
  );
  const { calls } = await stack.refused(...UP, ...replace);
  await stack.refuse("");
  assert.ok(calls.some((call) => call.endsWith("-certificates certificates")));
  assert.ok(!calls.some((call) => /-member |^before /.test(call)), "no member is reached");
  await stack.project.editState(() => backup);
  await stack.set("protect", "true");
  await stack.up();
});

test("--replace of a leaf's key", async () => {
  const calls = await stack.up(...stack.options("--replace", "node2-server-key"));
  assert.deepEqual(calls, ["node2-certificates certificates", "before before", ...PROOF]);
});

test("state taint, then up", async () => {
  await stack.project.succeed("state", "taint", stack.urn("node2-member"), "--yes");
  const calls = await stack.up();
  assert.deepEqual(calls, ["node2-member stop", "node2-member start"]);
});

test("state delete, then up", async (t) => {
  const forget = ["state", "delete", stack.urn("node2-member"), "--yes", "--target-dependents"];
  await stack.project.succeed(...forget);
  const calls = await stack.up();
  assert.deepEqual(calls, ["node2-member start", "node3-member start", ...PROOF]);
  await serves(t, onHost("node2", calls));
});

test("--target and --exclude, of a change that every step has", async () => {
  await stack.set("checkId", "2");
  assert.deepEqual(await stack.up(...stack.options("--target", "node2-member")), ["node2-member roll"]);
  const without = await stack.up(...stack.options("--exclude", "node3-member"));
  assert.ok(!without.includes("node3-member roll") && !without.includes("node2-member roll"));
  assert.deepEqual(without.slice(-3), ["node1-member roll", ...PROOF]);
  assert.deepEqual(await stack.up(), ["node3-member roll"]);
});

test("--target-dependents", async () => {
  await stack.set("checkId", "3");
  const calls = await stack.up(...stack.options("--target", "node2-host"), "--target-dependents");
  const members = NODES.map((node) => `${node}-member roll`);
  assert.deepEqual(calls.slice(-6), ["before before", ...members, ...PROOF]);
  assert.deepEqual(onHost("node1", calls), ["+member"], "the others are not prepared");
  await stack.up();
});

test("destroy --target of a member", async (t) => {
  const target = stack.options("--target", "node2-member");
  const { calls, text } = await stack.refused("destroy", "--yes", ...target);
  assert.deepEqual(calls, []);
  assert.match(text, /will be destroyed but was not specified in --target list/);
  const gone = await stack.calls("destroy", "--yes", ...target, "--target-dependents");
  assert.deepEqual(gone, ["node3-member stop", "node2-member stop"]);
  const back = await stack.up();
  assert.deepEqual(back, ["node2-member start", "node3-member start", ...PROOF]);
  await serves(t, onHost("node2", [...gone, ...back]));
});

test("destroy --target of a host", async (t) => {
  const target = stack.options("--target", "node2-host");
  const gone = await stack.calls("destroy", "--yes", ...target, "--target-dependents");
  const stage = await Stage.create(t);
  await stage.play(onHost("node2", gone));
  assert.ok(stage.isGone(), "it is what was asked for");
  await serves(t, onHost("node1", gone));
  const back = await stack.up();
  assert.deepEqual(onHost("node1", back), ["+member"]);
  assert.deepEqual(onHost("node2", back).toSorted(), ["+binaries", "+certificates", "+host", "+member"]);
});

test("refresh, and refresh --run-program", async () => {
  for (const more of [[], ["--run-program"]])
    assert.deepEqual(await stack.calls("refresh", "--yes", "--expect-no-changes", ...more), []);
});

test("import", async () => {
  const words = ["import", "command:remote:Command", "imported", "node2-member", "--yes"];
  const { calls, text } = await stack.refused(...words);
  assert.deepEqual(calls, []);
  assert.match(text, /provider does not support importing resources/);
});

test("a replacement that was killed, then up", async (t) => {
  const all = PARTS.map((part) => `node2-${part}`);
  for (const at of ["node2-binaries remove-binaries", "node2-member stop"]) {
    const calls = await stack.killed(at, ...UP, ...stack.options("--replace", ...all));
    await serves(t, onHost("node2", [...calls, ...(await stack.up())]));
  }
  await stack.project.succeed("refresh", "--clear-pending-creates", "--yes");
  await stack.unchanged();
});

test("state rename of a step, then up", async (t) => {
  await stack.project.succeed("state", "rename", stack.urn("node2-member"), "other-member", "--yes");
  assert.match(
    (await stack.npm("plan")).text,
    /other-member: it is the step node2-member under another name/,
  );
  const calls = await stack.up();
  assert.deepEqual(calls, ["node2-member start", "other-member stop"]);
  const onIt: readonly Call[] = ["+member", "-member"];
  await serves(t, [...onIt, ...new Engine().replace(PARTS).calls]);
});

test("state move of a step, then up", async () => {
  await stack.project.succeed("stack", "init", "other");
  await stack.project.succeed("stack", "select", "dev");
  const move = ["state", "move", "--source", "dev", "--dest", "other", "--yes"];
  await stack.project.succeed(...move, stack.urn("node2-member"));
  assert.deepEqual(await stack.up(), ["node2-member start"]);
  assert.deepEqual(await stack.calls("destroy", "--yes", "--stack", "other"), ["node2-member stop"]);
});

test("stack rename, then up: every step has another owner, and one member is compared after the other", async () => {
  await stack.project.succeed("stack", "rename", "renamed");
  const calls = await stack.up();
  const members = NODES.map((node) => `${node}-member roll`);
  assert.deepEqual(calls.slice(-6), ["before before", ...members, ...PROOF]);
  assert.ok(!calls.some((call) => / (stop|remove-.*)$/.test(call)));
  await stack.unchanged();
});
