/** What the parts of the section "security" have in common. */

import { createHash } from "node:crypto";
import type { SecurityRow } from "./model.ts";
import { UNKNOWN } from "./preview.ts";

/** A row before those of several hosts are put together. */
export type Found = Pick<SecurityRow, "kind" | "what" | "old" | "new"> &
  Partial<Pick<SecurityRow, "hosts" | "note">>;

export const NONE = "none";
/** By a program older than this section. */
export const UNRECORDED = "not recorded";
export const NOT_SHOWN = "not shown";
export const SECRET = "[secret]";

/** A value of an input, as it is shown. */
export function shown(value: unknown): string {
  if (value === undefined || value === null || value === "") return NONE;
  if (typeof value !== "string") return JSON.stringify(value);
  if (value === UNKNOWN) return "known when up gets there";
  return value.includes(SECRET) ? NOT_SHOWN : value;
}

export function listed(values: readonly string[]): string {
  return values.length === 0 ? NONE : values.join(", ");
}

/** A public key as ssh shows it: its type, its fingerprint and who it says it belongs to. */
export function fingerprint(key: string): string {
  const [type = "", blob = "", ...comment] = key.trim().split(/\s+/);
  if (blob === "") return shown(key);
  const hash = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "");
  return [type, `SHA256:${hash}`, ...comment].join(" ");
}
