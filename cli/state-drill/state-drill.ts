// npm run state-drill: proves that an export of the state, the passphrase or key, and the stack file open the stack together.
import { argv, cwd } from "node:process";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { readExport } from "./exported.ts";
import { Scratch } from "./scratch.ts";

const { values } = callOrExit(commands["state-drill"], argv.slice(2));
try {
  const exported = readExport(values.export ?? "");
  const problem = await withPrivateFolder(async (directory, interrupted) => {
    const scratch = new Scratch(cwd(), directory, interrupted);
    return waitOnTerminal(`previewing ${exported.stack} from its export`, () => scratch.drill(exported));
  });
  if (problem === undefined)
    console.log(
      `The export of ${exported.stack} (${exported.resources} resources, of ${exported.time}), the secrets' key and the stack file open the stack together, and nothing would change.`,
    );
  else {
    console.error(problem.sentence);
    process.exitCode = problem.code;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
