// launch.mjs COMMAND [WORD...]: what every npm script starts with. Shows its help or refuses a wrong call, checks the
// packages, then runs the command on the Node.js that they bring. Plain JavaScript without packages, because it runs
// before any is there, on whatever Node.js (20 or later) the machine has.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, env, execPath, exit, getuid, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { callOrExit } from "./cli/shared/command-line.mjs";
import { commands } from "./cli/shared/commands.mjs";

const project = dirname(fileURLToPath(import.meta.url));
const node = join(project, "node_modules/node/bin/node");

/** The commands for trying the project, or working on it, install the packages themselves. */
const INSTALLING = ["start", "test", "check", "bench"];

/**
 * What a command runs.
 * @param {string} name
 * @param {readonly string[]} words
 */
function programOf(name, words) {
  switch (name) {
    case "start":
      return [node, join(project, "lab/start.ts")];
    case "test":
      return [node, join(project, "tests/run/main.ts"), ...words];
    case "bench":
      return [node, join(project, "bench/bench.ts"), ...words];
    case "check":
      return [node, join(project, "tests/run/main.ts"), "check"];
    case "lab:down":
      return [join(project, "lab/down")];
    default:
      return [node, join(project, `cli/${name}/${name}.ts`), ...words];
  }
}

/**
 * Says what the lab needs before minutes are spent on anything else.
 * @param {string} name
 * @param {readonly string[]} suites
 */
function labRefusal(name, suites) {
  const inLab = ["selftest", "e2e", "sweep", "flags", "faults", "oldest-cli"];
  const needsLab =
    name === "start" ||
    name === "bench" ||
    (name === "test" && (suites.length === 0 || suites.some((suite) => inLab.includes(suite))));
  if (!needsLab) return undefined;
  if (platform !== "linux")
    return "The lab needs Linux. On other systems, run pulumi up on hosts of your own.";
  if (getuid?.() !== 0)
    return "The lab needs root: it makes network namespaces and mounts. Run this as root.";
  return undefined;
}

/**
 * Ensures that a command has the packages it needs.
 * @param {string} name
 */
async function seeToPackages(name) {
  if (name === "lab:down" || !packagesAreStale()) return;
  if (!INSTALLING.includes(name))
    fail("The packages are missing or do not match package-lock.json: run npm ci, then try again.");
  await installPackages();
}

/** Whether what is installed differs from package-lock.json. */
function packagesAreStale() {
  if (!existsSync(node)) return true;
  const installed = packagesIn("node_modules/.package-lock.json");
  return Object.entries(packagesIn("package-lock.json")).some(
    // an optional package may be for another platform
    ([path, wanted]) => path !== "" && !wanted.optional && installed[path]?.version !== wanted.version,
  );
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesIn(lockFile) {
  const path = join(project, lockFile);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}

async function installPackages() {
  const started = performance.now();
  console.log("packages: npm ci …");
  const npm = env.npm_execpath ? [execPath, env.npm_execpath] : ["npm"];
  const code = await run([...npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (code !== 0) fail("npm ci failed: see its lines above. Is the npm registry reachable?");
  if (!existsSync(node))
    fail("npm ci did not bring Node.js: are install scripts forbidden (ignore-scripts in npmrc)?");
  console.log(`packages: installed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/**
 * Runs to the end, whatever the signal: the child gets it too, and decides.
 * @param {readonly string[]} program
 * @returns {Promise<number>}
 */
function run([command = "", ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: project, stdio: "inherit" });
    process.on("SIGINT", () => {}); // a terminal sends it to the child as well
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", (error) => fail(`${command}: ${error.message}`));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  console.error(sentence);
  exit(1);
}

const [name = "", ...words] = argv.slice(2);
const command = new Map(Object.entries(commands)).get(name);
if (command === undefined) fail(`There is no command ${name}: ${Object.keys(commands).join(", ")}.`);
callOrExit(command, words);
const refused = labRefusal(name, words);
if (refused) fail(refused);
await seeToPackages(name);
exit(await run(programOf(name, words)));
