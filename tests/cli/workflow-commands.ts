/** As GitHub's runner reads a line of a log (src/Runner.Common/ActionCommand.cs), whatever commands it knows. */

/** The command that a line is taken for; nothing for text. */
export function workflowCommand(line: string): string | undefined {
  const [, v2] = /^\s*::([^\s:]*)(?: .*?)?::/s.exec(line) ?? [];
  const [, v1] = /##\[([^\s\]]*)[^\]]*\]/s.exec(line) ?? [];
  return [v2, v1].find((name) => name !== undefined && /^[a-z][a-z-]*$/i.test(name));
}

/** Characters that a terminal obeys, or that change how a text is shown. */
export const ACTING = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** What a host that was taken over may print in the place of a line. */
export const hostileLines: readonly string[] = [
  "::add-mask::a",
  "  \t::warning file=x,line=1::not so",
  "::stop-commands::token",
  "ok ##[add-mask]a",
  "\u00a0::error::indented by another space",
  "\u001b]52;c;cm0gLXJmIC8=\u0007",
  "\u009d52;c;eA==\u009c",
  "differs nothing\rall is as declared",
  "\u001b[2J\u001b[1;1Hhealthy",
  "abc\u202egnihtemos\u202c",
  "a\u2066b\u2069\u200b\ufeff",
  "\u0000\u0008\u007f",
  "section_start:1:x\r\u001b[0K",
  "a\u2028::error::b\u2029c",
];

export function assertHarmless(text: string): void {
  for (const line of text.split("\n")) {
    if (workflowCommand(line) !== undefined) throw new Error(`a workflow command: ${JSON.stringify(line)}`);
    if (ACTING.test(line.replaceAll("\t", ""))) throw new Error(`it acts: ${JSON.stringify(line)}`);
  }
}
