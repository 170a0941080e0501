/** Reading raw configuration field by field: every mistake becomes a sentence with the path of the value, and reading goes on. */

import { isRecord } from "../lib/json.ts";
import { didYouMean } from "./did-you-mean.ts";

/** Collects what is wrong (`problems`) and what is merely unwise (`warnings`), each sentence once. */
export class Report {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];

  problem(path: string, sentence: string): void {
    addOnce(this.problems, `${path}: ${sentence}`);
  }

  warning(path: string, sentence: string): void {
    addOnce(this.warnings, `${path}: ${sentence}`);
  }
}

function addOnce(sentences: string[], sentence: string): void {
  if (!sentences.includes(sentence)) sentences.push(sentence);
}

/** A value as it may be shown in a message: short, on one line, and never a private key. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  if (text.includes("PRIVATE KEY")) return "(a private key)";
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** One object of the configuration, with its path from the top (`nodes[1]`, empty at the top itself). */
export class Fields {
  readonly path: string;
  readonly report: Report;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(path: string, values: Readonly<Record<string, unknown>>, report: Report) {
    this.path = path;
    this.report = report;
    this.#values = values;
  }

  /** `value` as fields, if it is an object. */
  static of(path: string, value: unknown, report: Report): Fields | undefined {
    if (isRecord(value)) return new Fields(path, value, report);
    report.problem(path, `must be an object, not ${show(value)}.`);
    return undefined;
  }

  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  keys(): string[] {
    return Object.keys(this.#values);
  }

  get(key: string): unknown {
    return this.#values[key] ?? undefined;
  }

  problem(key: string, sentence: string): void {
    this.report.problem(this.at(key), sentence);
  }

  /** A missing or empty text is `fallback`. */
  text(key: string, fallback: string): string {
    const value = this.get(key);
    if (value === undefined || value === "") return fallback;
    if (typeof value === "string") return value;
    this.problem(key, `must be a string, not ${show(value)}; put it in quotes.`);
    return fallback;
  }

  /** A required text; `help` ends the sentence that asks for it. */
  required(key: string, help: string): string {
    const value = this.get(key);
    if (value === undefined || value === "") this.problem(key, `is missing; ${help}.`);
    return this.text(key, "");
  }

  choice<T extends string>(key: string, fallback: T, choices: readonly T[]): T {
    const text = this.text(key, fallback);
    const choice = choices.find((one) => one === text);
    if (choice === undefined) {
      this.problem(key, `${show(text)} is not one of ${choices.join(", ")}${didYouMean(text, choices)}.`);
    }
    return choice ?? fallback;
  }

  integer(key: string, fallback: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(key);
    if (value === undefined) return fallback;
    if (typeof value !== "number" || !Number.isSafeInteger(value)) {
      this.problem(key, `must be a whole number, not ${show(value)}.`);
      return fallback;
    }
    if (value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
    this.problem(key, `must be ${range}, not ${value}.`);
    return fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.get(key);
    if (value === undefined) return fallback;
    if (typeof value === "boolean") return value;
    this.problem(key, `must be true or false, not ${show(value)}.`);
    return fallback;
  }

  list(key: string): readonly unknown[] {
    const value = this.get(key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.problem(key, `must be a list, not ${show(value)}.`);
    return [];
  }

  /** A list of strings; entries of another type are mistakes and left out. */
  texts(key: string, fallback: readonly string[]): readonly string[] {
    if (this.get(key) === undefined) return fallback;
    return this.list(key).flatMap((value, index) => {
      if (typeof value === "string") return [value];
      this.report.problem(`${this.at(key)}[${index}]`, `must be a string, not ${show(value)}.`);
      return [];
    });
  }

  object(key: string): Fields {
    const value = this.get(key);
    const fields = value === undefined ? undefined : Fields.of(this.at(key), value, this.report);
    return fields ?? new Fields(this.at(key), {}, this.report);
  }

  /** Unknown keys are mistakes: a typo must not silently leave a default in place. */
  refuseUnknown(known: readonly string[], hints: Readonly<Record<string, string>> = {}): void {
    for (const key of this.keys()) {
      if (known.includes(key)) continue;
      const hint =
        hints[key] ?? `no such setting${didYouMean(key, known) || `; choose from ${known.join(", ")}`}`;
      this.problem(key, `${hint}.`);
    }
  }
}
