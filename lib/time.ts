/** Milliseconds of a day. */
export const DAY_MS = 24 * 60 * 60 * 1000;

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;

/** How long ago a time was, in the largest unit that still says something. */
export function ago(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (ms < MINUTE_MS) return "just now";
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`;
  return ms < 2 * DAY_MS ? `${Math.floor(ms / HOUR_MS)} h ago` : `${Math.floor(ms / DAY_MS)} days ago`;
}
