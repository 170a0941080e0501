/** The SHA256SUMS of a release, as its page or a mirror of it has them. */

import { architectures } from "../../config/release.ts";
import type { Architecture } from "../../etcd/releases.ts";
import { capture } from "../../lib/capture.ts";
import { printable } from "../../lib/printable.ts";

export interface Source {
  readonly mirror: string;
  readonly proxy: string;
}

export interface Sums {
  readonly url: string;
  /** Where the answer came from in the end, after redirections. */
  readonly from: string;
  readonly text: string;
}

const NOT_THERE = ["404", "410"];

/**
 * Nothing where the source says that it has none; anything else that is no answer is an error. By curl, which speaks to
 * every kind of proxy; without the user's own settings, which might not check certificates.
 */
export async function fetchSums({ mirror, proxy }: Source, version: string): Promise<Sums | undefined> {
  const url = `${mirror}/v${version}/SHA256SUMS`;
  const { code, stdout, stderr } = await capture("curl", [
    ...["--disable", "--silent", "--show-error", "--location", "--max-redirs", "5"],
    ...["--proto", "=http,https", "--proto-redir", url.startsWith("https:") ? "=https" : "=http,https"],
    ...["--retry", "2", "--connect-timeout", "10", "--max-time", "60", "--max-filesize", "1000000"],
    ...(proxy === "" ? [] : ["--proxy", proxy, "--noproxy", ""]),
    ...["--write-out", "\\n%{http_code} %{url_effective}", url],
  ]);
  const through = proxy === "" ? "" : ` by etcd:proxy (${proxy})`;
  if (code !== 0) throw new Error(`cannot download ${url}${through}: ${printable(stderr).trim()}`);
  const end = stdout.lastIndexOf("\n");
  const [status = "", from = url] = stdout.slice(end + 1).split(" ");
  if (NOT_THERE.includes(status)) return undefined;
  if (status !== "200") throw new Error(`cannot download ${url}${through}: the answer is HTTP ${status}`);
  return { url, from, text: stdout.slice(0, end) };
}

/** The digests of both architectures, or why they cannot be taken from there. */
export function digestsIn(sums: string, version: string): Record<Architecture, string> | string {
  const found: Partial<Record<Architecture, string>> = {};
  for (const architecture of architectures) {
    const archive = `etcd-v${version}-linux-${architecture}.tar.gz`;
    const digests = sums.split(/\r?\n/).flatMap((line) => {
      const [digest = "", file = "", ...more] = line.trim().split(/\s+/);
      return file.replace(/^\*/, "") === archive && more.length === 0 ? [digest.toLowerCase()] : [];
    });
    const [digest = ""] = digests;
    if (digests.length !== 1 || !/^[0-9a-f]{64}$/.test(digest))
      return digests.length > 1
        ? `it names ${archive} more than once`
        : `it has no digest of 64 hexadecimal digits for ${archive}`;
    found[architecture] = digest;
  }
  const { amd64 = "", arm64 = "" } = found;
  return { amd64, arm64 };
}
