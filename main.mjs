// What Pulumi starts: index.ts, on a Node.js that runs TypeScript itself. Plain JavaScript, so that an older one can
// say so.
import pulumi from "@pulumi/pulumi";
import { isEngineGone } from "./lib/engine-gone.mjs";

/** What the language host takes for "the user has been told". */
const ALREADY_REPORTED = 32;

if (!process.features.typescript) {
  throw new pulumi.RunError(
    `This program needs Node.js 22.18 or later, but this is ${process.versions.node}: put a later one first on the PATH (.node-version names the one it is tested with), then run the command again.`,
  );
}

// What failed has been shown; for what is still registered then, the runtime would add a stack trace.
process.prependListener("unhandledRejection", (reason) => {
  if (isEngineGone(reason)) process.exit(ALREADY_REPORTED);
});

export default (await import("./index.ts")).default;
