import { spawnSync } from "node:child_process";

/** What `pulumi ARGS… --json` says of the stack named, or of the one that is selected. */
export function pulumi(stack: string | undefined, ...args: string[]): unknown {
  const choice = stack === undefined ? [] : ["--stack", stack];
  const { status, stdout, stderr, error } = spawnSync("pulumi", [...args, ...choice, "--json"], {
    encoding: "utf8",
  });
  if (error !== undefined)
    throw new Error(
      `pulumi cannot be run (${error.message}): install the Pulumi CLI; for the lab, type lab/lab exec before the command`,
    );
  if (status !== 0) throw new Error(stderr.trim() || `pulumi ${args.join(" ")} ended with ${status}`);
  return JSON.parse(stdout);
}
