/**
 * Rotation of a CA to another key, by a list of numbers: all that are listed are trusted, the first one issues. One rule
 * judges every step, also backwards: hosts of before and of after an `up` must accept each other, whatever mixture of them a
 * run leaves that was cut off.
 */

export type AuthorityList = readonly number[];

/** Whether one `up` may lead from the first list to the second: each issuer is trusted on the other side, too. */
export function isStep(from: AuthorityList, to: AuthorityList): boolean {
  const [[issuing], [willIssue]] = [from, to];
  return issuing !== undefined && willIssue !== undefined && to.includes(issuing) && from.includes(willIssue);
}

/** CAs that a step makes. A number is one key for ever, so it is above all that there were: `highest`. */
function isNumbered(from: AuthorityList, to: AuthorityList, highest: number): boolean {
  const made = to.filter((number) => !from.includes(number));
  return made.length <= 1 && made.every((number) => number > highest);
}

export interface Rotation {
  /** `clientCa` or `peerCa`. */
  readonly key: string;
  /** What is proven. */
  readonly from: AuthorityList;
  readonly to: AuthorityList;
  /** The highest number that a CA of this kind ever had. */
  readonly highest: number;
}

/** Why it is no step, with the next list that is one. */
export function refuseRotation({ key, from, to, highest }: Rotation): readonly string[] {
  const dropped = to.filter((number) => !from.includes(number) && number <= highest);
  if (dropped.length > 0) {
    const next = shown([from[0] ?? 1, highest + 1]);
    return [
      `${key}: ${dropped.join(" and ")} was dropped, and a number is one CA for ever; a new CA gets the next number: ${next}.`,
    ];
  }
  if (isStep(from, to) && isNumbered(from, to, highest)) return [];
  const path = pathOf(from, to, highest).map(shown).join(", then ");
  const issues = to[0];
  if (issues !== undefined && from.includes(issues) && !to.includes(from[0] ?? 0)) {
    return [`${key}: ${shown(from)} is proven; to drop CA ${from[0]} let CA ${issues} issue first: ${path}.`];
  }
  return [
    `${key}: ${shown(to)} follows ${shown(from)} only in steps, so that no member meets a certificate that it does not trust: next is ${path}.`,
  ];
}

export function shown(list: AuthorityList): string {
  return `[${list.join(", ")}]`;
}

interface Reached {
  readonly at: AuthorityList;
  readonly highest: number;
  readonly path: readonly AuthorityList[];
}

/** The fewest steps from one list to another. */
function pathOf(from: AuthorityList, to: AuthorityList, highest: number): readonly AuthorityList[] {
  const numbers = [...new Set([...from, ...to])];
  const lists = numbers.flatMap((one) => [
    [one],
    ...numbers.filter((other) => other !== one).map((other) => [one, other]),
  ]);
  const open: Reached[] = [{ at: from, highest, path: [] }];
  const seen = new Set<string>();
  for (const { at, highest: most, path } of open) {
    if (shown(at) === shown(to)) return path;
    for (const next of lists) {
      const reached = `${next} ${Math.max(most, ...next)}`;
      if (seen.has(reached) || !isStep(at, next) || !isNumbered(at, next, most)) continue;
      seen.add(reached);
      open.push({ at: next, highest: Math.max(most, ...next), path: [...path, next] });
    }
  }
  return [];
}

/** What clients outside have to know of a step of the client CA: the program cannot see who has which bundle. */
export function warnClients({ key, from, to }: Rotation): readonly string[] {
  const [issues] = to;
  const gone = from.filter((number) => !to.includes(number));
  return [
    ...(issues === from[0]
      ? []
      : [
          `${key}: clients whose bundle has no CA ${issues} refuse the members from this up on; bundles written since it was made have both.`,
        ]),
    ...gone.map(
      (number) =>
        `${key}: certificates that CA ${number} issued are refused from this up on; the administrator's is by CA ${issues}: has it been fetched?`,
    ),
  ];
}

/** What a step does, in a few words, and the list that comes next on the way to a CA that alone is trusted. */
export function stepInWords(from: AuthorityList, to: AuthorityList): { text: string; next?: AuthorityList } {
  const [[before = 0], [issues = 0]] = [from, to];
  const made = to.find((number) => !from.includes(number));
  const gone = from.find((number) => !to.includes(number));
  if (made !== undefined) {
    const also = gone === undefined ? "" : `, and CA ${gone} is dropped`;
    return {
      text: `step 1 of 3: CA ${made} is made, and trusted beside CA ${issues}${also}; each member restarts once`,
      next: [made, issues],
    };
  }
  if (issues !== before) {
    const isBack = issues < before;
    return {
      text: `${isBack ? "step 2 taken back" : "step 2 of 3"}: CA ${issues} issues every certificate; nothing restarts`,
      next: isBack ? to.slice(0, 1) : [issues],
    };
  }
  const isBack = gone !== undefined && gone > issues;
  return {
    text: `${isBack ? "step 1 taken back" : "step 3 of 3"}: CA ${gone} is dropped; each member restarts once`,
  };
}
