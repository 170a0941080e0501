import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The command that makes and drives the lab. */
export const labCommand = fileURLToPath(new URL("lab", import.meta.url));

/** What `lab describe` says. Which lab it is, LAB_NAME and LAB_DIR in the environment say. */
export interface Lab {
  readonly dir: string;
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
  readonly mirror: string;
  /** The folder that the mirror serves. */
  readonly archives: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
}

/** Reads the settings and hosts of the lab. */
export async function describeLab(env: NodeJS.ProcessEnv = process.env): Promise<Lab> {
  const { stdout } = await promisify(execFile)(labCommand, ["describe"], { env });
  return JSON.parse(stdout);
}
