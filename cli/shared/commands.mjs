// Every npm script: what it does and how it is called. The help and the parser are both made of this. Plain JavaScript
// without packages, because launch.mjs reads it on a fresh clone, on whatever Node.js is there.

/**
 * @typedef {object} Option
 * @property {"string" | "boolean"} type
 * @property {string} [value] What the help calls the value of a "string".
 * @property {string} help
 */
/** @typedef {Readonly<Record<string, string | boolean | undefined>>} Values */
/**
 * @template {Readonly<Record<string, Option>>} [Options=Readonly<Record<string, Option>>]
 * @typedef {object} Command
 * @property {string} call As it is typed.
 * @property {string} summary
 * @property {Options} options
 * @property {Readonly<Record<string, string>>} [words] What may stand beside the options. Nothing, if it is left out.
 * @property {boolean} [passesOn] Whether everything from the first word that is no option of ours on is another program's.
 * @property {Readonly<Record<number, string>>} exits
 * @property {string} example
 * @property {(values: Values, words: readonly string[]) => string | undefined} [wrong] What is wrong with a call whose
 *   options exist, as the beginning of a sentence.
 */

const stack = /** @type {const} */ ({
  type: "string",
  value: "STACK",
  help: "the stack; without it, the one that is selected",
});
const refresh = /** @type {const} */ ({
  type: "boolean",
  help: "on EC2: look first at what became of the instances",
});

/** The suites of tests/run/suites.ts, in their order, and the name for the first of them that need no lab. */
export const suites = [
  "check",
  "unit",
  "components",
  "program",
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
  "state",
  "e2e",
  "fast",
];

/** Suites that run only when they are named: what takes longer than a round may. */
export const longRuns = ["sweep"];

/** What `npm run gitlab` can do. */
const gitlabWords = {
  "note FILE": "show a plan in the merge request, in one note that is kept up to date",
  "download-plan DIRECTORY": "fetch the plan that the merge request of the merged commit showed",
  "issue FILE": "open an issue with what verify printed, or add to the one that is open",
};

