# guard: on another member, before the machine of one is replaced. The cluster must be able to do without it, and
# leadership goes elsewhere first. The machine itself stops etcd as it shuts down.

# What the machine was made from that a member runs on: as long as it stays that, its guard has nothing to do.
MACHINES=etcd-host/machines/
record_machine() { # at worst it is proven once too often
  [ -z "$made_from" ] || ctl --endpoints=https://127.0.0.1:2379 put "$MACHINES$name" "$made_from" >/dev/null 2>&1 || :
}
recorded_machine() { ctl --endpoints="$(healthy_urls_but none)" get "$MACHINES$name" --print-value-only 2>/dev/null || :; }

# From the guard until the member is back on its new machine, no other one stops: the guard leaves this key, and that
# member's step deletes it. It ends by its lease where no new machine comes.
REBUILDS=etcd-host/rebuilding/
REBUILD_SECONDS=1800
note_rebuild() {
  [ -z "$without_lock" ] || { note "the alarm $without_lock keeps the cluster from knowing that the machine of $name is replaced: start no other run until it is back"; return; }
  need_cluster_lock
  lease=$(ctl --endpoints="$(healthy_urls_but "$me")" lease grant "$REBUILD_SECONDS" 2>"$work/lease.log" | awk '$1 == "lease" { print $2 }')
  { [ -n "$lease" ] && ctl --endpoints="$(healthy_urls_but "$me")" put --lease="$lease" "$REBUILDS$name" "$made_from" >/dev/null 2>"$work/lease.log"; } ||
    fail "cannot note in the cluster that the machine of $name is replaced: $(tail -n 1 "$work/lease.log"); nothing was changed, run again"
}
machine_is_back() { # at worst others wait for the end of the lease
  record_machine
  [ -z "$made_from" ] || ctl --endpoints=https://127.0.0.1:2379 del "$REBUILDS$name" >/dev/null 2>&1 || :
}
no_other_rebuild() { # only members on machines that the program made know of each other's
  [ -n "$made_from" ] || return 0
  ctl --endpoints="$(healthy_urls_but none)" get --prefix "$REBUILDS" --keys-only >"$work/rebuilds" 2>"$work/rebuilds.log" ||
    say_problem "the cluster does not say whether a machine is being replaced: $(tail -n 1 "$work/rebuilds.log"); run again" || return 1
  rebuilt=$(sed -n "s#^$REBUILDS##p" "$work/rebuilds" | grep -vxF "$name" | paste -s -d' ' -)
  [ -z "$rebuilt" ] ||
    refuse "the machine of $rebuilt is being replaced, so $name may not $may before its member is back; let that run end, or run again with it. Where no new machine comes, this is forgotten after $((REBUILD_SECONDS / 60)) minutes, or with 'etcd-host ctl del $REBUILDS${rebuilt%% *}'"
}

# "--founding" is what a create says, which Pulumi also runs when it replaces the guard of a machine that is there already:
# believed while no other machine is recorded. Without an answer, only where no member has served that could give one.
is_new_machine() {
  known=$(ctl --endpoints=https://127.0.0.1:2379 get "$MACHINES$name" --print-value-only 2>/dev/null) ||
    if has_served; then return 1; fi
  [ -z "$known" ] || [ "$known" = "$made_from" ]
}

cmd_guard() {
  need name "$name" made-from "$made_from"
  need_root
  if [ -n "$founding" ] && is_new_machine; then
    record_machine
    return
  fi
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.guard-XXXXXX")
  trap 'drop_cluster_lock; rm -rf "$work"' EXIT
  settles "$PROOF_SECONDS" true || refuse "no member answers, so it cannot be proven that the machine of $name may be replaced; see 'etcd-host status' on the hosts, start what is stopped, then run again$(why_silent)"
  if [ -z "$(my_id)" ]; then
    say "$name is not a member: nothing to prove"
    return
  elif [ "$(recorded_machine)" = "$made_from" ]; then
    say "the machine of $name stays: nothing to prove"
    return
  fi
  until_proven can_restart "have its machine replaced"
  wait_for_my_turn
  hand_over "$me" can_restart "have its machine replaced"
  note_rebuild
  say "the cluster can do without $name"
}
