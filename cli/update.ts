// Reads what `pulumi up --non-interactive --color=never` prints.

/** One finished step on a host, as one short line; undefined for every other line of the output. */
export function finishedStep(line: string): string | undefined {
  const step = /^ *(\S+) +command:remote:Command (\S+) (created|updated|deleted|replaced) \((\S+)s\)/.exec(
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

/** Why an update failed: its diagnostics, without the engine's notes on where it found its plugins. */
export function diagnostics(output: string): string {
  const lines = section(output, "Diagnostics:").filter(
    (line) => !/ warning: using .* from \$PATH/.test(line),
  );
  return lines.length > 0 ? lines.join("\n") : output;
}

/** The lines below a heading, up to the next heading, without empty ones. */
function section(output: string, heading: string): string[] {
  const lines = output.split("\n");
  const start = lines.indexOf(heading);
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^\S/.test(line));
  return rest.slice(0, end < 0 ? undefined : end).filter((line) => line.trim() !== "");
}

/** A plan that is violated is told with the values on both sides, secret ones too: only their names are kept. */
export function withoutValues(output: string): string {
  return output.replaceAll(
    /(violates plan: properties changed: )(.*)$/gm,
    (_, start: string, changes: string) => {
      const names = [...changes.matchAll(/(?:^|, )(?:~~|\+\+|--)?(\w+)\[/g)].map(([, name]) => name);
      return start + ([...new Set(names)].join(", ") || "(values not shown)");
    },
  );
}