/** @satisfies {Readonly<Record<string, Command>>} */
export const commands = {
  start: {
    call: "npm start",
    summary:
      "Makes a cluster of three on systemd hosts of its own on this machine, with a real pulumi up. Run again, it goes on where it stopped. Needs Linux and root, and installs or builds all else.",
    options: {},
    exits: { 0: "the cluster is healthy", 1: "a stage failed, and the lines above say what to do" },
    example: "npm start",
  },
  test: {
    call: "npm test -- [SUITE…]",
    summary: "Runs the suites named, or all of them in the order that is quickest to fail.",
    options: {},
    words: { "SUITE…": `${suites.join(", ")}; longer than a round may take: ${longRuns.join(", ")}` },
    exits: { 0: "every test passed", 1: "a test failed" },
    example: "npm test -- check unit",
    wrong: (_, words) => {
      const unknown = words.find((word) => ![...suites, ...longRuns].includes(word));
      return unknown === undefined ? undefined : `There is no suite ${unknown}`;
    },
  },
  check: {
    call: "npm run check",
    summary: "Checks format, lint, types and shell.",
    options: {},
    exits: { 0: "all is well", 1: "something is wrong, and the lines above say what" },
    example: "npm run check",
  },
  bench: {
    call: "npm run bench -- [--rounds N]",
    summary:
      "Measures every command on hosts of its own beside the least possible script, and writes docs/performance.md and docs/images/performance.svg. Needs Linux and root; a round takes two to three minutes on two idle cores.",
    options: {
      rounds: {
        type: "string",
        value: "N",
        help: "how often everything is measured, 1 to 99; without it, 3",
      },
    },
    exits: { 0: "measured and written", 1: "could not be measured; nothing is written" },
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
      markdown: { type: "boolean", help: "as a comment of a pull request" },
      json: {
        type: "boolean",
        help: "for programs, as docs/plan.schema.json describes it; not with --markdown",
      },
      save: {
        type: "string",
        value: "DIRECTORY",
        help: "keep the plan there, for npm run up -- --plan DIRECTORY",
      },
    },
    exits: {
      0: "planned, also if there is nothing to do",
      1: "could not be planned, and the last line says why",
      3: "up would refuse",
    },
    example: "npm run plan -- --stack prod --save plan",
    wrong: ({ markdown, json }) =>
      markdown && json ? "--markdown and --json exclude each other" : undefined,
  },
  up: {
    call: "npm run up -- [OPTION…] (--plan DIRECTORY | --renewals-only)",
    summary: "Does what was approved, or nothing. For everything else there is pulumi up. See docs/plan.md.",
    options: {
      stack,
      refresh,
      plan: { type: "string", value: "DIRECTORY", help: "what npm run plan -- --save DIRECTORY kept there" },
      "renewals-only": {
        type: "boolean",
        help: "renew the certificates that are due, if nothing else is to be done",
      },
    },
    exits: {
      0: "done, or nothing was left to do",
      1: "failed on the way; members that were not reached are as they were",
      3: "refused, and nothing was changed",
    },
    example: "npm run up -- --stack prod --plan plan",
    wrong: ({ plan, "renewals-only": renewals }) =>
      (plan === undefined) === (renewals === undefined)
        ? "Say what may be done: either --plan DIRECTORY or --renewals-only"
        : undefined,
  },
  verify: {
    call: "npm run verify -- [OPTION…]",
    summary: "Has every host compare itself with what the stack declares. Changes nothing.",
    options: { stack, json: { type: "boolean", help: "for programs" } },
    exits: {
      0: "every host is as declared",
      1: "could not be verified",
      5: "something differs",
    },
    example: "npm run verify -- --stack prod",
  },
  status: {
    call: "npm run status -- [OPTION…]",
    summary: "Shows the cluster on one screen, as its hosts tell it. Changes nothing.",
    options: {
      stack,
      watch: { type: "boolean", help: "look again every two seconds, until Ctrl-C" },
      json: { type: "boolean", help: "for programs; not with --watch" },
    },
    exits: {
      0: "every member answers and no alarm is raised",
      1: "could not be asked",
      5: "a member does not answer, or an alarm is raised",
    },
    example: "npm run status -- --watch",
    wrong: ({ json, watch }) => (json && watch ? "--json and --watch exclude each other" : undefined),
  },
  client: {
    call: "npm run client -- [--stack STACK] (ETCDCTL-WORD… | --write-bundle DIRECTORY)",
    summary:
      "Runs etcdctl against the stack's cluster as its administrator: the one on the PATH, or where there is none, that of the first host.",
    options: {
      stack,
      "write-bundle": {
        type: "string",
        value: "DIRECTORY",
        help: "write the CA, the client certificate and its key there instead",
      },
    },
    words: { "ETCDCTL-WORD…": "what etcdctl is to do; npm run client -- help shows all it can" },
    passesOn: true,
    exits: { 0: "done", 1: "failed; any other code is etcdctl's own" },
    example: "npm run client -- endpoint status --cluster -w table",
    wrong: ({ "write-bundle": directory }, words) => {
      if (directory === undefined)
        return words.length === 0 ? "Say what etcdctl is to do, or --write-bundle DIRECTORY" : undefined;
      return words.length === 0
        ? undefined
        : `--write-bundle takes one DIRECTORY, and ${words[0]} is one word more`;
    },
  },
  monitoring: {
    call: "npm run monitoring -- [OPTION…]",
    summary:
      "Writes a scrape job and alert rules for Prometheus and a dashboard for Grafana, for the stack's cluster. See docs/monitoring.md.",
    options: {
      stack,
      write: { type: "string", value: "DIRECTORY", help: "where to; without it, monitoring-STACK" },
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
    exits: { 0: "done", 1: "failed, and the last line says why" },
    example: "npm run gitlab -- note plan/plan.md",
    wrong: (_, [word = "", path, ...more]) => {
      const known = Object.keys(gitlabWords).map((term) => term.split(" "));
      const [, argument] = known.find(([name]) => name === word) ?? [];
      if (argument === undefined) return word === "" ? "Name a command" : `There is no command ${word}`;
      if (path === undefined) return `${word} needs a ${argument}`;
      return more.length === 0 ? undefined : `${word} takes one ${argument}, and ${more[0]} is one word more`;
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
