import { argv, exit } from "node:process";

/** What `parse` makes of the words of this call; a wrong call ends with what is wrong, the usage, and exit code 2. */
export function callOrExit<T>(usage: string, parse: (words: string[]) => T): T {
  const words = argv.slice(2);
  if (words.includes("--help")) {
    console.log(usage);
    exit(0);
  }
  try {
    return parse(words);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    exit(2);
  }
}
