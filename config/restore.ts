/** Which snapshot the cluster is restored from: a change like any other, so that it is reviewed. */

import type { RestoreConfig } from "./model.ts";
import { type Fields, show } from "./value.ts";

/** Far more than a cluster writes between two snapshots, and far less than revisions can count. */
export const BUMP_REVISION = 1_000_000_000;

export function parseRestore(top: Fields): RestoreConfig | undefined {
  const restore = top.object("restore");
  if (restore.keys().length === 0) return undefined;
  restore.refuseUnknown(["snapshot", "sha256", "id", "bumpRevision"]);
  const snapshot = restore.required("snapshot", "npm run backups lists them");
  const sha256 = restore.required(
    "sha256",
    "it is in the file of the snapshot's name with .sha256 at its end",
  );
  if (snapshot !== "" && !isName(snapshot))
    restore.problem(
      "snapshot",
      `${show(snapshot)} is not the name of a snapshot: a file name, or its path in the store, that ends with .db, .db.gz or .db.gz.age.`,
    );
  if (sha256 !== "" && !/^[0-9a-f]{64}$/.test(sha256))
    restore.problem(
      "sha256",
      `${show(sha256)} is not a sha256: 64 digits of 0-9 and a-f, of the file as it is stored.`,
    );
  const bumpRevision = restore.integer("bumpRevision", BUMP_REVISION, 1, 1_000_000_000_000_000);
  if (bumpRevision < BUMP_REVISION)
    top.report.warning(
      "restore.bumpRevision",
      `${bumpRevision} is less than ${BUMP_REVISION}: a client that has seen a later revision than the snapshot's plus that takes old data for new.`,
    );
  return { snapshot, sha256, id: restore.integer("id", 1, 1, 999_999), bumpRevision };
}

/** Words that a shell and a store take as they are, and no way out of the folder. */
function isName(snapshot: string): boolean {
  return /^([A-Za-z0-9][A-Za-z0-9._-]*\/)*[A-Za-z0-9][A-Za-z0-9._-]*\.db(\.gz(\.age)?)?$/.test(snapshot);
}
