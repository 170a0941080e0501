# shellcheck shell=bash
# The mirror of etcd's release archives: the hosts have no way out, so they fetch from the client's
# address. It runs in a cgroup of its own, like a host: no process id to remember or guess.

MIRROR_PORT=8080
MIRROR_URL=http://$LAB_NET.1:$MIRROR_PORT

cmd_mirror() {
  has_ns "$LAB_NAME" || die "the lab is not up"
  lock
  case ${1:-} in
    start) mirror_start ;;
    stop) mirror_stop ;;
    *) die "mirror start|stop" ;;
  esac
}

mirror_start() {
  local c
  if mirror_answers; then return; fi
  mirror_stop
  [[ -x $NODE_BIN/node ]] || die "the mirror needs the project's packages: run npm ci"
  mkdir -p "$LAB_MIRROR_DIR"
  c=$(cg_of mirror)
  mkdir -p "$c"
  (
    exec 9>&-
    echo "$BASHPID" >"$c/cgroup.procs"
    exec setsid ip netns exec "$LAB_NAME" "$NODE_BIN/node" "$HERE/mirror.ts" \
      "$LAB_MIRROR_DIR" "$LAB_NET.1" "$MIRROR_PORT" </dev/null >>"$LAB_DIR/mirror.log" 2>&1
  ) &
  wait_for 10 mirror_answers || { tail -n 5 "$LAB_DIR/mirror.log" >&2; die "the mirror does not start"; }
}

mirror_stop() {
  kill_all mirror
  wait_for 10 empty mirror || die "the mirror does not end"
  drop_cgroups mirror
}

mirror_answers() { populated mirror && cnet bash -c "exec 3<>/dev/tcp/$LAB_NET.1/$MIRROR_PORT" 2>/dev/null; }
mirror_state() { if mirror_answers; then echo serving; else echo stopped; fi; }
