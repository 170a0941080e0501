// What Pulumi starts: index.ts, on a Node.js that runs TypeScript itself. Plain JavaScript, so that an older one can
// say so.
import pulumi from "@pulumi/pulumi";

if (!process.features.typescript) {
  throw new pulumi.RunError(
    `This program needs Node.js 22.18 or later, but this is ${process.versions.node}: put a later one first on the PATH (.node-version names the one it is tested with), then run the command again.`,
  );
}

export default (await import("./index.ts")).default;
