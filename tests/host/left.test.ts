// What Pulumi may call of a host's steps, in any order and cut off anywhere: no member that is declared is taken away, and
// one that is given up goes.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Call, type Cut, cuts, Engine, PARTS, type Part, Stage } from "./leaving.ts";

const STILL_DECLARED = "still declared: node1 stays on this host, nothing was taken away";
const REFUSED =
  /^etcd-host: refused: the step node1-(member|certificates|binaries) has not been deleted, so node1 may still be wanted: /;

/** The calls pass, and the member was never touched. */
async function serves(stage: Stage, { calls }: Engine, title = calls.join(" ")): Promise<void> {
  for (const { code, said } of await stage.play(calls)) assert.equal(code, 0, `${title}: ${said}`);
  assert.ok(stage.serves(), title);
}

/** The calls pass, and nothing but the data is left. */
async function goes(stage: Stage, { calls }: Engine, title = calls.join(" ")): Promise<void> {
  for (const { code, said } of await stage.play(calls)) assert.equal(code, 0, `${title}: ${said}`);
  assert.ok(stage.isGone(), title);
}

/** What is called when an operation is cut off in each way, and `then` follows; those that come to the same once. */
function interrupted(
  operation: (engine: Engine, cut?: Cut) => Engine,
  then: (engine: Engine) => Engine,
  but = 0,
): readonly Engine[] {
  const calls = operation(new Engine()).calls.length;
  const engines = cuts(calls - but).map((cut) => then(operation(new Engine(), cut)));
  return [...new Map(engines.map((engine) => [engine.calls.join(" "), engine])).values()];
}
const replaceAll = (engine: Engine, cut?: Cut) => engine.replace(PARTS, cut);
const destroy = (engine: Engine, cut?: Cut) => engine.destroy(cut);
const toItsLastCall = 1; // the host's own delete, cut off in itself, is a test of its own

test("each kind of step is replaced, and all of them: the member is left alone, and its host says why", async (t) => {
  const stage = await Stage.create(t);
  const sets: readonly (readonly Part[])[] = [...PARTS.map((part) => [part]), PARTS];
  for (const parts of sets) {
    const engine = new Engine().replace(parts);
    await serves(stage, engine);
    const last = (await stage.play(engine.calls)).at(-1);
    if (parts.includes("host")) assert.deepEqual(last, { code: 0, said: STILL_DECLARED });
  }
  const beside: readonly Call[] = [
    "+host",
    "-certificates",
    "-binaries",
    "+binaries",
    "+certificates",
    "-member",
    "+member",
    "-host",
  ];
  for (const { code } of await stage.play(beside)) assert.equal(code, 0);
  assert.ok(stage.serves(), "two steps of one host run beside each other");
});

test("a replacement that was killed before or after any call ends with the next up", async (t) => {
  const stage = await Stage.create(t);
  for (const engine of interrupted(replaceAll, (engine) => engine.up())) await serves(stage, engine);
});

test("a replacement that was killed, and a destroy: it goes, or says what is missing", async (t) => {
  const stage = await Stage.create(t);
  for (const { calls } of interrupted(replaceAll, (engine) => engine.destroy(), toItsLastCall)) {
    const played = await stage.play(calls);
    const last = played.at(-1);
    if (last?.code === 0) {
      assert.ok(stage.isGone(), calls.join(" "));
      continue;
    }
    // one of its steps was done, and the engine does not know it: what the refusal advises helps
    assert.match(String(last?.said), REFUSED);
    assert.ok(stage.serves(), calls.join(" "));
    await goesLate(stage, [...calls, "+binaries", "+certificates", "+member", ...ALL_DELETES]);
  }
});

test("a replacement that was killed, and only its host's old step deleted: nothing is touched", async (t) => {
  const stage = await Stage.create(t);
  for (const { calls } of interrupted(replaceAll, (engine) => engine.targetHost())) {
    const played = await stage.play(calls);
    assert.ok(stage.serves(), calls.join(" "));
    const failed = played.filter(({ code }) => code !== 0);
    for (const { said } of failed) assert.match(said, REFUSED);
  }
});

test("a replacement that was killed twice ends with the next up", async (t) => {
  const stage = await Stage.create(t);
  await serves(
    stage,
    new Engine().replace(PARTS, { before: 3, unsaved: true }).replace(PARTS, { before: 2 }).up(),
  );
  await serves(
    stage,
    new Engine().replace(PARTS, { before: 6 }).replace(PARTS, { before: 1, unsaved: true }).up(),
  );
});

test("a removal, or a destroy, that was killed at any call goes when it runs again", async (t) => {
  const stage = await Stage.create(t);
  for (const engine of interrupted(destroy, (engine) => engine.destroy(), toItsLastCall))
    await goes(stage, engine);
});

test("a node that is declared again in between stays, and goes with its next removal", async (t) => {
  const stage = await Stage.create(t);
  for (const engine of interrupted(destroy, (engine) => engine.up(), toItsLastCall)) {
    await serves(stage, engine);
    await goes(stage, engine.destroy());
  }
  await goes(stage, new Engine().destroy({ before: 3 }).up({ before: 1 }).destroy());
});

