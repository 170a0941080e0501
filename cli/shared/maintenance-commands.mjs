// The npm scripts that look after a running cluster and its state, for commands.mjs.

import { stack } from "./options.mjs";

export const maintenance = /** @type {const} */ ({
  defragment: {
    call: "npm run defragment -- [OPTION…]",
    summary:
      "Shrinks the members' database files, one after the other, the leader last. Each host proves first that the cluster can do without its member meanwhile, and waits until it has caught up. Stops at the first failure.",
    options: {
      stack,
      yes: {
        type: "boolean",
        help: "also one member or two, which cannot be written to meanwhile",
      },
    },
    exits: {
      0: "every member is defragmented",
      1: "failed, or could not be asked; the last line says which members are left",
      3: "refused, and nothing was changed",
    },
    example: "npm run defragment -- --stack prod",
  },
  reclaim: {
    call: "npm run reclaim -- [OPTION…]",
    summary:
      "Explains the alarm NOSPACE, and heals it: compacts the history, defragments the members one after the other, and, once each of them has room, disarms the alarm and proves that writes pass. Changes nothing where no alarm is raised.",
    options: {
      stack,
      keep: {
        type: "string",
        value: "N",
        help: "how many revisions of history stay, 10 or more; default: 1000",
      },
      yes: {
        type: "boolean",
        help: "also with one member or two, of which nothing is answered or written meanwhile",
      },
    },
    exits: {
      0: "writes pass",
      1: "failed, or could not be asked; the last line says what is left",
      3: "refused, and nothing was changed",
      5: "the alarm stays: the last line says what fills the quota",
    },
    example: "npm run reclaim -- --stack prod",
    wrong: ({ keep = "1000" }) =>
      /^[1-9]\d{1,8}$/.test(String(keep)) ? undefined : `--keep takes a number from 10 on, not ${keep}`,
  },
  "state-drill": {
    call: "npm run state-drill -- --export FILE",
    summary:
      "Proves that the stack can be recovered: an export of its state, the passphrase or key of its secrets, and the stack file, together, in a backend of its own that is removed again. Asks no host, and changes nothing.",
    options: {
      export: { type: "string", value: "FILE", help: "what pulumi stack export --file FILE wrote" },
    },
    exits: {
      0: "they open the stack, and nothing would change",
      1: "they do not; the last line says why",
      5: "they do, but the stack file declares something else",
    },
    example: "npm run state-drill -- --export backup.json",
    wrong: ({ export: file = "" }) => (file === "" ? "Give --export FILE" : undefined),
  },
});
