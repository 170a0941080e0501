/** Quoting at the two boundaries where plain values become another program's syntax. */

/** A word of POSIX shell; bare when nothing in it is special, so that texts stay readable in a preview. */
export function quoteShell(value: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * A word that fish, csh and zsh read like a POSIX shell: fish knows backslashes in quotes, csh replaces `!` even there, and
 * zsh a word that begins with `=`. The texts of steps are quoted as above, since another text would run them again.
 */
export function quoteAnyShell(value: string): string {
  const parts = value.split(/([\\!'])/);
  return value === ""
    ? "''"
    : parts
        .map((part, index) => {
          if (index % 2 === 1) return `\\${part}`;
          return part.startsWith("=") ? `'${part}'` : part === "" ? "" : quoteShell(part);
        })
        .join("");
}

/** One argument of ExecStart=; systemd expands % and $, splits at spaces and knows quotes and backslashes. */
export function quoteUnitArgument(value: string): string {
  const escaped = value.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[^\s"'\\;]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&")}"`;
}
