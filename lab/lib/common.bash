# shellcheck shell=bash
# What all parts of the lab share: names, waiting, the lock, and the cgroups that hold its processes.

KEY=$LAB_DIR/ssh/id_ed25519
KNOWN=$LAB_DIR/ssh/known_hosts
NODES=$LAB_DIR/nodes

log() { printf '%s\n' "lab: $*" >&2; }
die() { log "$*"; exit 1; }
need_n() { [[ ${1:-} =~ ^[1-9][0-9]?$ ]] || die "expected a host number 1..99, got '${1:-}'"; }
need_node() { need_n "${1:-}"; [[ -d $NODES/$1 ]] || die "there is no node$1 (lab up $1)"; }
ip_of() { echo "$LAB_NET.$((100 + $1))"; }
ns_of() { echo "$LAB_NAME-n$1"; }
cnet() { ip netns exec "$LAB_NAME" "$@"; }
has_ns() { [[ -e /run/netns/$1 ]]; }

nodes() {
  if [[ -d $NODES ]]; then find "$NODES" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -n; fi
}
all_nodes() { # also those of which only a cgroup or a namespace is left
  {
    nodes
    find "$(cg_of)" -mindepth 1 -maxdepth 1 -type d -name 'n[0-9]*' -printf '%f\n' 2>/dev/null | cut -c2-
    find /run/netns -maxdepth 1 -name "$LAB_NAME-n[0-9]*" -printf '%f\n' 2>/dev/null | sed "s/^$LAB_NAME-n//"
  } | sort -nu || true
}

wait_for() { # SECONDS CMD...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

with_lock() { # FILE CMD...: one at a time on this machine
  (
    exec 7>"$1"
    flock -w 600 7 || die "another lab command holds $1"
    shift
    "$@" 7>&-
  )
}
lock() { # one changing command at a time per lab
  [[ -z ${LOCKED:-} ]] || return 0
  mkdir -p "$LAB_DIR"
  exec 9>"/run/lock/lab-$LAB_NAME"
  flock -w 600 9 || die "another lab command holds /run/lock/lab-$LAB_NAME"
  LOCKED=1
}

# ---- cgroups -----------------------------------------------------------------------
# cgroup2 gives us: which processes belong to a host, an atomic kill, a freezer.
# Everything that the lab starts lives in one: "n1", "n2" … for the hosts, "mirror".
cgroup2() {
  local directory type
  while read -r _ directory type _; do
    if [[ $type == cgroup2 ]]; then echo "$directory"; return; fi
  done </proc/mounts
  die "no cgroup2 file system is mounted"
}
cg_of() { echo "$CG/$LAB_NAME${1:+/$1}"; } # [NAME]
populated() { grep -qs '^populated 1' "$(cg_of "$1")/cgroup.events"; }
empty() { ! populated "$1"; }
frozen() { grep -qs '^frozen 1' "$(cg_of "$1")/cgroup.events"; }
kill_all() { # NAME: every process of that cgroup at once, frozen or not
  local c
  c=$(cg_of "$1")
  [[ -e $c/cgroup.kill ]] || return 0
  echo 1 >"$c/cgroup.kill"
  echo 0 >"$c/cgroup.freeze" 2>/dev/null || true
}
drop_cgroups() { # [NAME]: remove the (empty) cgroup tree in every hierarchy that was used
  local h d
  for h in $(findmnt -n -t cgroup2,cgroup -o TARGET); do
    d=$h/$LAB_NAME${1:+/$1}
    if [[ -d $d ]]; then find "$d" -depth -type d -exec rmdir {} + 2>/dev/null || true; fi
  done
}
