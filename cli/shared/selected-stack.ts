import { pulumiJson } from "../../lib/pulumi.ts";

/** The name of the stack that is selected here. */
export async function selectedStack(): Promise<string> {
  const stacks = await pulumiJson(undefined, "stack", "ls", "--json");
  const current: unknown = Array.isArray(stacks) ? stacks.find((stack) => stack.current) : undefined;
  if (typeof current !== "object" || current === null || !("name" in current)) {
    throw new Error("No stack is selected: name one with --stack.");
  }
  return String(current.name);
}
