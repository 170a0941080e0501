// npm run bench: measures every command on the lab, and writes docs/performance.md and its picture.
import { writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { callOrExit } from "../cli/shared/command-line.mjs";
import { commands } from "../cli/shared/commands.mjs";
import { chart } from "./chart.ts";
import type { Round } from "./figures.ts";
import { report } from "./report.ts";
import { measureRound, warmUp } from "./round.ts";
import { loadBefore, settingOf } from "./setting.ts";
import { prepare, takeDown, useOwnLab } from "./stack.ts";

const DEFAULT_ROUNDS = "3";

let interrupted = false;

async function bench(count: number): Promise<void> {
  const load = loadBefore();
  const engine = await prepare((line) => console.error(line));
  console.log("warming up: hosts, a stack, a preview");
  await warmUp();
  const setting = await settingOf(engine, load);
  const rounds: Round[] = [];
  for (let number = 1; number <= count; number++) {
    rounds.push(
      await measureRound(number, (line) => {
        console.log(`round ${number} of ${count} · ${line}`);
        if (interrupted) throw new Error("interrupted: nothing was written");
      }),
    );
  }
  await writeFile(pathOf("docs/performance.md"), report(setting, rounds));
  await writeFile(pathOf("docs/images/performance.svg"), chart(rounds));
  console.log("written: docs/performance.md, docs/images/performance.svg");
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

const { rounds = DEFAULT_ROUNDS } = callOrExit(commands.bench, argv.slice(2)).values;
// What runs here also gets the signal, and fails; the lab is taken down in any case.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    interrupted = true;
  });
}
useOwnLab();
try {
  await bench(Number(rounds));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await takeDown();
}
