/** Which etcd is installed, and from where; where snapshots are saved; which refusals are overridden. */

import { BEFORE } from "../../cluster/resource-names.ts";
import type { ClusterConfig, Release } from "../../config/model.ts";
import { type Architecture, releases } from "../../etcd/releases.ts";
import { optionsOf } from "../../host/options.ts";
import { list, text } from "../../lib/json.ts";
import type { HostResources } from "./host-resources.ts";
import { type Resource, UNKNOWN } from "./preview.ts";
import { type Found, listed, NONE, NOT_SHOWN, shown } from "./security-row.ts";

/** An archive that is not the release as this program knows it is as good as another program, run by root. */
export function archiveRows(
  { binaries }: Pick<HostResources, "binaries">,
  release: Release,
): readonly Found[] {
  if (binaries === undefined || !binaries.changes || binaries.op === "delete") return [];
  const old = optionsIn(binaries, "old");
  const now = optionsIn(binaries, "new") ?? ofRelease(release); // not known yet on a machine that is yet to be made
  return [
    ...changed("mirror of etcd's archives", old?.get("mirror"), now.get("mirror")),
    ...proxyRow(old?.get("proxy"), now.get("proxy")),
    ...(["amd64", "arm64"] as const).flatMap((architecture) => digestRow(architecture, old, now)),
  ];
}

type Options = ReadonlyMap<string, string>;

function optionsIn(step: Resource, side: "old" | "new"): Options | undefined {
  const { update, create } = step[side].inputs;
  const call = text(update) || text(create);
  return call === "" || call === UNKNOWN ? undefined : optionsOf(call);
}

function ofRelease({ version, mirror, proxy, sha256 }: Release): Options {
  const digests = Object.entries(sha256).map(
    ([architecture, digest]) => [`sha256-${architecture}`, digest] as const,
  );
  return new Map([["version", version], ["mirror", mirror], ["proxy", proxy], ...digests]);
}

/** With a step whose text is not known yet a secret proxy cannot be compared; else both are in the step's text. */
function proxyRow(old: string | undefined, now: string | undefined): readonly Found[] {
  const isSecret = shown(now) === NOT_SHOWN;
  const rows = changed("proxy of the download", isSecret && old ? NOT_SHOWN : old, now);
  if (!isSecret || !old || old === now) return rows;
  return [
    {
      kind: "archive",
      what: "proxy of the download",
      old: NOT_SHOWN,
      new: NOT_SHOWN,
      note: "whether it is another one is known when up gets there",
    },
  ];
}

function changed(what: string, old: string | undefined, now: string | undefined): readonly Found[] {
  return shown(old) === shown(now) ? [] : [{ kind: "archive", what, old: shown(old), new: shown(now) }];
}

/** With another version the digests that this program pins are another matter: those are part of its own review. */
function digestRow(architecture: Architecture, old: Options | undefined, now: Options): readonly Found[] {
  const [before, digest] = [old, now].map((options) => options?.get(`sha256-${architecture}`));
  const version = now.get("version") ?? "";
  const pinned = releases[version]?.[architecture];
  const isOther = old?.get("version") !== version;
  if (before === digest || digest === undefined || (isOther && digest === pinned)) return [];
  return changed(`sha256 of etcd ${version} (${architecture})`, isOther ? undefined : before, digest).map(
    (row) => ({
      ...row,
      note:
        pinned === undefined
          ? "the stack file's word: this program knows no digest of it"
          : digest === pinned
            ? "the release"
            : "not the release: it runs as root on every host",
    }),
  );
}

type Folders = Pick<ClusterConfig, "backup" | "settings">;

/** What a text says that is not known yet, on a machine that is yet to be made, is what is declared. */
export function folderRows(host: Resource | undefined, { backup, settings }: Folders): readonly Found[] {
  if (host === undefined || !host.changes || host.op === "delete") return [];
  const [old, now] = [optionsIn(host, "old"), optionsIn(host, "new")];
  const before = shown(old?.get("snapshots"));
  const after = shown(now === undefined ? backup.directory : now.get("snapshots"));
  const folders = listed(settings.service.readWritePaths);
  return [
    ...(before === after
      ? []
      : [
          {
            kind: "exposure",
            what: "folder of the snapshots, which hold all data",
            old: before,
            new: after,
          } as const,
        ]),
    // of a unit that is there already each line is compared
    ...(host.op === "create" && folders !== NONE
      ? [{ kind: "sandbox", what: "ReadWritePaths", old: NONE, new: folders } as const]
      : []),
  ];
}

/** As the last run recorded them; in steps of older programs, those that were sent. */
export function allowRows(resources: readonly Resource[], allow: readonly string[]): readonly Found[] {
  const recorded = resources.find(({ type }) => type === "etcd:cluster:Cluster")?.old.outputs.allow;
  const before = recorded === undefined ? sentWords(resources) : list(recorded).map(text);
  const row = (word: string, old: string, now: string): Found => ({
    kind: "allow",
    what: word,
    old,
    new: now,
  });
  return [
    ...allow.filter((word) => !before.includes(word)).map((word) => row(word, NONE, "allowed")),
    ...before.filter((word) => !allow.includes(word)).map((word) => row(word, "allowed", NONE)),
  ];
}

function sentWords(resources: readonly Resource[]): readonly string[] {
  const steps = resources.filter(({ name }) => name === BEFORE || name.endsWith("-host"));
  const words = steps.flatMap((step) => (optionsIn(step, "old")?.get("allow") ?? "").split(" "));
  return [...new Set(words.filter((word) => word !== ""))];
}
