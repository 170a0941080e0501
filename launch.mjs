// launch.mjs COMMAND [WORD...]: what every npm script starts with. Shows its help or refuses a wrong call, checks the
// packages, then runs the command on the Node.js that they bring or, where they bring none, on the machine's. Plain
// JavaScript without packages, because it runs before any is there, on whatever Node.js (20 or later) the machine has.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, env, execPath, exit, getuid, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { callOrExit } from "./cli/shared/command-line.mjs";
import { commands } from "./cli/shared/commands.mjs";

const project = dirname(fileURLToPath(import.meta.url));
/** The Node.js of package-lock.json: a package of its own for each platform, so that its digest is locked too. */
const ownNode = join(project, "node_modules/.bin/node");

/** The commands for trying the project, or working on it, install the packages themselves. */
const INSTALLING = ["start", "test", "check", "bench"];

/** What runs TypeScript: ours; or this one where npm brought none (another platform, or --omit=optional). */
function findNode() {
  if (existsSync(ownNode)) return ownNode;
  if (process.features.typescript) return execPath;
  return fail(
    `npm brought no Node.js for this machine, and its own is ${process.versions.node}: put 22.18 or later first on the PATH (.node-version names the one to take), then try again.`,
  );
}

/**
 * What a command runs.
 * @param {string} name
 * @param {readonly string[]} words
 */
function programOf(name, words) {
  if (name === "lab:down") return [join(project, "lab/down")];
  const node = findNode();
  switch (name) {
    case "start":
      return [node, join(project, "lab/start.ts")];
    case "test":
      return [node, join(project, "tests/run/main.ts"), ...words];
    case "bench":
      return [node, join(project, "bench/bench.ts"), ...words];
    case "check":
      return [node, join(project, "tests/run/main.ts"), "check"];
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
  const inLab = ["selftest", "e2e", "sweep", "flags", "faults", "long", "oldest-cli"];
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
  const installed = packagesIn("node_modules/.package-lock.json");
  return Object.entries(packagesIn("package-lock.json")).some(([path, wanted]) => {
    // an optional package may be for another platform, or left out
    if (path === "" || (wanted.optional && installed[path] === undefined)) return false;
    return installed[path]?.version !== wanted.version;
  });
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
  const code = await run([...npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (code !== 0) fail("npm ci failed: see its lines above. Is the npm registry reachable?");
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
