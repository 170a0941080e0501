// Every npm script: what it does and how it is called. The help and the parser both come from this. Plain JavaScript
// without packages, because launch.mjs reads it on a fresh clone, on whatever Node.js is there.

import { backupCommands } from "./backup-commands.mjs";
import { refresh, selection, stack } from "./options.mjs";
import { gitlabWords, pipelineWords, wrongWords } from "./sub-commands.mjs";

/**
 * @typedef {object} Option
 * @property {"string" | "boolean"} type
 * @property {string} [value] What the help calls the value of a "string".
 * @property {true} [multiple] Whether it may be given more than once.
 * @property {string} help
 */
/** @typedef {Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>} Values */
/**
 * @template {Readonly<Record<string, Option>>} [Options=Readonly<Record<string, Option>>]
 * @typedef {object} Command
 * @property {string} call As it is typed.
 * @property {string} summary
 * @property {Options} options
 * @property {Readonly<Record<string, string>>} [words] The arguments besides the options. None if left out.
 * @property {boolean} [passesOn] Whether everything from the first word that is not our option goes to another program.
 * @property {Readonly<Record<number, string>>} exits
 * @property {string} example
 * @property {(values: Values, words: readonly string[]) => string | undefined} [wrong] What is wrong with a call whose
 *   options exist, as the beginning of a sentence.
 */

/** The suites of tests/run/suites.ts, in order, and `fast`: some of those that need no lab. */
export const suites = [
  "check",
  "unit",
  "components",
  "program",
  "state",
  "host",
  "cli",
  "lab",
  "bench",
  "monitoring",
  "pipelines",
  "selftest",
  "engine",
  "ec2",
  "policy",
  "e2e",
  "fast",
];

/** Suites that run only when named: they take longer than a round may. */
export const longRuns = ["sweep", "flags", "faults", "long", "oldest-cli"];

