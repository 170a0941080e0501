/** What can be wrong with a host before the program comes: each fault is made on a host of the lab, and undone. */

import type { TestContext } from "node:test";
import { lab, must, onHost } from "./lab.ts";

/** A fault that is there; calling it takes it away again. */
type Fault = Promise<() => Promise<unknown>>;

/** Makes all faults, until the test ends in whatever way. */
export async function during(t: TestContext, ...faults: readonly Fault[]): Promise<void> {
  for (const made of await Promise.allSettled(faults)) {
    if (made.status === "rejected") throw made.reason;
    t.after(made.value);
  }
}

/** Somebody else listens on the port. */
export async function portTaken(n: number, port: number): Fault {
  await onHost(n, `systemd-run --quiet --unit=intruder systemd-socket-activate --listen=${port} cat`);
  return () => onHost(n, "systemctl stop intruder");
}

export async function foreignData(n: number): Fault {
  await onHost(n, "mkdir /var/lib/etcd && echo 'not yours' >/var/lib/etcd/notes");
  return () => onHost(n, "rm -r /var/lib/etcd");
}

export async function readOnly(n: number, directory: string): Fault {
  await onHost(n, `mount --bind ${directory} ${directory} && mount -o remount,bind,ro ${directory}`);
  return () => onHost(n, `umount ${directory}`);
}

/** A small disk of its own for the directory. */
export async function smallDisk(n: number, directory: string, size: string): Fault {
  await onHost(n, `mount -t tmpfs -o size=${size},mode=755 tmpfs ${directory}`);
  return () => onHost(n, `umount ${directory}`);
}

export async function fullDisk(n: number, leaveMb: number): Fault {
  await must(lab("fill", String(n), String(leaveMb)));
  return () => must(lab("unfill", String(n)));
}

/** The hosts share the machine's clock, so only what `date` says of now can be off. */
export async function clockOff(n: number, by: string): Fault {
  const shim = `#!/bin/sh
case " $*" in *" -d"*) exec date.real "$@" ;; esac
exec date.real -d "${by}" "$@"
`;
  await onHost(
    n,
    `mv /usr/bin/date /usr/bin/date.real && cat >/usr/bin/date <<'SHIM' && chmod 755 /usr/bin/date\n${shim}SHIM\n`,
  );
  return () => onHost(n, "mv /usr/bin/date.real /usr/bin/date");
}

export async function sudoAsks(n: number): Fault {
  const rule = (tag: string) => `echo 'admin ALL=(ALL) ${tag}ALL' >/etc/sudoers.d/admin`;
  await onHost(n, rule(""));
  return () => onHost(n, rule("NOPASSWD: "));
}

export async function sshStopped(n: number): Fault {
  await onHost(n, "systemctl stop ssh");
  return () => onHost(n, "systemctl start ssh");
}

/** No packet of the client gets through, and no answer. */
export async function blackHoled(n: number): Fault {
  await must(lab("partition", String(n), "client"));
  return () => must(lab("heal", String(n)));
}

/** etcd is there and takes connections, but never goes on. */
export async function frozen(n: number): Fault {
  await onHost(n, "systemctl kill --signal=STOP etcd");
  return async () => {
    await onHost(n, "systemctl kill --signal=CONT etcd");
    await healthy(n);
  };
}

/** From the other hosts; the client still reaches it. */
export async function cutOffFromPeers(n: number): Fault {
  await must(lab("partition", String(n), "peers"));
  return async () => {
    await must(lab("heal", String(n)));
    await healthy(n);
  };
}

/** A fault that is gone is forgotten when the members say so. */
async function healthy(n: number): Promise<void> {
  await onHost(
    n,
    "for second in $(seq 60); do etcd-host health >/dev/null 2>&1 && exit; sleep 1; done; exit 1",
  );
}
