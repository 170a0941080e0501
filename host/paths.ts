/** Where things are on a host. The program there has its own list at the top of host/sh/base.sh; a test compares the two. */

export const PROGRAM = "/usr/local/sbin/etcd-host";
/** What this program knows of the member. */
export const STATE_DIR = "/var/lib/etcd-host";
export const RUN_DIR = "/run/etcd-host";
export const ETC_DIR = "/etc/etcd";
/** Holds a directory for each installed version. */
export const OPT_DIR = "/opt/etcd";
export const UNIT_DIR = "/etc/systemd/system";

export const UNIT_FILE = `${UNIT_DIR}/etcd.service`;
/** Directory of the certificates; a link, so that a renewed set is swapped in one step. */
export const PKI_DIR = `${ETC_DIR}/pki`;
/** The ETCD_INITIAL_* settings, beside the unit. */
export const BOOTSTRAP_FILE = `${ETC_DIR}/bootstrap.env`;
/** There while `etcd-host` permits a start without a WAL. */
export const BOOTSTRAP_PERMIT = `${RUN_DIR}/bootstrap`;
