import * as pulumi from "@pulumi/pulumi";

/** All mistakes as one error; a RunError is shown as its message alone, without a stack trace. */
export function refusal(problems: readonly string[]): pulumi.RunError {
  const [only = "", ...others] = problems;
  const heading = `this stack cannot come up as configured, for ${problems.length} reasons; nothing was changed:`;
  return new pulumi.RunError(
    others.length === 0 ? only : [heading, ...problems.map((problem) => `- ${problem}`)].join("\n"),
  );
}
