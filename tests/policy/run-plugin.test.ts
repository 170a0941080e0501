// What the language host gives a policy pack, and how the pack's output and end reach the user. Official or stand-in.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Project } from "../engine/project.ts";

let project: Project;
let folder: string;

before(async () => {
  project = await Project.create();
  folder = path.join(project.folder, "pack");
  await mkdir(folder);
  await writeFile(path.join(folder, "package.json"), '{"version": "1.0.0", "type": "module"}');
  await writeFile(
    path.join(folder, "PulumiPolicy.yaml"),
    "runtime: {name: nodejs, options: {typescript: false}}\nmain: index.js\n",
  );
  await project.write("export const value = 1;");
});

after(async () => {
  await project.remove();
});

async function writePack(text: string): Promise<void> {
  const imports = 'import { PolicyPack } from "@pulumi/policy"; import * as pulumi from "@pulumi/pulumi";';
  await writeFile(path.join(folder, "index.js"), `${imports}\n${text}`);
}

test("a pack learns the stack and its configuration, and what it prints is shown", async () => {
  await writePack(`
    import { writeFileSync } from "node:fs";
    writeFileSync("told.json", JSON.stringify({
      stack: pulumi.getStack(), project: pulumi.getProject(), organization: pulumi.getOrganization(),
      dryRun: pulumi.runtime.isDryRun(), plain: new pulumi.Config().get("plain"), cwd: process.cwd(),
    }));
    new PolicyPack("told", { policies: [{
      name: "speaks", description: "Speaks.", enforcementLevel: "mandatory",
      validateResource: () => { console.log("to the output"); console.error("to the errors"); },
    }] });
  `);
  await project.succeed("config", "set", "plain", "visible");
  const text = await project.succeed("preview", "--policy-pack", folder);
  for (const line of ["to the output", "to the errors"]) assert.ok(text.includes(line), text);
  assert.deepEqual(JSON.parse(await readFile(path.join(folder, "told.json"), "utf8")), {
    stack: "test",
    project: "conformance",
    organization: "organization",
    dryRun: true,
    plain: "visible",
    cwd: folder,
  });
});

test("a pack that throws while it is loaded fails the preview, with its message", async () => {
  await writePack(`throw new Error("out of luck");`);
  const { code, text } = await project.pulumi("preview", "--policy-pack", folder);
  assert.notEqual(code, 0);
  assert.match(text, /out of luck/);
});

test("a rule that throws fails the preview, with its name", async () => {
  await writePack(`
    new PolicyPack("broken", { policies: [{
      name: "cannot", description: "Cannot.", validateResource: () => { throw new Error("no way"); },
    }] });
  `);
  const { code, text } = await project.pulumi("preview", "--policy-pack", folder);
  assert.notEqual(code, 0);
  assert.match(text, /policy 'cannot'[\s\S]*no way/);
});
