// npm run pipeline: decides in a pipeline, from the protected branch's checkout, what a pull request may run, and takes
// its stack file as data. The same for GitHub and GitLab.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import { printable, printableLine } from "../../lib/printable.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { commentOn, planIn } from "./artifact.ts";
import { installPlugins } from "./plugins.ts";
import { lookAt, stackFileAt } from "./pull-request.ts";
import { needsSecondApproval } from "./second-approval.ts";
import { asData, readStackFile } from "./stack-files.ts";

const REFUSED = 3;

/** Says why on stderr; stdout is a line for a job's outputs. */
async function kind(head: string): Promise<void> {
  const { code } = await lookAt(head);
  for (const reason of code)
    console.error(printableLine(`${reason}: the environment etcd-code-preview has to be approved.`));
  console.log(`kind=${code.length === 0 ? "stack" : "code"}`);
}

/** Looks again: this is what decrypts, and the job that decided is another one. */
async function take(head: string, stack: string): Promise<void> {
  const { code, stackFiles } = await lookAt(head);
  if (code.length > 0) {
    console.error(printableLine(`Refused, and nothing was taken: ${code.join("; ")}.`));
    process.exitCode = REFUSED;
    return;
  }
  const path = stackFile(stack);
  if (stackFiles.includes(path)) await writeFile(path, asData(await stackFileAt(head, path)));
  else await own(stack);
}

/** Pulumi never reads YAML as somebody wrote it: another parser could find something else in it. */
async function own(stack: string): Promise<void> {
  const path = stackFile(stack);
  const text = await readFile(path, "utf8").catch(() => {
    throw new Error(`${path} cannot be read: every stack that the pipelines are told of needs a file`);
  });
  await writeFile(path, asData(readStackFile(path, text)));
}

/** A stack of an organisation is named ORGANISATION/STACK. */
function stackFile(stack: string): string {
  return `Pulumi.${stack.split("/").at(-1)}.yaml`;
}

/** For a job's outputs: whether one of the plans needs the second approval. */
async function approvals(folder: string, stacks: readonly string[]): Promise<void> {
  const plans = await Promise.all(stacks.map((stack) => planIn(join(folder, stack))));
  console.log(`security=${plans.some(needsSecondApproval)}`);
}

/** The last look before an up: the job that asked for the approval saw a plan of its own download. */
async function approved(folder: string, answer: string): Promise<void> {
  if (answer === "success" || !needsSecondApproval(await planIn(folder))) return;
  console.error(
    "Refused, and nothing was changed: the plan changes what is trusted (its section security), and that has not been approved in the environment etcd-security. Have it approved, then run this again.",
  );
  process.exitCode = REFUSED;
}

const [name, first = "", second = "", ...more] = callOrExit(commands.pipeline, argv.slice(2)).words;
try {
  if (name === "kind") await kind(first);
  if (name === "take") await take(first, second);
  if (name === "own") await own(first);
  if (name === "plugins") await installPlugins();
  if (name === "show") stdout.write(await commentOn(first));
  if (name === "approvals") await approvals(first, [second, ...more]);
  if (name === "approved") await approved(first, second);
} catch (error) {
  // a file's name, or what is in it, may be in there
  console.error(printable(error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
}
