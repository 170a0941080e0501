// What the Node.js language host gives a program, and how the program's end reaches the user. Official or stand-in.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Project } from "./project.ts";

let project: Project;

before(async () => {
  project = await Project.create();
});

after(async () => {
  await project.remove();
});

test("the program learns what it is part of", async () => {
  const told = `
    import process from "node:process";
    import { writeFileSync } from "node:fs";
    writeFileSync("told.json", JSON.stringify({
      dryRun: pulumi.runtime.isDryRun(), stack: pulumi.getStack(), project: pulumi.getProject(),
      organization: pulumi.getOrganization(), cwd: process.cwd(), root: pulumi.runtime.getRootDirectory?.() ?? process.cwd(),
    }));
  `;
  const read = async () => JSON.parse(await readFile(path.join(project.folder, "told.json"), "utf8"));
  await project.preview(told);
  const common = {
    stack: "test",
    project: "conformance",
    organization: "organization",
    cwd: project.folder,
    root: project.folder,
  };
  assert.deepEqual(await read(), { dryRun: true, ...common });
  await project.up();
  assert.deepEqual(await read(), { dryRun: false, ...common });
});

test("configuration arrives, and secrets in it stay secret", async () => {
  await project.succeed("config", "set", "plain", "visible");
  await project.succeed("config", "set", "--secret", "hidden", "invisible");
  await project.succeed("config", "set", "--path", "nested.list[0].deep", "7");
  await project.succeed("config", "set", "other:key", "elsewhere");
  const text = await project.up(`
    const config = new pulumi.Config();
    export const plain = config.require("plain");
    export const nested = config.requireObject("nested");
    export const hidden = config.requireSecret("hidden");
    export const other = new pulumi.Config("other").require("key");
    export const all = Object.keys(pulumi.runtime.allConfig()).length;
    if (!pulumi.runtime.isConfigSecret("conformance:hidden")) throw new Error("the program is not told what is secret");
  `);
  assert.ok(!text.includes("invisible"));
  const [stack] = (await project.resources()).filter(({ type }) => type === "pulumi:pulumi:Stack");
  assert.ok(!JSON.stringify(stack).includes("invisible"));
  assert.equal(await project.output("hidden"), "invisible");
  assert.equal(await project.output("plain"), "visible");
  assert.deepEqual(await project.output("nested"), { list: [{ deep: 7 }] });
  assert.equal(await project.output("other"), "elsewhere");
  assert.equal(await project.output("all"), 4);
});

test("TypeScript runs as it is, with imports of further files and top-level await", async () => {
  await writeFile(
    path.join(project.folder, "part.ts"),
    "export const part: string = await Promise.resolve('typed' as const);\n",
  );
  await project.up(`import { part } from "./part.ts"; export const value: string = part;`);
  assert.equal(await project.output("value"), "typed");
});

test("what the program prints is shown", async () => {
  const text = await project.up(
    `console.log("to the output"); console.error("to the errors"); await pulumi.log.warn("a warning");`,
  );
  for (const line of ["to the output", "to the errors", "warning: a warning"])
    assert.ok(text.includes(line), text);
});

test("a program that throws fails, with its message", async () => {
  const text = await project.failToUp(`throw new Error("out of luck");`);
  assert.match(text, /out of luck/);
  const rejected = await project.failToUp(
    `export const never = pulumi.output(Promise.reject(new Error("rejected")));`,
  );
  assert.match(rejected, /rejected/);
});

test("a RunError is shown alone, without a stack trace", async () => {
  const text = await project.failToUp(`throw new pulumi.RunError("one clear sentence");`);
  assert.match(text, /error: one clear sentence/);
  assert.doesNotMatch(text, /at .*index\.ts|exit(ed)? with/);
});

test("a program that ends by itself with a status fails with that status", async () => {
  const text = await project.failToUp(`import process from "node:process"; process.exit(3);`);
  assert.match(text, /[Pp]rogram exited with non-zero exit code: 3/);
});

test("Node options of the project reach the program", async () => {
  const file = path.join(project.folder, "Pulumi.yaml");
  const before = await readFile(file, "utf8");
  await writeFile(
    file,
    before.replace("typescript: false", 'typescript: false, nodeargs: "--stack-trace-limit=7 --title=named"'),
  );
  await project.up(
    `import process from "node:process"; export const title = process.title; export const limit = Error.stackTraceLimit;`,
  );
  assert.equal(await project.output("title"), "named");
  await writeFile(file, before);
});

test("a CLI that is older than the project asks for says so", async () => {
  const file = path.join(project.folder, "Pulumi.yaml");
  const before = await readFile(file, "utf8");
  await writeFile(file, `${before}requiredPulumiVersion: ">=999.0.0"\n`);
  const text = await project.failToUp("");
  assert.match(text, /Pulumi CLI version [\d.]+ does not satisfy the version range ">=999\.0\.0"/);
  await writeFile(file, before);
});

test("a stack reads its own last outputs", async () => {
  const program = `
    const own = new pulumi.StackReference([pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/"));
    const { value } = await own.getOutputDetails("count");
    export const count = Number(value ?? 0) + 1;
  `;
  await project.up(program);
  await project.up();
  assert.equal(await project.output("count"), 2);
});
