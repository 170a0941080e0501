// npm run pin: declares a release of etcd, and the digests of its archives, in the stack's file.
import { readFile, writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { parseAllow } from "../../config/allow.ts";
import { defaults } from "../../config/defaults.ts";
import { parseDigests, parseSource, refuseVersion } from "../../config/release.ts";
import { Fields, Report } from "../../config/value.ts";
import {
  BELOW_FLOOR,
  type Digests,
  floorAbove,
  hasHoles,
  minorOf,
  parseVersion,
  refuseStep,
  releases,
} from "../../etcd/releases.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { selectedStack } from "../shared/selected-stack.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { settingsIn, withRelease } from "./stack-file.ts";
import { digestsIn, fetchSums, type Source, type Sums } from "./sums.ts";

class Refused extends Error {}

/** What the stack's file says of the release. */
interface Declared extends Source {
  readonly file: string;
  readonly text: string;
  readonly version: string;
  readonly sha256: Readonly<Record<string, Digests>>;
  readonly allow: readonly string[];
}

async function readStackFile(): Promise<Declared> {
  const stack = values.stack ?? (await selectedStack());
  const file = `Pulumi.${stack.split("/").at(-1)}.yaml`;
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new Error(`${file} cannot be read: ${error.message}`);
  });
  const report = new Report();
  try {
    const top = new Fields("", settingsIn(text), report);
    const allow = parseAllow(top);
    const version = top.text("version", defaults.version);
    const declared = {
      file,
      text,
      version,
      sha256: parseDigests(top, ["foreign-archive"]),
      allow,
      ...parseSource(top),
    };
    if (report.problems.length > 0) throw new Error(report.problems.join("\n"));
    return declared;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/** By the rules of a preview, as far as they need no cluster. */
function refuseUnfit({ version, allow }: Declared, wanted: string): void {
  const problem = refuseVersion(wanted);
  if (problem !== undefined) throw new Refused(problem);
  const [from, to] = [parseVersion(version), parseVersion(wanted)];
  const step = from && to && refuseStep(from, to, allow.includes("downgrade"));
  if (step !== undefined) throw new Refused(`${version} is declared; ${step}`);
  const floor = wanted === version ? undefined : floorAbove(wanted); // what is declared is no step
  if (floor !== undefined && !allow.includes(BELOW_FLOOR))
    throw new Refused(
      `${hasHoles(wanted, floor)}; pin ${floor} or newer, or add ${BELOW_FLOOR} to etcd:allow`,
    );
}

/**
 * The newest patch of the declared minor, found by asking for one after the other: a mirror has no list. Two missing ones
 * are the end, if the source has any at all.
 */
async function newestPatch(declared: Declared): Promise<string> {
  const problem = refuseVersion(declared.version);
  const from = parseVersion(declared.version);
  if (problem !== undefined || from === undefined) throw new Refused(problem);
  if ((await fetchSums(declared, declared.version)) === undefined)
    throw new Error(
      `${declared.mirror} has no SHA256SUMS of the declared ${declared.version}, so what it lacks says nothing of what there is; name a version`,
    );
  let newest = from.patch;
  for (let patch = from.patch + 1; patch <= newest + 2; patch += 1)
    if ((await fetchSums(declared, `${minorOf(from)}.${patch}`)) !== undefined) newest = patch;
  return `${minorOf(from)}.${newest}`;
}

interface Found {
  /** What the file has to say; nothing where this program knows all of it. */
  readonly digests: Digests | undefined;
  readonly sums?: Sums;
}

async function digestsOf(declared: Declared, wanted: string): Promise<Found> {
  const pinned: Digests = releases[wanted] ?? {};
  if (pinned.amd64 && pinned.arm64) {
    // an override of it is refused without this word, and is the operator's own with it
    const isOwn = declared.allow.includes("foreign-archive");
    return { digests: isOwn ? declared.sha256[wanted] : undefined };
  }
  const sums = await waitOnTerminal("downloading SHA256SUMS", () => fetchSums(declared, wanted));
  if (sums === undefined)
    throw new Error(`${declared.mirror} has no SHA256SUMS of ${wanted}: is there such a release?`);
  const found = digestsIn(sums.text, wanted);
  if (typeof found === "string") throw new Refused(`${sums.url} cannot be used: ${found}`);
  const known: Digests = { ...declared.sha256[wanted], ...pinned };
  for (const [architecture, digest] of Object.entries(found))
    if (Object.entries(known).some(([one, other]) => one === architecture && other !== digest))
      throw new Refused(
        `${sums.url} has another digest for ${architecture} than ${architecture in pinned ? "this program" : declared.file}, though an archive never changes once it is released; find out which is right`,
      );
  const { amd64, arm64 } = found;
  return { digests: { ...(pinned.amd64 ? {} : { amd64 }), ...(pinned.arm64 ? {} : { arm64 }) }, sums };
}

/** Whom one believes who takes these digests. */
function trust({ mirror }: Source, sums: Sums | undefined): readonly string[] {
  if (sums === undefined)
    return ["This program knows its digests (etcd/releases.ts): nothing was downloaded."];
  const whose = mirror === defaults.mirror ? "etcd's own release page" : "the mirror of this stack";
  const [asked, answered] = [new URL(sums.url).host, new URL(sums.from).host];
  const redirected = asked === answered ? "" : `, which sent it on to ${answered}`;
  const way = sums.url.startsWith("https:")
    ? "over TLS"
    : "without TLS: anyone on the way could have changed them";
  return [
    `Trusted: ${sums.url}, ${whose}${redirected}, ${way}.`,
    "The sums are not signed: whoever may publish there decides what runs on your hosts. Compare them with a second source.",
  ];
}

async function pin(): Promise<string> {
  const declared = await readStackFile();
  const wanted =
    word === "newest" ? await waitOnTerminal("looking for newer patches", () => newestPatch(declared)) : word;
  if (word === "newest" && wanted === declared.version)
    return `${wanted} is the newest patch that ${declared.mirror} has of its minor: nothing was changed.`;
  refuseUnfit(declared, wanted);
  const { digests, sums } = await digestsOf(declared, wanted);
  const text = withRelease(declared.text, wanted, digests);
  if (text === declared.text) return `${declared.file} declares ${wanted} already: nothing was changed.`;
  await writeFile(declared.file, text);
  return [
    `${declared.file}: etcd ${declared.version} → ${wanted}`,
    ...Object.entries(digests ?? {}).map(([architecture, digest]) => `  ${architecture} ${digest}`),
    ...trust(declared, sums),
    `Next: git diff ${declared.file}, then npm run plan: no host has changed yet.`,
  ].join("\n");
}

const {
  values,
  words: [word = ""],
} = callOrExit(commands.pin, argv.slice(2));
try {
  console.log(await pin());
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof Refused ? `refused: ${message}; nothing was changed.` : message);
  process.exitCode = error instanceof Refused ? 3 : 1;
}
