/** What the tests ask of running members. */

import { onHost } from "./lab.ts";

/** When the running process started, in microseconds of the machine that all hosts are on. */
export async function startedAt(n: number): Promise<number> {
  return Number(await onHost(n, "systemctl show etcd -p ExecMainStartTimestampMonotonic --value"));
}

export function startsOf(hosts: readonly number[]): Promise<readonly number[]> {
  return Promise.all(hosts.map(startedAt));
}

/** Names of the members, all of them started voters, as host N's etcd lists them. */
export async function listedMembers(n: number): Promise<readonly string[]> {
  const list = await onHost(n, "etcd-host ctl member list");
  return list
    .split("\n")
    .map((line) => {
      const [, status, name, , , learner] = line.split(", ");
      return status === "started" && learner === "false" ? String(name) : line;
    })
    .sort();
}

/** Elections seen so far, as the member says that has seen the most. */
export async function leaderChanges(): Promise<number> {
  const terms = await onHost(
    1,
    'etcd-host ctl endpoint status -w fields | awk \'$1 == "\\"RaftTerm\\"" { print $3 }\' | sort -n | tail -n 1',
  );
  return Number(terms);
}
