/** The texts of the steps: short calls of `etcd-host`. Plain data in, text out; values quoted, secrets never in it. */

import { PROGRAM } from "./paths.ts";
import { quoteShell } from "./quote.ts";

/** How a step becomes root on its host. */
export interface Caller {
  /** Login of the SSH connection; any other than root uses `sudo -n`. */
  readonly user: string;
}

/** Options of a call; undefined and empty ones are left out, `true` is a bare switch. */
export type Options = Readonly<Record<string, string | number | true | undefined>>;

/** `etcd-host SUBCOMMAND --option=value …`, as root. */
export function hostCommand(caller: Caller, subcommand: string, options: Options): string {
  return `${sudo(caller)}${PROGRAM} ${subcommand}${renderOptions(options)}`;
}

/** The first step of a host: the program itself comes on stdin, is run from a file, and installs itself. */
export function prepareCommand(caller: Caller, options: Options): string {
  // Its refusal is the program's, because a provider that fails prints the whole text of the step.
  const check = caller.user === "root" ? "" : 'sh "$f" sudo && ';
  return `${runFromStdin("cat", `${check}${sudo(caller)}sh "$f" "$@"`)} prepare${renderOptions(options)}`;
}

/**
 * The very first step of a machine whose user data others can read. Its host key comes first on stdin, and stays in
 * memory; the program follows. This text may never change: on machines that have the key it would run again, and they
 * are not reached in that way any more.
 */
export function exchangeKeyCommand(caller: Caller): string {
  const key = 'k=$(while IFS= read -r l; do echo "$l"; case $l in (-----END*) break ;; esac; done)';
  return `${runFromStdin(`${key}; cat`, `echo "$k" | ${sudo(caller)}sh "$f" "$@"`)} host-key`;
}

/** A line ahead of an answer: what the login itself printed comes before it. */
export const ANSWER_MARK = "== etcd-host answers";

/** A question: the program comes first on stdin and runs from a file; what it reads itself follows. */
export function hostCommandFromStdin(
  caller: Caller,
  programBytes: number,
  subcommand: string,
  options: Options,
): string {
  const receive = `head -c ${programBytes}`;
  const answer = `echo && echo "${ANSWER_MARK}" && ${sudo(caller)}sh "$f" "$@"`;
  return `${runFromStdin(receive, answer)} ${subcommand}${renderOptions(options)}`;
}

/**
 * Of a login only its words are used, which all shells read alike: fish and csh know no `f=$(…)`, and with noclobber no
 * file may be written that mktemp has made. TMPDIR may name a folder that is not there.
 */
function runFromStdin(receive: string, run: string): string {
  const file = "f=$(mktemp /tmp/etcd-host.XXXXXX || mktemp /var/tmp/etcd-host.XXXXXX)";
  // Terse, because a step that fails prints its whole text: a sentence here would be read as the cause.
  const kept = `|| { echo "etcd-host: cannot write $f" >&2; exit 1; }`;
  const whole = `head -n 1 "$f" | grep -q "^#./bin/sh" || { echo "etcd-host: nothing on stdin (.bashrc?)" >&2; exit 3; }`;
  return (
    `sh -c '${file} && trap "rm -f $f" EXIT && { ${receive} >|"$f" ${kept}; } && ` +
    `{ ${whole}; } && ${run}' etcd-host`
  );
}

/**
 * A delete: a host that no longer has the program has nothing left to undo. A csh knows no `!`, and runs the call in any
 * case; but another text would be an update of every step that has this one.
 */
export function deleteCommand(caller: Caller, subcommand: string, options: Options): string {
  return `! test -x ${PROGRAM} || ${hostCommand(caller, subcommand, options)}`;
}

/** The delete of the first step, in words that every shell knows. */
export function deleteHostCommand(caller: Caller, subcommand: string, options: Options): string {
  return `test ! -x ${PROGRAM} || ${hostCommand(caller, subcommand, options)}`;
}

/**
 * Whose step it is: in the text of every step of a host, so that a fresh machine (a raised incarnation) gets every
 * step again. `owner` is the resource that runs it: a delete acts only while no other resource has taken over.
 */
export function identityOptions(
  node: { readonly name: string; readonly incarnation: number },
  owner: string,
  checkId: number,
): Options {
  return { name: node.name, incarnation: node.incarnation, owner, "check-id": checkId };
}

function sudo(caller: Caller): string {
  return caller.user === "root" ? "" : "sudo -n ";
}

/** The options as the called program gets them, one word each. */
export function optionWords(options: Options): readonly string[] {
  return given(options).map(([option, value]) => (value === true ? `--${option}` : `--${option}=${value}`));
}

function renderOptions(options: Options): string {
  return given(options)
    .map(([option, value]) => (value === true ? ` --${option}` : ` --${option}=${quoteShell(String(value))}`))
    .join("");
}

function given(options: Options): readonly (readonly [string, string | number | true])[] {
  return Object.entries(options).flatMap(([option, value]) =>
    value === undefined || value === "" ? [] : [[option, value] as const],
  );
}
