// actionlint, the checker of GitHub's workflows, built from its Go module into the cache.
import { access, mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { env } from "node:process";
import type { Log } from "../../lib/progress.ts";
import { run } from "../../lib/run.ts";

const VERSION = "1.7.12";

/** Where it is, once it is installed. */
export function actionlint(): string {
  const { ETCD_CACHE, XDG_CACHE_HOME } = env;
  const cache = ETCD_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "etcd-cluster");
  return join(cache, `actionlint-${VERSION}`, "actionlint");
}

export async function installActionlint(log: Log = () => {}): Promise<string> {
  const folder = dirname(actionlint());
  const there = await access(actionlint()).then(
    () => true,
    () => false,
  );
  if (there) return `actionlint ${VERSION}, built before`;
  log(`building actionlint ${VERSION} from its Go module: about twenty seconds, once`);
  const draft = `${folder}.${process.pid}`;
  const settings = [`GOBIN=${draft}`, "GOFLAGS=-mod=mod"];
  const module = `github.com/rhysd/actionlint/cmd/actionlint@v${VERSION}`;
  await mkdir(dirname(folder), { recursive: true });
  try {
    await run("env", [...settings, "go", "install", module], log);
    // Another process may have been first; its folder is as good.
    await rename(draft, folder).catch(() => {});
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return `actionlint ${VERSION}`;
}
