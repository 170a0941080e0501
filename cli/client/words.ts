/** What a call of etcdctl asks for, read from its words. `etcd-host ctl` reads them the same way (host/sh/inspect.sh). */

/** etcdctl's flags that may have their value as the next word. */
const VALUED = new Set(
  `-w --write-out --endpoints --cacert --cert --key --user --password --auth-jwt-token --command-timeout
  --dial-timeout --keepalive-time --keepalive-timeout -d --discovery-srv --discovery-srv-name --max-request-bytes
  --max-recv-bytes`.split(/\s+/),
);

/** The command and its arguments, without flags; a `--` ends both. */
export function etcdctlWords(args: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? "";
    if (word === "--") break;
    if (VALUED.has(word)) index++;
    else if (!word.startsWith("-")) words.push(word);
  }
  return words;
}

/** The user's own endpoints, which replace ours. Nothing if there are none. */
export function endpointsIn(args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  const flags = end === -1 ? args : args.slice(0, end);
  const last = flags.findLastIndex((word) => /^--endpoints(=|$)/.test(word));
  if (last === -1) return undefined;
  const word = flags[last] ?? "";
  return word === "--endpoints" ? (flags[last + 1] ?? "") : word.slice("--endpoints=".length);
}

/** FILE of `snapshot save FILE`. */
export function snapshotFileIn(args: readonly string[]): string | undefined {
  const [command, subcommand, file] = etcdctlWords(args);
  return command === "snapshot" && subcommand === "save" ? file : undefined;
}