test("notes of a destroy that was killed do not outlive the host's next replacement", async (t) => {
  const stage = await Stage.create(t);
  for (const then of [(e: Engine) => e.replace(["host"]), (e: Engine) => e.up().replace(PARTS)])
    for (const engine of interrupted(destroy, then, toItsLastCall)) await serves(stage, engine);
});

test("a step that is destroyed alone takes nothing away, and the next up does it again", async (t) => {
  const stage = await Stage.create(t);
  for (const part of ["member", "certificates", "binaries"] as const) {
    await serves(stage, new Engine().destroyOnly(part));
    await serves(stage, new Engine().destroyOnly(part).up());
    await goes(stage, new Engine().destroyOnly(part).destroy());
  }
});

test("a step that the state forgot is done again, or goes with a host that was not prepared since", async (t) => {
  const stage = await Stage.create(t);
  for (const part of ["member", "certificates", "binaries"] as const) {
    await serves(stage, new Engine().forget(part).up());
    await goes(stage, new Engine().forget(part).destroy());
  }
});

test("without its member's delete a host that was prepared since refuses, says what to do, and that helps", async (t) => {
  const stage = await Stage.create(t);
  const forgotten = () => new Engine().replace(["host"]).forget("member").destroy();
  const refused = (await stage.play(forgotten().calls)).at(-1);
  assert.equal(refused?.code, 3);
  assert.match(refused.said, REFUSED);
  assert.match(
    refused.said,
    /Nothing was changed: run 'pulumi up' with node1 declared, then repeat this; or end /,
  );
  assert.ok(stage.serves());
  // the host's delete failed, so its step is still in the state
  await goesLate(stage, [...forgotten().calls, "+binaries", "+certificates", "+member", ...ALL_DELETES]);
  await goesLate(stage, [...forgotten().calls, "-host"], "systemctl disable --now etcd.service");
});
const ALL_DELETES: readonly Call[] = ["-member", "-certificates", "-binaries", "-host"];

/** After a refusal; `aside` is what an operator types before the last call. */
async function goesLate(stage: Stage, calls: readonly Call[], aside = ""): Promise<void> {
  const played = await stage.play(calls, aside);
  assert.equal(played.at(-1)?.code, 0, `${calls.join(" ")}: ${played.at(-1)?.said}`);
  assert.ok(stage.isGone(), calls.join(" "));
}

test("a host on which the member has never been done goes with what was", async (t) => {
  const stage = await Stage.create(t);
  const unfinished = `rm -f "$STATE_DIR/owner-member"`; // its first start was cut off; its data may be there
  const begun: readonly Call[][] = [
    ["-certificates", "-binaries", "-host"],
    ["-binaries", "-certificates", "-host"],
  ];
  for (const calls of begun) await goesLate(stage, calls, unfinished);
  const nothing = `${unfinished} "$STATE_DIR/bootstrapped" "$STATE_DIR/begun"; rm -rf "${stage.host.file("var/lib/etcd/member")}"`;
  for (const calls of [["-host"], ["-certificates", "-host"], ["-binaries", "-host"]] as const) {
    await stage.play(calls, nothing);
    assert.equal(stage.host.exists(stage.host.paths.STATE_DIR), false, calls.join(" "));
  }
});

test("a first start that was cut off from its engine and ended by itself goes with a destroy", async (t) => {
  await goes(await Stage.create(t), new Engine().forget("member").destroy());
});

test("renamed: the deletes of the old owner touch nothing of the new one", async (t) => {
  const stage = await Stage.create(t);
  const renamed = ["prepare", "install", "certificates", "member"].map(
    (step) => `( owner=urn:new:${step}; claim_step ${step} )`,
  );
  for (const { code, said } of await stage.play(ALL_DELETES, renamed.join("\n"))) {
    assert.equal(code, 0);
    assert.match(said, /^nothing to do: on this host \S+ is no longer ours$/);
  }
  assert.ok(stage.serves());
});

test("a machine that was replaced, on an engine that replaces its steps with it, has no note of the old one", async (t) => {
  // the deletes of what went with the machine are left out; were they not, they would find nothing of theirs
  const stage = await Stage.create(t);
  const fresh = `rm -f "$STATE_DIR"/owner-*`;
  const cascade: readonly Call[] = [
    "+host",
    "-binaries",
    "+binaries",
    "-certificates",
    "+certificates",
    "-member",
    "+member",
    "-host",
  ];
  for (const { code } of await stage.play(cascade, fresh)) assert.equal(code, 0);
  assert.ok(stage.serves());
});

test("an operator's discard is not asked for notes", async (t: TestContext) => {
  const stage = await Stage.create(t);
  await stage.play(["-member", "-certificates", "-binaries"], "systemctl stop etcd.service");
  const { code, stderr } = await stage.host.run(["discard", "--yes"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /the data of \S+ is kept in \S+/);
});
