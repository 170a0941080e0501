/** Stands where something was that acts, instead of being read. */
const TAKEN = "\uFFFD";

/** Control and formatting characters (of terminals, of the order in which text is shown), and line ends that are none to us. */
const ACTING = /[^\P{C}\n\t]|[\u2028\u2029]/gu;

/** Whether a text has more in it than a reader sees, or than each parser takes for the same. */
export function hasActing(text: string): boolean {
  return text.replaceAll("\r\n", "\n").search(ACTING) !== -1;
}

/** As GitHub's runner finds a command: `##[` anywhere in a line, `::NAME …::` where one begins, or begins once its first word is taken off. */
const COMMAND = /##(?=\[)|(?<![^\s])(?=::[a-z].*::)/gi;

/**
 * What another machine printed, as text that only says something: on a terminal, in a log of a workflow, in a report.
 * Every source of such text goes through here where it enters.
 */
export function printable(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(ACTING, TAKEN)
    .replace(COMMAND, (found) => found + TAKEN);
}

/** The same, on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", " ");
}
