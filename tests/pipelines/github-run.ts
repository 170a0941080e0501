// Which jobs of a workflow GitHub would run, as far as its conditions go, and what each of them is given.
import { runInNewContext } from "node:vm";
import type { Job, Workflow } from "./files.ts";

export type Result = "success" | "failure" | "skipped";
/** What one job ends with, and says in its outputs. Those that are not named succeed. */
export interface Ends {
  readonly result?: Result;
  readonly outputs?: Readonly<Record<string, string>>;
}

export interface Event {
  readonly name: string;
  /** The repository that the pull request's branch is in. */
  readonly from?: string;
}

const REPOSITORY = "example/etcd";

/** The result of each job. */
export function resultsOf(
  { jobs }: Workflow,
  event: Event,
  ends: Readonly<Record<string, Ends>> = {},
): Readonly<Record<string, Result>> {
  const github = {
    event_name: event.name,
    repository: REPOSITORY,
    event: event.from === undefined ? {} : { pull_request: { head: { repo: { full_name: event.from } } } },
  };
  const needs: Record<string, { result: Result; outputs: Readonly<Record<string, string>> }> = {};
  for (const [name, job] of inOrder(jobs)) {
    const given = Object.fromEntries([job.needs ?? []].flat().map((each) => [each, needs[each]]));
    const runs = condition(job.if, { github, needs: given });
    const { result = "success", outputs = {} } = ends[name] ?? {};
    needs[name] = runs ? { result, outputs } : { result: "skipped", outputs: {} };
  }
  return Object.fromEntries(Object.entries(needs).map(([name, { result }]) => [name, result]));
}

/** What a job runs with. */
export interface Access {
  readonly code: "none" | "main" | "pull request";
  readonly environment: string | undefined;
  readonly role: string | undefined;
  readonly secrets: readonly string[];
  readonly token: readonly string[];
}

export function accessOf(job: Job): Access {
  const checkout = job.steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
  const text = JSON.stringify(job);
  const found = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
  return {
    code: checkout === undefined ? "none" : checkout.with?.ref === undefined ? "main" : "pull request",
    environment: job.environment,
    role: found(/"role-to-assume":"\$\{\{ vars\.(\w+) \}\}"/g)[0],
    secrets: found(/secrets\.(\w+)/g).sort(),
    token: Object.entries(job.permissions ?? {})
      .filter(([, may]) => may === "write")
      .map(([what]) => what)
      .sort(),
  };
}

function inOrder(jobs: Readonly<Record<string, Job>>): readonly (readonly [string, Job])[] {
  const left = new Map(Object.entries(jobs));
  const done: (readonly [string, Job])[] = [];
  while (left.size > 0) {
    const next = [...left].find(([, { needs }]) => [needs ?? []].flat().every((each) => !left.has(each)));
    if (next === undefined) throw new Error("the jobs need each other");
    left.delete(next[0]);
    done.push(next);
  }
  return done;
}

interface Contexts {
  readonly github: unknown;
  readonly needs: Readonly<Record<string, { readonly result: Result } | undefined>>;
}

/** GitHub adds success() to a condition that asks for no status. */
function condition(text: string | undefined, contexts: Contexts): boolean {
  const results = Object.values(contexts.needs).map((need) => need?.result);
  const status = {
    success: () => results.every((result) => result === "success"),
    failure: () => results.includes("failure"),
    cancelled: () => false,
  };
  const inner = (text ?? "success()").replace(/^\$\{\{ (.*) \}\}$/, "$1");
  const whole = /\b(success|failure|cancelled|always)\(\)/.test(inner) ? inner : `success() && (${inner})`;
  // What is not there is null, and null is no text.
  const script = whole.replaceAll(/\b(github|needs)((?:\.[\w-]+)+)/g, (_, root: string, path: string) =>
    [
      root,
      ...path
        .slice(1)
        .split(".")
        .map((name) => `?.[${JSON.stringify(name)}]`),
    ].join(""),
  );
  return Boolean(runInNewContext(script, { ...contexts, ...status }));
}
