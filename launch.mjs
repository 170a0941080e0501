// launch.mjs COMMAND [ARGUMENT...]: what every npm script starts with. Installs the packages if they are missing or
// old, then runs the command on the Node.js that they bring. Plain JavaScript without packages, because it runs before
// any is there, on whatever Node.js (20 or later) the machine has.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, env, execPath, exit, getuid, platform } from "node:process";
import { fileURLToPath } from "node:url";

const project = dirname(fileURLToPath(import.meta.url));
const node = join(project, "node_modules/node/bin/node");

/** Where a command is that is none of the operators' own. */
const elsewhere = { start: "lab/start.ts", test: "tests/run/main.ts" };

/** What the lab needs is said before minutes are spent on anything else. */
function refusal(command, suites) {
  const inLab = ["selftest", "e2e"];
  const needsLab =
    command === "start" ||
    (command === "test" && (suites.length === 0 || suites.some((suite) => inLab.includes(suite))));
  if (!needsLab) return undefined;
  if (platform !== "linux")
    return "The lab needs Linux. On other systems, run pulumi up on hosts of your own.";
  if (getuid?.() !== 0)
    return "The lab needs root: it makes network namespaces and mounts. Run this as root.";
  return undefined;
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

/** Runs to the end, whatever signal comes: the child gets it too, and decides. */
function run([command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: project, stdio: "inherit" });
    process.on("SIGINT", () => {}); // a terminal sends it to the child as well
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", (error) => fail(`${command}: ${error.message}`));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

function fail(sentence) {
  console.error(sentence);
  exit(1);
}

const [command = "", ...args] = argv.slice(2);
const refused = refusal(command, args);
if (refused) fail(refused);
if (packagesAreStale()) await installPackages();
exit(await run([node, join(project, elsewhere[command] ?? `cli/${command}/${command}.ts`), ...args]));
