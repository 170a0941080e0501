/** What ssh says when a host, or what is before it, lets no more connections in: they may come in a moment later. */
const THROTTLED =
  /kex_exchange_identification|Connection (closed|reset) by|Not allowed at this time|banner exchange|Connection refused/;

/** Before a question is asked again; with it, five connections fail within half a minute. */
export const PAUSES_MS: readonly number[] = [1000, 4000, 15_000];

export function isThrottled(stderr: string): boolean {
  return THROTTLED.test(stderr);
}

/** The last thing that ssh said, and what to look at. */
export function whyUnreachable(stderr: string): string {
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return isThrottled(stderr)
    ? `${last} (is sshd running there? if so, what limits new connections: ufw limit, fail2ban, sshd's MaxStartups or PerSourcePenalties)`
    : last;
}
