// What of a pull request a job takes, and in which form it is handed to Pulumi.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { lookAt } from "../../cli/pipeline/pull-request.ts";
import { asData } from "../../cli/pipeline/stack-files.ts";
import type { Repository } from "./git.ts";
import { changed, checkout, leave, pipeline, STACK } from "./proposed.ts";

let repository: Repository;

before(async () => {
  repository = await checkout();
});
after(() => leave(repository));

test("of code nothing is taken, whatever the job before has decided", async () => {
  const head = await repository.branch({
    "Pulumi.prod.yaml": { link: "/etc/passwd" },
    "index.ts": "another",
  });
  const { code, stderr } = await pipeline("take", head, "prod");
  assert.equal(code, 3);
  assert.equal(
    stderr,
    "Refused, and nothing was taken: Pulumi.prod.yaml is not a regular file; index.ts is not a stack file.\n",
  );
  assert.equal(await repository.read("Pulumi.prod.yaml"), STACK);
  assert.equal(await repository.read("index.ts"), "program");
});

test("YAML that another parser could read in another way is read once, or not at all", async () => {
  const alias = STACK.replace("10000", "&one 10000").concat("  etcd:checkId: *one\n");
  const twice = `${STACK}config:\n  etcd:checkId: 2\n`;
  for (const text of [alias, twice, `${STACK}---\n${STACK}`, "- a list", "config: text"]) {
    const { code } = await lookAt(await repository.branch({ "Pulumi.prod.yaml": text }));
    assert.equal(code.length, 1, text);
  }
});

/** For Pulumi's parser the comment ends at `end`, and what follows is read; for Node's it does not. */
const smuggling = (end: string) =>
  STACK.replace("# a comment", `# a comment${end}environment: [theirs]${end}secretsprovider: theirs`);
const ENDS = {
  "next line": "\u0085",
  "line separator": "\u2028",
  "paragraph separator": "\u2029",
  return: "\r",
};

for (const [what, end] of Object.entries(ENDS))
  test(`a comment that another parser ends earlier is no data, and Pulumi never reads it: ${what}`, async () => {
    const hidden =
      'Pulumi.prod.yaml has characters that are not shown: write them as escapes, like "\\u0085"';
    const head = await repository.branch({ "Pulumi.prod.yaml": smuggling(end) });
    assert.deepEqual((await lookAt(head)).code, [hidden]);
    assert.equal((await pipeline("take", head, "prod")).code, 3);
    const merged = join(repository.folder, "Pulumi.merged.yaml"); // as code, or by hand
    await writeFile(merged, smuggling(end));
    const { code, stderr } = await pipeline("own", "merged");
    assert.deepEqual([code, stderr], [1, `${hidden.replace("prod", "merged")}\n`]);
    assert.equal(await repository.read("Pulumi.merged.yaml"), smuggling(end));
    await rm(merged);
  });

test("lines that end as on Windows, and a byte order mark, are no reason to refuse", async () => {
  const text = `\ufeff${changed("10000", "20000").replaceAll("\n", "\r\n")}`;
  const head = await repository.branch({ "Pulumi.prod.yaml": text });
  assert.deepEqual((await lookAt(head)).code, []);
  await writeFile(join(repository.folder, "Pulumi.prod.yaml"), text);
  assert.equal((await pipeline("own", "prod")).code, 0);
  assert.equal(JSON.parse(await repository.read("Pulumi.prod.yaml")).config["etcd:snapshotCount"], 20000);
  await repository.git("checkout", "-q", ".");
});

test("what is handed to Pulumi has no character that ends a line for one parser only", () => {
  const content = { config: { "etcd:x": "a\u0085b\u2028c\u2029d\ufeffe\u007ff\rg\u009fh" } };
  const written = asData(content);
  assert.match(written, /^[\n -~]+$/);
  assert.deepEqual(JSON.parse(written), content);
  assert.deepEqual(parse(written), content);
});

test("the protected branch's own stack file is handed to Pulumi as data too", async () => {
  const { code, stderr } = await pipeline("own", "organisation/staging");
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(await repository.read("Pulumi.staging.yaml")), parse(STACK));
  await repository.git("checkout", "-q", ".");
  const none = await pipeline("own", "none");
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^Pulumi\.none\.yaml cannot be read: every stack/);
});

test("the stack file is taken as data, and nothing else", async () => {
  const text = changed("10000", "0x10").concat('  etcd:version: "3.6"\n  etcd:dataDir: yes\n');
  const head = await repository.branch({ "Pulumi.prod.yaml": text, "README.md": "another" });
  assert.equal((await pipeline("take", head, "prod")).code, 0);
  const taken = await repository.read("Pulumi.prod.yaml");
  assert.deepEqual(parse(taken), parse(text));
  assert.deepEqual(JSON.parse(taken), parse(text), "no parser of YAML reads it in another way");
  assert.equal(await repository.git("status", "--short"), "M Pulumi.prod.yaml");
  await repository.git("checkout", "-q", ".");
});

test("of a stack that the pull request leaves alone, the protected branch's file counts, a newer one too", async () => {
  const head = await repository.branch({ "Pulumi.prod.yaml": changed("10000", "20000") });
  const newer = changed("10000", "30000");
  await repository.commit({ "Pulumi.staging.yaml": newer });
  assert.equal((await pipeline("take", head, "staging")).code, 0);
  assert.deepEqual(JSON.parse(await repository.read("Pulumi.staging.yaml")), parse(newer));
  await repository.git("checkout", "-q", ".");
});
