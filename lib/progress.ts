/** Receives one line of what a stage is doing. */
export type Log = (line: string) => void;

/** Where progress is shown: a terminal says that it is one. */
interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

interface Stage {
  readonly name: string;
  readonly started: number;
  doing: string;
}

/** Empties a terminal's line. */
const CLEAR = "\r\x1b[K";

/** A stage failed, and the user has been told. */
export class StageFailed extends Error {}

/**
 * Shows stages of work, several at a time: on a terminal one live line with the seconds that each has
 * taken, elsewhere every line that a stage logs; and one line for each stage that ended.
 */
export class Progress {
  readonly #out: Output;
  readonly #live: boolean;
  readonly #running = new Set<Stage>();
  #timer: NodeJS.Timeout | undefined;

  constructor(out: Output) {
    this.#out = out;
    this.#live = out.isTTY === true;
  }

  /** Runs one stage. What `work` returns is said on the line of its end; `advice` is said when it fails. */
  async stage(name: string, advice: string, work: (log: Log) => Promise<string>): Promise<void> {
    const stage = { name, started: performance.now(), doing: "" };
    this.#start(stage);
    try {
      const result = await work((line) => this.#log(stage, line));
      this.#end(stage, this.#paint(32, "✔"), result);
    } catch (error) {
      this.#end(stage, this.#paint(31, "✘"), "failed");
      this.print(`${error instanceof Error ? error.message : error}\n${advice}`);
      throw new StageFailed(name, { cause: error });
    }
  }

  /** Shows what is waited for, and leaves nothing of it on a terminal. */
  async wait<T>(name: string, work: () => Promise<T>): Promise<T> {
    const stage = { name, started: performance.now(), doing: "" };
    this.#start(stage);
    try {
      return await work();
    } finally {
      this.#remove(stage);
      if (this.#live) this.#out.write(CLEAR);
      this.#draw();
    }
  }

  /**
   * Prints lines that stay, above the live line.
   * @param out where to, if not where progress is shown
   */
  print(text: string, out: Output = this.#out): void {
    if (this.#live) this.#out.write(CLEAR);
    out.write(`${text}\n`);
    this.#draw();
  }

  #start(stage: Stage): void {
    this.#running.add(stage);
    if (this.#live) this.#timer ??= setInterval(() => this.#draw(), 200);
    else this.print(`  ${stage.name} …`);
    this.#draw();
  }

  #log(stage: Stage, line: string): void {
    const prefix = `${stage.name}: `; // some commands put their name before each line themselves
    stage.doing = line.startsWith(prefix) ? line.slice(prefix.length) : line;
    if (this.#live) this.#draw();
    else this.print(`  ${prefix}${stage.doing}`);
  }

  #end(stage: Stage, mark: string, result: string): void {
    this.#remove(stage);
    this.print(`${mark} ${stage.name.padEnd(8)} ${seconds(stage, 1).padStart(7)}  ${result}`);
  }

  #remove(stage: Stage): void {
    this.#running.delete(stage);
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #draw(): void {
    if (!this.#live || this.#running.size === 0) return;
    const stages = [...this.#running].map((stage) => `${stage.name} ${seconds(stage, 0)}`).join(", ");
    const doing = [...this.#running].map((stage) => stage.doing).findLast((line) => line !== "") ?? "";
    const width = this.#out.columns ?? 80;
    this.#out.write(`${CLEAR}${`… ${stages}  ${doing}`.slice(0, width - 1)}`);
  }

  #paint(colour: number, text: string): string {
    return this.#live && !process.env.NO_COLOR ? `\x1b[${colour}m${text}\x1b[0m` : text;
  }
}

function seconds(stage: Stage, digits: number): string {
  return `${((performance.now() - stage.started) / 1000).toFixed(digits)} s`;
}
