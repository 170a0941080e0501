#!/bin/sh
# etcd-host: everything that the Pulumi program does on a host, a subcommand per step. `etcd-host help` lists them.
# Exit codes: 0 done or nothing to do, 1 failed, 2 usage error, 3 refused and nothing changed, 4 another run holds the
# lock, 5 the host or the cluster is not as declared.
set -eu +C
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin # the system's own tools first
LC_ALL=C
export PATH LC_ALL

PROGRAM=/usr/local/sbin/etcd-host
STATE_DIR=/var/lib/etcd-host
RUN_DIR=/run/etcd-host
ETC_DIR=/etc/etcd
OPT_DIR=/opt/etcd
LINK_DIR=/usr/local/bin
UNIT_DIR=/etc/systemd/system
UNIT_FILE=$UNIT_DIR/etcd.service
DISKS=/dev/disk/by-id
SSH_DIR=/etc/ssh
SYSTEMD_DIR=/run/systemd/system
PROC=/proc

# When the connection is cut, the run goes on to its end: a dead reader must not kill it in the middle.
trap '' PIPE HUP

say() { printf '%s\n' "$*" 2>/dev/null || :; }
# A line of 64 KiB on stderr hangs Pulumi's command provider for ever.
LONGEST_LINE=8000
note() {
  set -- "etcd-host: $*"
  [ ${#1} -le "$LONGEST_LINE" ] || set -- "$(printf '%s\n' "$1" | cut -c "1-$LONGEST_LINE")"
  printf '%s\n' "$1" >&2 2>/dev/null || :
}
# fail: something went wrong on the way. refuse: checked, and nothing was changed.
fail() { note "failed: $*"; exit 1; }
refuse() { note "refused: $*"; exit 3; }
usage() { note "$* (etcd-host help)"; exit 2; }

# A variable ETCD_X beside the flag --x is fatal to etcd and etcdctl, ETCDCTL_X changes what etcdctl asks, and GRPC_X what
# it logs; the others change what tar, df and the like do.
forget_variables() {
  for variable in $(env | sed -n 's/^\(\(ETCD\|GRPC\)[A-Z0-9_]*\)=.*/\1/p'); do unset "$variable"; done
  unset TAR_OPTIONS GZIP POSIXLY_CORRECT
}
# A proxy that the login knows (/etc/environment) is for downloads: the members are asked without it.
login_http_proxy=${http_proxy:-} login_https_proxy=${https_proxy:-${HTTPS_PROXY:-}}
login_all_proxy=${all_proxy:-${ALL_PROXY:-}} login_no_proxy=${no_proxy:-${NO_PROXY:-}}
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY

# To wait for another run, on this host or another of the cluster.
LOCK_SECONDS=${LOCK_SECONDS:-120}

# The options of all subcommands; every one is --name=value.
name='' incarnation='' cluster='' owner='' address='' listen='' data_dir='' quota='' metrics_url='' not_before=''
version='' sha256_amd64='' sha256_arm64='' mirror='' proxy='' endpoints='' snapshots=''
initial_state='' initial_cluster='' initial_token='' peer_url='' bundles='' election_timeout=1000
members='' min_days=7 founding='' confirmed='' may_bootstrap=yes allow='' first='' upgrades_from='' alarms='' declared=''
former='' snapshot='' sha256='' bump_revision='' restore='' restore_id='' from_data='' staged=''
told='' access='' told_before='' drop_ins_aside='' volume='' made_from='' private_users='' writable=''
by_rule='' keep_revisions='' drop_first_key=''
# Of upkeep and backup.
interval='' keep='' reserve='' max_age='' recipients='' metrics_file='' defragment='' free_mib='' free_percent=''
store='' store_prefix='' store_region='' store_sse='' store_kms_key='' if_older='' by_timer='' stored='' json=''
parse_options() {
  for option in "$@"; do
    value=${option#*=}
    case $option in
      --name=*) name=$value ;;
      --incarnation=*) incarnation=$value ;;
      --cluster=*) cluster=$value ;;
      --former=*) former=$value ;;
      --owner=*) owner=$value ;;
      --address=*) address=$value ;;
      --listen=*) listen=$value ;;
      --data-dir=*) data_dir=$value ;;
      --quota=*) quota=$value ;;
      --metrics-url=*) metrics_url=$value ;;
      --not-before=*) not_before=$value ;;
      --private-users=*) private_users=$value ;;
      --writable=*) writable=$value ;;
      --volume=*) volume=$value ;;
      --made-from=*) made_from=$value ;;
      --version=*) version=$value ;;
      --snapshot=*) snapshot=$value ;;
      --sha256=*) sha256=$value ;;
      --bump-revision=*) bump_revision=$value ;;
      --restore=*) restore=$value ;;
      --id=*) restore_id=$value ;;
      --from-data) from_data=yes ;;
      --sha256-amd64=*) sha256_amd64=$value ;;
      --sha256-arm64=*) sha256_arm64=$value ;;
      --mirror=*) mirror=$value ;;
      --proxy=*) proxy=$value ;;
      --endpoints=*) endpoints=$value ;;
      --snapshots=*) snapshots=$value ;;
      --initial-state=*) initial_state=$value ;;
      --initial-cluster=*) initial_cluster=$value ;;
      --initial-token=*) initial_token=$value ;;
      --peer-url=*) peer_url=$value ;;
      --bundles=*) bundles=$value ;;
      --interval=*) interval=$value ;;
      --keep=*) keep=$value ;;
      --reserve=*) reserve=$value ;;
      --max-age=*) max_age=$value ;;
      --recipients=*) recipients=$value ;;
      --metrics-file=*) metrics_file=$value ;;
      --store=*) store=$value ;;
      --store-prefix=*) store_prefix=$value ;;
      --store-region=*) store_region=$value ;;
      --store-sse=*) store_sse=$value ;;
      --store-kms-key=*) store_kms_key=$value ;;
      --defragment=*) defragment=$value ;;
      --free-mib=*) free_mib=$value ;;
      --free-percent=*) free_percent=$value ;;
      --if-older=*) if_older=$value ;;
      --by-timer) by_timer=yes ;;
      --stored) stored=yes ;;
      --json) json=yes ;;
      --election-timeout=*) election_timeout=$value ;;
      --min-days=*) min_days=$value ;;
      --check-id=* | --checked=* | --client-ca=* | --peer-ca=* | --member=* | --machine=* | --volume-size=*) ;; # only change the step's text, so that it checks again
      --allow=*) allow=$value ;;
      --first=*) first=$value ;;
      --upgrades-from=*) upgrades_from=$value ;;
      --keep-revisions=*) keep_revisions=$value ;;
      --by-rule) by_rule=yes ;;
      --founding) founding=yes ;;
      --declared) declared=yes ;;
      --drop-first-key) drop_first_key=yes ;;
      --yes) confirmed=yes ;;
      *) usage "unknown option '$option'" ;;
    esac
  done
}
need() { # need NAME VALUE ...: these options must have been given
  while [ $# -gt 0 ]; do
    [ -n "$2" ] || usage "the option --$1 is missing"
    shift 2
  done
}
