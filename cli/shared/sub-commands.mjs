// The npm scripts that do several things: what each can do, and how that is called.

/** What `npm run pipeline` can do. */
export const pipelineWords = {
  "kind HEAD":
    "print kind=stack if the pull request's commit changes nothing but values in stack files and texts, or kind=code",
  plugins: "install the plugins of the packages, and check those whose digest pulumi-plugins.sha256 has",
  "take HEAD STACK": "write its stack file here, as data; refused if it changes more",
  "own STACK": "write the stack file that is here again, as data: each parser reads it in the same way",
  "show DIRECTORY": "print the plan in DIRECTORY as Markdown, made again from its plan.json",
  "approvals DIRECTORY STACK…":
    "print security=true if one of the plans in DIRECTORY/STACK changes what is trusted",
  "approved DIRECTORY RESULT":
    "refuse a plan that does, unless RESULT, of the job that asks for it, is success",
};

/** What `npm run gitlab` can do. */
export const gitlabWords = {
  "note DIRECTORY": "show the plan in DIRECTORY in the merge request, in one note kept up to date",
  "download-plan DIRECTORY": "fetch the plan from the merge request of the merged commit, and print it",
  "result JOB": "print how a job of this pipeline has ended: success, or anything else",
  "issue FILE": "open an issue with what verify printed, or add to the open one",
  "propose FILE": "open a merge request with the stack file that pin wrote, and what it printed",
};

/**
 * What is wrong with a call like `NAME ARGUMENT…`; a last argument with "…" may be repeated.
 * @param {Readonly<Record<string, string>>} terms
 * @param {readonly string[]} words
 */
export function wrongWords(terms, [word = "", ...given]) {
  const known = Object.keys(terms).map((term) => term.split(" "));
  const [found, ...wanted] = known.find(([name]) => name === word) ?? [];
  if (found === undefined) return word === "" ? "Give a command" : `There is no command ${word}`;
  const missing = wanted.find((_, index) => given[index] === undefined);
  if (missing !== undefined) return `${word} needs a ${missing.replace("…", "")}`;
  const more = wanted.at(-1)?.endsWith("…") ? [] : given.slice(wanted.length);
  return more.length === 0 ? undefined : `Unexpected argument ${more[0]}`;
}
