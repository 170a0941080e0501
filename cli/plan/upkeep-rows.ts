/** What a plan says of the timers on a host: their settings, and where snapshots go and who can read them. */

import { BACKUP } from "../../cluster/resource-names.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { optionsOf } from "../../host/options.ts";
import { text } from "../../lib/json.ts";
import type { ClusterRow } from "./model.ts";
import { type Resource, UNKNOWN } from "./preview.ts";
import { type Found, NONE, shown } from "./security-row.ts";

type Options = ReadonlyMap<string, string>;

/** Nothing of a step that is not there, and none where the text is not known yet. */
function optionsIn(step: Resource, side: "old" | "new"): Options | undefined {
  const call = text(step[side].inputs.create);
  return call === "" || call === UNKNOWN ? undefined : optionsOf(call);
}

/** What each setting is called where it changes. */
const SAID: Readonly<Record<string, string>> = {
  interval: "backup every",
  keep: "backups kept",
  reserve: "MiB left free by backups",
  "max-age": "seconds a backup may be old",
  "metrics-file": "metrics of backups in",
  store: "store of backups",
  "store-prefix": "prefix in the store",
  "store-region": "region of the store",
  "store-sse": "encryption by the store",
  "store-kms-key": "KMS key of the store",
  defragment: "defragmentation at",
  "free-mib": "defragmentation from MiB",
  "free-percent": "defragmentation from percent",
  "check-id": "checkId",
};

/** Why a host's timers are set up again, a clause each. */
export function upkeepReasons(step: Resource | undefined): readonly string[] {
  if (step === undefined || !step.changes) return [];
  const [old, now] = [optionsIn(step, "old"), optionsIn(step, "new")];
  if (step.op === "delete") return [`${timers(old)} taken away`];
  if (step.op === "create" || old === undefined || now === undefined) return [timers(now)];
  const keys = Object.keys(SAID).filter((key) => old.get(key) !== now.get(key));
  const changes = keys.map((key) => `${SAID[key]} ${old.get(key) ?? "none"} → ${now.get(key) ?? "none"}`);
  const isEncrypted = old.get("recipients") !== now.get("recipients");
  return [
    ...changes,
    ...(isEncrypted ? ["other recipients of backups"] : []),
    ...(step.diffReasons.includes("stdin") ? ["another key or CA of the store"] : []),
  ];
}

function timers(options: Options | undefined): string {
  const jobs = [
    options === undefined || options.has("interval") ? "backup" : "",
    options?.has("defragment") ? "defragmentation" : "",
  ].filter((job) => job !== "");
  return `timers for ${jobs.join(" and ")}`;
}

export function backupRow(resources: readonly Resource[]): readonly ClusterRow[] {
  const step = resources.find(({ name, changes }) => name === BACKUP && changes);
  if (step === undefined) return [];
  const said = step.op === "delete" ? "none is taken any more" : "one is taken and verified at the end";
  return [{ step: "backup", text: said }];
}

/** A snapshot holds all data. What a text says that is not known yet is what is declared. */
export function upkeepRows(
  step: Resource | undefined,
  { backup }: Pick<ClusterConfig, "backup">,
): readonly Found[] {
  if (step === undefined || !step.changes) return [];
  const old = optionsIn(step, "old");
  const now = step.op === "delete" ? undefined : (optionsIn(step, "new") ?? declared(backup));
  const every = old?.get("interval");
  if (every !== undefined && now?.get("interval") === undefined)
    return [{ kind: "exposure", what: "backups every", old: every, new: NONE }];
  if (now === undefined) return [];
  const rows = [
    ["store of the snapshots, which hold all data", placeIn(old), placeIn(now)],
    ["who can read the snapshots", readersIn(old), readersIn(now)],
  ] as const;
  const isOther = step.op === "update" && step.diffReasons.includes("stdin") && now.has("store");
  return [
    ...rows.flatMap(([what, before, after]): readonly Found[] =>
      before === after ? [] : [{ kind: "exposure", what, old: before, new: after }],
    ),
    ...(isOther
      ? [
          {
            kind: "exposure",
            what: "key or CA of the store",
            old: "the present one",
            new: "another one",
          } as const,
        ]
      : []),
  ];
}

function declared({ schedule }: ClusterConfig["backup"]): Options {
  const { store, recipients = [] } = schedule ?? {};
  return new Map([
    ...(schedule === undefined ? [] : ([["interval", schedule.interval]] as const)),
    ["recipients", recipients.join()],
    ...(store === undefined
      ? []
      : ([
          ["store", store.url],
          ["store-prefix", store.prefix],
        ] as const)),
  ]);
}

function placeIn(options: Options | undefined): string {
  const store = options?.get("store");
  return store === undefined ? NONE : `${store}/${options?.get("store-prefix") ?? ""}`;
}

function readersIn(options: Options | undefined): string {
  const recipients = shown(options?.get("recipients"));
  if (recipients !== NONE) return `the age keys of ${recipients.replaceAll(",", ", ")}`;
  return options?.get("store") === undefined ? "root on the hosts" : "whoever may read the bucket";
}