/** @satisfies {Readonly<Record<string, Command>>} */
export const commands = {
  start: {
    call: "npm start",
    summary:
      "Creates a cluster of three on systemd hosts on this machine, with a real pulumi up. Run again, it resumes where it stopped. Needs Linux and root; installs or builds everything else.",
    options: {},
    exits: { 0: "the cluster is healthy", 1: "a stage failed; the lines above say what to do" },
    example: "npm start",
  },
  test: {
    call: "npm test -- [SUITE…]",
    summary: "Runs the named suites, or all of them, those quickest to fail first.",
    options: {},
    words: { "SUITE…": `${suites.join(", ")}; only when named: ${longRuns.join(", ")}` },
    exits: { 0: "every test passed", 1: "a test failed" },
    example: "npm test -- check unit",
    wrong: (_, words) => {
      const unknown = words.find((word) => ![...suites, ...longRuns].includes(word));
      return unknown === undefined ? undefined : `There is no suite ${unknown}`;
    },
  },
  check: {
    call: "npm run check",
    summary: "Checks format, lint, types, shell and the length of files.",
    options: {},
    exits: { 0: "no problems", 1: "problems, listed above" },
    example: "npm run check",
  },
  bench: {
    call: "npm run bench -- [--rounds N]",
    summary:
      "Measures every command and, for comparison, a minimal script on its own hosts, and writes docs/performance.md and docs/images/performance.svg. Needs Linux and root; a round takes two to three minutes on two idle cores.",
    options: {
      rounds: {
        type: "string",
        value: "N",
        help: "number of rounds, 1 to 99; default: 3",
      },
    },
    exits: { 0: "measured and written", 1: "failed; nothing was written" },
    example: "npm run bench -- --rounds 1",
    wrong: ({ rounds = "3" }) =>
      /^[1-9]\d?$/.test(String(rounds)) ? undefined : `--rounds takes a number from 1 to 99, not ${rounds}`,
  },
  plan: {
    call: "npm run plan -- [OPTION…]",
    summary: "Shows what pulumi up would do, host by host. Changes nothing. See docs/plan.md.",
    options: {
      stack,
      refresh,
      ...selection,
      markdown: { type: "boolean", help: "as a pull-request comment" },
      json: {
        type: "boolean",
        help: "machine-readable (docs/plan.schema.json); not with --markdown",
      },
      save: {
        type: "string",
        value: "DIRECTORY",
        help: "save the plan there, for npm run up -- --plan DIRECTORY",
      },
    },
    exits: {
      0: "planned, even if there is nothing to do",
      1: "could not be planned; the last line says why",
      3: "up would refuse",
    },
    example: "npm run plan -- --stack prod --save plan",
    wrong: ({ markdown, json }) =>
      markdown && json ? "--markdown and --json cannot be combined" : undefined,
  },
  up: {
    call: "npm run up -- [OPTION…] (--plan DIRECTORY | --renewals-only)",
    summary: "Does what was approved, or nothing. For everything else, use pulumi up. See docs/plan.md.",
    options: {
      stack,
      refresh,
      ...selection,
      plan: { type: "string", value: "DIRECTORY", help: "where npm run plan -- --save DIRECTORY saved it" },
      "renewals-only": {
        type: "boolean",
        help: "renew the certificates that are due, if there is nothing else to do",
      },
    },
    exits: {
      0: "done, or nothing left to do",
      1: "failed on the way; members not reached are unchanged",
      3: "refused, and nothing was changed",
    },
    example: "npm run up -- --stack prod --plan plan",
    wrong: ({ plan, "renewals-only": renewals }) =>
      (plan === undefined) === (renewals === undefined)
        ? "Give either --plan DIRECTORY or --renewals-only"
        : undefined,
  },
  verify: {
    call: "npm run verify -- [OPTION…]",
    summary: "Has every host compare itself with what the stack declares. Changes nothing.",
    options: { stack, json: { type: "boolean", help: "machine-readable" } },
    exits: {
      0: "every host is as declared",
      1: "could not be verified",
      5: "something differs",
    },
    example: "npm run verify -- --stack prod",
  },
  status: {
    call: "npm run status -- [OPTION…]",
    summary: "Shows the cluster on one screen, as its hosts report it. Changes nothing.",
    options: {
      stack,
      watch: { type: "boolean", help: "refresh every two seconds, until Ctrl-C" },
      json: { type: "boolean", help: "machine-readable; not with --watch" },
    },
    exits: {
      0: "every member answers, no alarm is raised, and the last backup is as young as it has to be",
      1: "could not be asked",
      5: "a member does not answer, an alarm is raised, or the last backup is too old",
    },
    example: "npm run status -- --watch",
    wrong: ({ json, watch }) => (json && watch ? "--json and --watch cannot be combined" : undefined),
  },
  client: {
    call: "npm run client -- [--stack STACK] (ETCDCTL-WORD… | [--client NAME] --write-bundle DIRECTORY)",
    summary:
      "Runs etcdctl against the stack's cluster as its administrator: the one on the PATH or, if there is none, the first host's.",
    options: {
      stack,
      "write-bundle": {
        type: "string",
        value: "DIRECTORY",
        help: "write the CA, the client certificate and its key there instead",
      },
      client: {
        type: "string",
        value: "NAME",
        help: "with --write-bundle: of this one of etcd:clients; default: the administrator",
      },
    },
    words: { "ETCDCTL-WORD…": "etcdctl's command; npm run client -- help lists all of them" },
    passesOn: true,
    exits: {
      0: "done",
      1: "failed; any other code is etcdctl's own",
      3: "refused, and nothing was changed: defrag, for which there is npm run defragment",
    },
    example: "npm run client -- endpoint status --cluster -w table",
    wrong: ({ "write-bundle": directory, client }, words) => {
      if (directory === undefined && client !== undefined)
        return "Add --write-bundle DIRECTORY: etcdctl runs as the administrator only";
      if (directory === undefined)
        return words.length === 0 ? "Give an etcdctl command, or --write-bundle DIRECTORY" : undefined;
      return words.length === 0 ? undefined : `Unexpected argument ${words[0]}`;
    },
  },
  ...backupCommands,
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
  monitoring: {
    call: "npm run monitoring -- [OPTION…]",
    summary:
      "Writes a scrape job and alert rules for Prometheus and a dashboard for Grafana, for the stack's cluster. See docs/monitoring.md.",
    options: {
      stack,
      write: { type: "string", value: "DIRECTORY", help: "where to; default: monitoring-STACK" },
    },
    exits: { 0: "written", 1: "could not be written" },
    example: "npm run monitoring -- --write /etc/prometheus/etcd",
  },
  gitlab: {
    call: "npm run gitlab -- COMMAND",
    summary:
      "For .gitlab-ci.yml: reads GitLab's CI variables, and the access token in GITLAB_TOKEN. See docs/pipelines.md.",
    options: {},
    words: gitlabWords,
    exits: { 0: "done", 1: "failed; the last line says why" },
    example: "npm run gitlab -- note plan",
    wrong: (_, words) => wrongWords(gitlabWords, words),
  },
  pipeline: {
    call: "npm run pipeline -- COMMAND",
    summary:
      "For the pipelines of GitHub and GitLab, in a checkout of the protected branch that has the pull request's commits: says what of a pull request is data, takes it, and who has to approve a plan. See docs/pipelines.md.",
    options: {},
    words: pipelineWords,
    exits: {
      0: "done",
      1: "failed; the last line says why",
      3: "refused, and nothing was changed",
    },
    example: "npm run pipeline -- kind 1f3e5a7c9b1d3f5e7a9c1b3d5f7e9a1c3b5d7f90",
    wrong: (_, words) => wrongWords(pipelineWords, words),
  },
  pin: {
    call: "npm run pin -- [--stack STACK] (VERSION | newest)",
    summary:
      "Declares a release of etcd in the stack's file: its version and, where this program does not know them, the digests of its archives, from the SHA256SUMS on its release page or on the stack's mirror. Changes no host: review the file, then npm run plan.",
    options: { stack },
    words: {
      VERSION: "a release, like 3.6.16",
      newest: "the newest patch of the declared minor",
    },
    exits: {
      0: "declared, or it was already",
      1: "could not be read or downloaded, and nothing was changed",
      3: "refused, and nothing was changed",
    },
    example: "npm run pin -- --stack prod 3.6.16",
    wrong: (_, [word, ...more]) => {
      if (word === undefined) return "Give a version like 3.6.16, or newest";
      return more.length === 0 ? undefined : `Unexpected argument ${more[0]}`;
    },
  },
  "lab:down": {
    call: "npm run lab:down",
    summary:
      "Removes the hosts that npm start made, with their cluster, its state and Pulumi.lab.yaml. What was built stays for the next start.",
    options: {},
    exits: { 0: "removed", 1: "could not be removed" },
    example: "npm run lab:down",
  },
};
