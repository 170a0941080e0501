// Reads what `pulumi up --non-interactive --color=never` prints.

/** One finished step on a host, or part of a machine, as one short line; undefined for every other line of the output. */
export function finishedStep(line: string): string | undefined {
  const step =
    /^ *(\S+) +(?:command:remote:Command|aws:\S+) (\S+) ((?:created|updated|deleted|replaced)(?: original| replacement)?) \((\S+)s\)/.exec(
      line,
    );
  const [, sign, name, what, seconds] = step ?? [];
  return step ? `${sign} ${name} ${what} in ${seconds} s` : undefined;
}

/** What was done to how many resources, in one line: "28 created, 1 unchanged". */
export function resourceCounts(output: string): string {
  const lines = section(output, "Resources:");
  return lines.map((line) => line.replace(/^\W+/, "")).join(", ");
}

/** Why an update failed: its diagnostics, without what the engine says of itself and of what it did not come to. */
export function diagnostics(output: string): string {
  const lines = section(output, "Diagnostics:")
    .filter((line) => !/ warning: using .* from \$PATH/.test(line))
    .map((line) => line.replace(/(Process exited with status \d+): running ".*":/, "$1:"));
  const notReached = (line: string) => /expected resource operations for .* none were seen/.test(line);
  const reasons = lines.filter((line) => !notReached(line));
  const said = reasons.some((line) => /^ {4}error: /.test(line)) ? reasons : lines;
  const headings = said.filter((line, index) => !isHeading(line) || !isHeading(said[index + 1] ?? "  next:"));
  return headings.length > 0 ? headings.join("\n") : output;
}

/** `  command:remote:Command (node1-member):`; what is said of it follows. */
function isHeading(line: string): boolean {
  return /^ {2}\S.*:$/.test(line);
}

/** The lines below the last such heading (a preview may come first), up to the next one, without empty ones. */
function section(output: string, heading: string): string[] {
  const lines = output.split("\n");
  const start = lines.lastIndexOf(heading);
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^\S/.test(line));
  return rest.slice(0, end < 0 ? undefined : end).filter((line) => line.trim() !== "");
}

const VIOLATION = /resource (?:urn:\S+ )?violates plan: properties changed: [+~=-]{2}\w+/g;

/**
 * A plan that is violated is told with the values on both sides, over many lines and secret ones too. A value may look
 * like anything, so all that follows the first one is left out, but for the resources and the first name of each.
 */
export function withoutValues(output: string): string {
  const start = output.indexOf("violates plan: properties changed: ");
  if (start < 0) return output;
  const before = output.slice(0, output.lastIndexOf("\n", start) + 1);
  const found = new Set(output.match(VIOLATION) ?? ["a resource violates plan"]);
  return `${before}${[...found].map((line) => `    error: ${line} (values are not shown)`).join("\n")}`;
}
