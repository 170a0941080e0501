# shellcheck shell=bash
# Saved labs: all that a lab holds, kept in the cache under a name, to be put into any lab of the same network later.
#
# $SAVED/NAME/net      the network, which must be the loading lab's: addresses are in certificates and state
#            /base     what the hosts stand on
#            /dir      the folder of the lab that was saved, because Pulumi's history names files in it
#            /running  the hosts that ran
#            /lab      ssh, nodes, state, ec2: as in $LAB_DIR
#
# What is not in it: the mirror's archives (they are in the cache), pulumi-home (nothing of a stack is in it), cuts
# and losses on the bridge.

SAVED=$ETCD_CACHE/saved
PARTS=(ssh nodes state ec2) # of $LAB_DIR

need_saved_name() {
  [[ ${1:-} =~ ^[a-z0-9][a-z0-9.-]*$ ]] || die "expected a name of small letters, digits, dots and hyphens, got '${1:-}'"
}
with_saves() { mkdir -p "$SAVED"; with_lock "$SAVED/.lock" "$@"; }

cmd_saved() { # the names
  if [[ -d $SAVED ]]; then find "$SAVED" -mindepth 1 -maxdepth 1 -type d -name '[a-z0-9]*' -printf '%f\n' | sort; fi
}
cmd_forget() { # NAME
  need_saved_name "${1:-}"
  with_saves rm -rf "${SAVED:?}/$1"
}

cmd_save() { # NAME: the hosts are powered off for it, so that every disk is clean, and booted again
  local name=${1:-} draft n running=() made=1
  need_saved_name "$name"
  lock
  has_ns "$LAB_NAME" || die "the lab is not up: lab up"
  [[ -z $(find "$LAB_DIR/state/.pulumi/locks" -type f 2>/dev/null) ]] \
    || die "pulumi is at work on a stack of this lab: save it when that has ended (or pulumi cancel, if nothing runs)"
  for n in $(nodes); do if populated "n$n"; then running+=("$n"); fi; done
  for n in "${running[@]}"; do power_off "$n" 9>&- & done
  wait
  for n in "${running[@]}"; do end_node "$n"; done
  mkdir -p "$SAVED"
  draft=$(mktemp -d "$SAVED/.$name-XXXXXX")
  if keep_lab "$draft" "${running[@]}"; then with_saves publish "$draft" "$SAVED/$name"; else made=0; fi
  rm -rf "$draft"
  bring_up_cluster "${running[@]}"
  ((made)) || die "the lab could not be saved: see the lines above"
}

keep_lab() { # DRAFT RUNNING...
  local draft=$1 part
  shift
  { mkdir "$draft/lab" && echo "$LAB_NET" >"$draft/net" && echo "${BASE##*/} ${IMAGE##*/}" >"$draft/base" \
    && echo "$LAB_DIR" >"$draft/dir" && echo "$*" >"$draft/running"; } || return 1
  for part in "${PARTS[@]}"; do
    [[ ! -e $LAB_DIR/$part ]] || copy_part "$LAB_DIR/$part" "$draft/lab/$part" shrink_disk || return 1
  done
}
publish() { # DRAFT FOLDER: complete or not there
  rm -rf "$2"
  mv "$1" "$2"
}

# Disks at the same time, each by its own way; everything else as it is.
copy_part() { # FROM TO COPY-DISK
  local disk p pids=() failed=0
  mkdir -p "$2"
  tar --create --directory "$1" --exclude='*.img' --exclude='console.log' . | tar --extract --preserve-permissions --directory "$2" || return 1
  while read -r disk; do
    "$3" "$1/$disk" "$2/$disk" & pids+=($!)
  done < <(find "$1" -name '*.img' -printf '%P\n')
  for p in "${pids[@]}"; do wait "$p" || failed=1; done
  ((failed == 0))
}
# What the file system does not use any more (the archive, logs) stays behind where it is one that e2image knows.
shrink_disk() { e2image -rap "$1" "$2" >/dev/null 2>&1 || copy_disk "$1" "$2"; }
copy_disk() { cp --reflink=auto --sparse=always "$1" "$2"; }

cmd_load() { # NAME: what this lab had is gone
  local name=${1:-} saved=$SAVED/${1:-}
  need_saved_name "$name"
  [[ -d $saved ]] || die "there is no saved lab '$name': make one with lab save $name (lab saved lists them)"
  [[ $(<"$saved/net") == "$LAB_NET" ]] || die "the saved lab '$name' is in the network $(<"$saved/net").0/24: load it with LAB_NET=$(<"$saved/net")"
  [[ $(<"$saved/base") == "${BASE##*/} ${IMAGE##*/}" ]] || die "the saved lab '$name' stands on another base system: save it again"
  lock
  cmd_deps
  cmd_build
  [[ ! -e $saved/lab/ec2 ]] || cmd_image
  take_down
  with_saves restore "$saved" || die "the saved lab '$name' could not be copied: see the lines above"
  net_up
  read -ra running <"$saved/running"
  bring_up_cluster "${running[@]}"
}

restore() { # FOLDER
  local part
  for part in "${PARTS[@]}"; do
    [[ ! -e $1/lab/$part ]] || copy_part "$1/lab/$part" "$LAB_DIR/$part" copy_disk || return 1
  done
  { grep --recursive --files-with-matches --fixed-strings --null "$(<"$1/dir")/" "$LAB_DIR/state" || true; } \
    | xargs --null --no-run-if-empty sed -i "s|$(<"$1/dir")/|$LAB_DIR/|g" || return 1
  touch "$1" # when it was last of use
}

# At its start etcd asks each peer for a hash and waits 7 s for every one that takes the connection but does not serve
# yet. Members that all start at once wait for each other: 14 s for three. So no host reaches another one until its own
# etcd serves; a connection that fails at once does not hold it up.
bring_up_cluster() { # HOSTS
  local n p pids=()
  for n; do
    node_net_up "$n"
    routes_to_others add "$n" "$@"
  done
  for n; do
    let_go "$n" "$@" 9>&- & pids+=($!)
  done
  bring_up "$@"
  for p in "${pids[@]}"; do wait "$p"; done
}
let_go() { # N HOSTS
  wait_for "$LAB_BOOT_TIMEOUT" serves_or_has_booted "$1" || true
  routes_to_others del "$1" "$@"
}
routes_to_others() { # add|del N HOSTS
  local change=$1 n=$2 m
  shift 2
  for m; do
    ((m == n)) || ip -n "$(ns_of "$n")" route "$change" unreachable "$(ip_of "$m")" 2>/dev/null || true
  done
}
serves_or_has_booted() { # N
  local rc=0
  leader "$1" >/dev/null || return 1
  cnet curl --silent --insecure --output /dev/null --max-time 0.3 "https://$(ip_of "$1"):2380" || rc=$?
  ((rc == 7 || rc == 28)) || return 0 # neither refused nor without an answer
  [[ $(cmd_enter "$1" systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]
}
