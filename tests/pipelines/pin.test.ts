// The run lines of pin.yml, in a repository with a stack on a mirror: what they propose, and when they do not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { repository, workflows } from "./files.ts";

const sums = (version: string) =>
  ["amd64", "arm64"].map((arch) => `${"ab".repeat(32)}  etcd-v${version}-linux-${arch}.tar.gz\n`).join("");

/** Notes its calls; `pr list` answers with what is in `proposed`. */
const GH = `#!/bin/sh
printf '%s\\n' "$*" >>"$FOLDER/calls"
for word in "$@"; do
  if [ "$last" = --body-file ]; then cp "$word" "$FOLDER/body"; fi
  last=$word
done
if [ "$1 $2" = "pr list" ]; then cat "$FOLDER/proposed"; fi
`;
/** As npm runs it, in the work tree. */
const NPM = `#!/bin/sh
[ "$1 $2 $3 $4" = "run --silent pin --" ] || exit 9
shift 4
exec '${process.execPath}' '${join(repository, "cli/pin/pin.ts")}' "$@"
`;

interface Setting {
  readonly declared: string;
  readonly served: readonly string[];
  /** How many pull requests there are from that branch. */
  readonly proposed?: number;
}

/** A work tree as the job has it, with a remote; and what its steps do. */
async function checkout(t: TestContext, { declared, served, proposed = 0 }: Setting) {
  const folder = await mkdtemp(join(tmpdir(), "pin-pipeline-"));
  t.after(() => rm(folder, { recursive: true }));
  const mirror = createServer((request, response) => {
    const version = /^\/v([^/]+)\/SHA256SUMS$/.exec(request.url ?? "")?.[1] ?? "";
    response.writeHead(served.includes(version) ? 200 : 404).end(sums(version));
  }).listen(0, "127.0.0.1");
  await once(mirror, "listening");
  t.after(() => mirror.close());
  const address = mirror.address();
  const port = typeof address === "object" ? address?.port : "";

  const tree = join(folder, "tree");
  await mkdir(join(tree, ".github"), { recursive: true });
  await cp(join(repository, ".github/propose-pin"), join(tree, ".github/propose-pin"));
  const stackFile = `config:\n  etcd:mirror: http://127.0.0.1:${port}\n  etcd:version: ${declared} # ours\n`;
  await writeFile(join(tree, "Pulumi.prod.yaml"), stackFile);
  await mkdir(join(folder, "bin"));
  for (const [name, text] of Object.entries({ gh: GH, npm: NPM })) {
    await writeFile(join(folder, "bin", name), text);
    await chmod(join(folder, "bin", name), 0o755);
  }
  await writeFile(join(folder, "proposed"), `${proposed}\n`);
  const env = {
    PATH: [join(folder, "bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
    HOME: folder,
    FOLDER: folder,
    STACK: "prod",
    GH_TOKEN: "token",
  };
  const sh = (line: string) =>
    new Promise<{ code: number; said: string }>((resolve) =>
      execFile(
        "bash",
        ["--norc", "-euo", "pipefail", "-c", line],
        { cwd: tree, env },
        (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
      ),
    );
  const must = async (line: string) => {
    const { code, said } = await sh(line);
    assert.equal(code, 0, said);
    return said.trim();
  };
  await must(`git init -q --bare ../remote.git
    git init -q -b main; git add -A; git -c user.name=a -c user.email=a@b.c commit -qm first
    git remote add origin ../remote.git; git push -q origin main`);
  const read = (name: string) => readFile(join(folder, name), "utf8").catch(() => "");
  /** What the steps with a run line do, but for the installation. */
  const run = async () => {
    const job = (await workflows()).get("pin.yml")?.jobs.pin;
    const lines = job?.steps.flatMap(({ id, run }) => (run && id !== "install" ? [run] : [])) ?? [];
    assert.equal(lines.length, 2);
    for (const line of lines) await must(line);
  };
  return { run, sh, must, read };
}

test("a newer patch becomes a pull request with the stack's file alone, and with whom it trusts", async (t) => {
  const { run, must, read } = await checkout(t, {
    declared: "3.6.16",
    served: ["3.6.16", "3.6.17", "3.7.9"],
  });
  await run();
  const branch = "pin/prod-etcd-3.6.17";
  assert.deepEqual((await read("calls")).trim().split("\n").slice(0, 2), [
    `pr list --head ${branch} --state all --json number --jq length`,
    "auth setup-git",
  ]);
  assert.match(
    await read("calls"),
    new RegExp(`^pr create --head ${branch} --title Declare etcd 3\\.6\\.17 for prod --body-file `, "m"),
  );
  assert.equal(
    await must(`git -C ../remote.git diff --stat=99 --name-only main ${branch}`),
    "Pulumi.prod.yaml",
  );
  const proposed = await must(`git -C ../remote.git show ${branch}:Pulumi.prod.yaml`);
  assert.match(
    proposed,
    /etcd:version: 3\.6\.17 # ours\n {2}etcd:sha256:\n {4}3\.6\.17:\n {6}amd64: (ab){32}/,
  );
  assert.match(
    await read("body"),
    /^`npm run pin -- --stack prod newest` says:\n\n {4}Pulumi\.prod\.yaml: etcd /,
  );
  assert.match(await read("body"), /^ {4}The sums are not signed/m);
  assert.doesNotMatch(await must("git config --list --show-origin; git log --all --format=fuller"), /token/);
});

test("where nothing is newer, or it was proposed already, nothing is pushed", async (t) => {
  for (const setting of [
    { declared: "3.6.17", served: ["3.6.17"] },
    { declared: "3.6.16", served: ["3.6.16", "3.6.17"], proposed: 1 },
  ]) {
    const { run, must, read } = await checkout(t, setting);
    await run();
    assert.equal(await must("git -C ../remote.git branch --format='%(refname:short)'"), "main");
    assert.doesNotMatch(await read("calls"), /pr create/);
  }
});

test("a mirror that cannot be asked fails the job: that is no answer", async (t) => {
  const { sh, read } = await checkout(t, { declared: "3.6.16", served: [] });
  const job = (await workflows()).get("pin.yml")?.jobs.pin;
  const { code, said } = await sh(job?.steps.find(({ id }) => id === "pin")?.run ?? "");
  assert.equal(code, 1);
  assert.match(said, /has no SHA256SUMS of the declared 3\.6\.16/);
  assert.equal(await read("calls"), "");
});
