// screenshot.ts HTML PNG [WIDTH]: a picture of a whole page, by headless Chromium. Needs: apt-get install chromium.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";
import { run } from "../../lib/run.ts";

const MEASURE =
  "<script>addEventListener('load', () => { document.documentElement.dataset.height = document.documentElement.scrollHeight; });</script>";

/** The page must bring all it shows: nothing is fetched. */
export async function screenshot(html: string, png: string, width: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-picture-"));
  try {
    const page = join(folder, "page.html");
    await writeFile(page, html + MEASURE);
    const measured = await chromium(folder, page, `--window-size=${width},200`, "--dump-dom");
    const [, height] = /data-height="(\d+)"/.exec(measured) ?? [];
    if (height === undefined) throw new Error("Chromium did not say how high the page is.");
    await chromium(folder, page, `--window-size=${width},${height}`, `--screenshot=${resolve(png)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Without its sandbox, because it runs as root in the lab; the page is our own. */
function chromium(folder: string, page: string, ...args: readonly string[]): Promise<string> {
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    `--user-data-dir=${join(folder, "profile")}`,
    "--virtual-time-budget=5000",
  ];
  return run("chromium", [...flags, ...args, pathToFileURL(page).href]);
}

if (import.meta.main) {
  const [html, png, width = "1400"] = argv.slice(2);
  if (html === undefined || png === undefined) throw new Error("usage: screenshot.ts HTML PNG [WIDTH]");
  await screenshot(await readFile(html, "utf8"), png, Number(width));
}
