// plan.ts PLAN.md PNG: a picture of a plan's comment as a code host renders it, by headless Chromium.
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { marked } from "marked";
import { screenshot } from "./screenshot.ts";

const STYLE = `
  body { margin: 24px; color: #1f2328; font: 14px/1.5 "DejaVu Sans", sans-serif; }
  table { border-collapse: collapse; }
  th, td { padding: 6px 13px; border: 1px solid #d1d9e0; text-align: left; }
  tr:nth-child(even) td { background: #f6f8fa; }
  code, pre { background: #eff1f3; border-radius: 6px; font: 12px "DejaVu Sans Mono", monospace; }
  code { padding: 2px 5px; }
  pre { padding: 14px; }
  pre code { padding: 0; }
`;

const [file, png] = argv.slice(2);
if (file === undefined || png === undefined) throw new Error("usage: plan.ts PLAN.md PNG");
const comment = (await readFile(file, "utf8")).replaceAll("<details>", "<details open>");
await screenshot(`<!doctype html><style>${STYLE}</style>${await marked(comment)}`, png, 1000);
