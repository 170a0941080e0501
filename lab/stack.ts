// stack.ts [FILE]: writes the stack file of the lab, Pulumi.lab.yaml if no other is named.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { glob, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { argv } from "node:process";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { type Document, isMap, isScalar, parseDocument, type YAMLMap, YAMLSeq } from "yaml";
import { describeLab, type Lab } from "./describe.ts";

const project = fileURLToPath(new URL("..", import.meta.url));

/** In `allow`: archives that were built elsewhere. */
export const OWN_ARCHIVES = "foreign-archive";

/** The sha256 of each archive, by version and architecture. */
export type Digests = Record<string, Record<string, string>>;

/** Writes the stack file of the lab that is up: a new one from Pulumi.dev.yaml, or its own keys of one that is there. */
export async function writeLabStack(file = join(project, "Pulumi.lab.yaml")): Promise<void> {
  const lab = await describeLab();
  if (lab.nodes.length === 0) throw new Error("The lab has no hosts: run lab/lab up first.");
  const existing = await readFile(file, "utf8").catch(() => undefined);
  const document =
    existing === undefined
      ? newStack(await readFile(join(project, "Pulumi.dev.yaml"), "utf8"))
      : parseDocument(existing);
  const text = withLabKeys(document, lab, await digestsOf(lab.archives)).toString({ lineWidth: 0 });
  if (text !== existing) await writeFile(file, text);
}

/** The etcd version that the lab's stack asks for, written or yet to be written: the first of the files that says one. */
export async function stackVersion(files = ["Pulumi.lab.yaml", "Pulumi.dev.yaml"]): Promise<string> {
  for (const file of files) {
    const text = await readFile(join(project, file), "utf8").catch(() => "");
    const version = parseDocument(text).getIn(["config", "etcd:version"]);
    if (version !== undefined) return String(version);
  }
  const schema = parseDocument(await readFile(join(project, "Pulumi.yaml"), "utf8"));
  return String(schema.getIn(["config", "version", "default"]));
}

/** A stack like that of `text`, without its secrets: another stack cannot decrypt them. */
export function newStack(text: string): Document {
  const document = parseDocument(text);
  for (const key of ["encryptionsalt", "encryptedkey", "secretsprovider"]) document.delete(key);
  const config = document.get("config");
  if (isMap(config)) {
    config.items = config.items.filter(({ value }) => !(isMap(value) && value.has("secure")));
  }
  document.commentBefore = [
    " The lab's stack, made from Pulumi.dev.yaml. `npm start` writes the lab's own keys again (nodes, ssh, mirror,",
    " sha256, allow, protect) and leaves all others as you edit them.",
  ].join("\n");
  return document;
}

/** Sets the keys that the lab owns; everything else, comments too, stays. */
export function withLabKeys(document: Document, lab: Lab, sha256: Digests): Document {
  const set = (key: string, value: unknown) =>
    document.setIn(["config", `etcd:${key}`], document.createNode(value));
  document.setIn(["config", "etcd:nodes"], nodesOf(document, lab));
  set("ssh", { user: "root", privateKeyFile: lab.privateKeyFile, knownHostsFile: lab.knownHostsFile });
  set("mirror", lab.mirror);
  set("sha256", sha256);
  document.setIn(["config", "etcd:allow"], allowedIn(document));
  set("protect", false); // the lab is made to be taken down
  return document;
}

/** The lab's archives are not the releases', whose digests the program knows; other words stay. */
function allowedIn(document: Document): YAMLSeq {
  const existing = document.getIn(["config", "etcd:allow"]);
  const allow = existing instanceof YAMLSeq ? existing : new YAMLSeq(document.schema);
  if (!allow.items.some((item) => scalar(item) === OWN_ARCHIVES))
    allow.add(document.createNode(OWN_ARCHIVES));
  return allow;
}

/** One node for each host; what else is said of a node of that name (an incarnation, say) stays. */
function nodesOf(document: Document, lab: Lab): YAMLSeq {
  const existing = document.getIn(["config", "etcd:nodes"]);
  const entries = existing instanceof YAMLSeq ? existing.items.filter((item) => isMap(item)) : [];
  const nodes = new YAMLSeq(document.schema);
  nodes.items = lab.nodes.map(({ name, address }) => {
    const node: YAMLMap | undefined = entries.find((entry) => scalar(entry.get("name", true)) === name);
    if (!node) return document.createNode({ name, address });
    node.set("address", address);
    return node;
  });
  return nodes;
}

function scalar(node: unknown): unknown {
  return isScalar(node) ? node.value : node;
}

/** Hashes the archives of a mirror: v<version>/etcd-v<version>-linux-<arch>.tar.gz. */
export async function digestsOf(archives: string): Promise<Digests> {
  const digests: Digests = {};
  const files: string[] = [];
  for await (const file of glob("v*/etcd-v*-linux-*.tar.gz", { cwd: archives })) files.push(file);
  for (const file of files.sort()) {
    const [, version, architecture] = /^etcd-v(.+)-linux-(\w+)\.tar\.gz$/.exec(basename(file)) ?? [];
    if (!version || !architecture) continue;
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(archives, file)), hash);
    digests[version] = { ...digests[version], [architecture]: hash.digest("hex") };
  }
  return digests;
}

if (import.meta.main) await writeLabStack(argv[2]);
