// The npm scripts around snapshots. Plain JavaScript without packages, as commands.mjs is.

import { stack } from "./options.mjs";

/** @type {{ readonly json: import("./commands.mjs").Option & { readonly type: "boolean" } }} */
const machineReadable = { json: { type: "boolean", help: "machine-readable" } };

export const backupCommands = {
  backups: {
    call: "npm run backups -- [OPTION…]",
    summary:
      "Lists the snapshots that the hosts and the store have, the newest first, and the lines that restore one. Changes nothing.",
    options: { stack, ...machineReadable },
    exits: { 0: "listed", 1: "a host or the store could not be asked, so the list may lack something" },
    example: "npm run backups -- --json",
  },
};
