# defragment --by-rule, as a timer calls it on every host in the same hour: whether there is enough to give back, and whose
# turn it is. Too little to gain and another host's turn are no failures; a cluster that is not healthy is.

OTHERS_SECONDS=3000 # the leader waits for the others, whose timers come within the hour

wait_for_turn() { # without a lock: others have work to do meanwhile, a step of this host too
  turn_by=$(($(date +%s) + OTHERS_SECONDS))
  until is_my_turn; do
    [ "$(date +%s)" -lt "$turn_by" ] || leave_it_to_others
    sleep 10
  done
}
# Ends the run where it has nothing to do; false: others come first.
is_my_turn() {
  ask_before
  pays_off "$mb" "$used_mb" || rest "$name: $mb MiB, $used_mb MiB of it in use: less to give back than $free_mib MiB and $free_percent %"
  [ "$(voters | wc -l)" -gt 2 ] ||
    rest "$name could give back $((mb - used_mb)) MiB, but the cluster cannot do without it, so no timer defragments it; when an outage is acceptable: 'etcd-host defragment --yes'"
  [ "$(leader_id)" = "$me" ] || return 0
  come_first=$(voters_that_gain | paste -s -d' ' -)
  [ -z "$come_first" ]
}
leave_it_to_others() { rest "$name leads, and $come_first may still have space to give back: its turn is last"; }
rest() { say "$*"; exit 0; }
pays_off() { # MIB IN-USE-MIB
  [ $(($1 - $2)) -ge "$free_mib" ] && [ $(($2 * 100)) -lt $(($1 * (100 - free_percent))) ]
}
voters_that_gain() { # names of the other ones; who does not say may be at it just now
  awk '
    { key = $1; gsub(/"/, "", key); field[key] = $3 }
    key == "Endpoint" { gsub(/"/, "", field[key]); print field[key], int(field["DBSize"] / 1048576), int(field["DBSizeInUse"] / 1048576) }' \
    "$work/status.fields" >"$work/sizes"
  voters | while IFS='|' read -r id voter _ clients _; do
    [ "$id" != "$me" ] || continue
    size=$(awk -v url="${clients%%,*}" '$1 == url { print $2, $3 }' "$work/sizes")
    # shellcheck disable=SC2086 # two numbers
    [ -n "$size" ] && ! pays_off $size || echo "$voter"
  done
}
need_rule() {
  need free-mib "$free_mib" free-percent "$free_percent"
  case "$free_mib$free_percent" in *[!0-9]*) usage "--free-mib and --free-percent take whole numbers" ;; esac
}
# Nobody waits for a timer, so nothing is risked. A server that a killed run left at work is not healthy: never two are at it.
everybody_is_healthy() {
  missing=$(unhealthy_voters_but "$me")
  [ -z "$missing" ] || say_problem "$name is not defragmented by the timer, because not every member is healthy ($missing is not); see 'etcd-host status' there"
}
