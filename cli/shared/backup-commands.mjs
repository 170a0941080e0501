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
  "copy-snapshot": {
    call: "npm run copy-snapshot -- [OPTION…] SNAPSHOT",
    summary:
      "Copies a snapshot that one host has to all other hosts of the stack, so that it can be restored. Says the lines of the stack file that restore it. See docs/restore.md.",
    options: { stack },
    words: {
      SNAPSHOT: "its file name, as npm run backups says it; with a / the path of a file here",
    },
    exits: {
      0: "every host has it",
      1: "failed, or not every host could be asked",
      3: "refused, and nothing was copied: no host has it, or two have different files by that name",
    },
    example: "npm run copy-snapshot -- etcd-3.6-20261127T060000Z-node1.db",
    /** @type {NonNullable<import("./commands.mjs").Command["wrong"]>} */
    wrong: (_, words) => (words.length === 1 ? undefined : "Give the name of one snapshot"),
  },
  "restore-drill": {
    call: "npm run restore-drill -- [OPTION…]",
    summary:
      "Restores a snapshot on one host, beside its member and in a network of its own, and says what it found: how old it is, how long it took, how many keys there are. Nothing of it stays, and the cluster is not touched.",
    options: /** @type {const} */ ({
      stack,
      host: { type: "string", value: "NAME", help: "where; default: one that does not lead" },
      snapshot: {
        type: "string",
        value: "SNAPSHOT",
        help: "as npm run backups says it; default: the newest",
      },
      identity: {
        type: "string",
        value: "FILE",
        help: "age's key of an encrypted one, - for stdin; default: the stack's secret backupIdentity",
      },
      ...machineReadable,
    }),
    exits: {
      0: "it holds",
      1: "failed, or could not be asked; the last line says why",
      3: "refused, and nothing was restored",
      5: "it does not hold, or is older than etcd:backup.maxAge: the last line says what is wrong",
    },
    example: "npm run restore-drill -- --stack prod",
  },
};
