// Part of the stand-ins for machines without downloads: what an error says, in the official plugins' words.

const REASONS: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ECONNRESET: "connect: connection reset by peer",
  ENOENT: "connect: no such file or directory",
  ETIMEDOUT: "i/o timeout",
};

/** A failed system call, as Go names it. */
export function reasonOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? REASONS[String(error.code)] : undefined;
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
