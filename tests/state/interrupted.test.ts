// What a killed CLI leaves behind, a lock and a pending operation, and the documented ways out of it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Project } from "../engine/project.ts";
import { Cloud } from "./cloud.ts";

const run = promisify(execFile);
/** The step tells that it runs, and ends when it is let. */
const PROGRAM = `new local.Command("slow", { create: 'echo >started; cat gate' });`;
const PENDING = /1 pending operations[\s\S]*slow, interrupted while creating/;
let cloud: Cloud;
let local: Project;

before(async () => {
  cloud = await Cloud.start();
  local = await Project.create();
  await run("mkfifo", [join(local.folder, "started"), join(local.folder, "gate")]);
  await local.write(PROGRAM);
});

after(async () => {
  await local.remove();
  cloud.stop();
});

test("in a folder: locked until cancel, then up goes on, and refresh forgets what was pending", async () => {
  await killedInTheMiddle(local);
  await leaveTheLock(local);
  await goOn(local);
  await forget(local);
});

test("in a bucket: locked until cancel, then up goes on", async () => {
  const project = local.under(cloud.settings);
  await project.succeed("stack", "init", "test");
  await killedInTheMiddle(project);
  await leaveTheLock(project);
  await goOn(project);
});

/** Kills the CLI while the step runs. The step itself is not killed, and goes on. */
async function killedInTheMiddle(project: Project): Promise<void> {
  const up = project.start("up", "--yes", "--skip-preview");
  await stepRuns();
  const gone = once(up, "exit");
  up.kill("SIGKILL");
  await gone;
  await letStepEnd();
}

async function leaveTheLock(project: Project): Promise<void> {
  const locked = await project.pulumi("up", "--yes", "--skip-preview");
  assert.notEqual(locked.code, 0);
  assert.match(locked.text, /the stack is currently locked by 1 lock/);
  await project.succeed("preview"); // takes no lock
  await project.succeed("cancel", "--yes");
}

async function goOn(project: Project): Promise<void> {
  const up = project.up();
  await stepRuns();
  await letStepEnd();
  assert.match(await up, PENDING);
}

async function forget(project: Project): Promise<void> {
  assert.match(await project.up(), PENDING, "the warning stays");
  await project.succeed("refresh", "--clear-pending-creates", "--yes");
  assert.doesNotMatch(await project.up(), /pending operation/);
  assert.match(await project.succeed("preview"), /2 unchanged/);
}

async function stepRuns(): Promise<void> {
  await run("cat", [join(local.folder, "started")], { timeout: 60_000 });
}

async function letStepEnd(): Promise<void> {
  await run("sh", ["-c", ': >"$0"', join(local.folder, "gate")], { timeout: 60_000 });
}
