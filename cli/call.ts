import { argv, exit } from "node:process";

/** What `parse` makes of the words of this call; a wrong call ends with what is wrong, the usage, and exit code 2. */
export function callOrExit<T>(usage: string, parse: (words: string[]) => T): T {
  try {
    return parse(argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    exit(2);
  }
}
