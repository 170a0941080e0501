# guard: on another member, before the machine of one is replaced. The cluster must be able to do without it, and
# leadership goes elsewhere first. The machine itself stops etcd as it shuts down.

# What the machine was made from that a member runs on: as long as it stays that, its guard has nothing to do.
MACHINES=etcd-host/machines/
record_machine() { # at worst it is proven once too often
  [ -z "$made_from" ] || ctl --endpoints=https://127.0.0.1:2379 put "$MACHINES$name" "$made_from" >/dev/null 2>&1 || :
}
recorded_machine() { ctl --endpoints="$(healthy_urls_but none)" get "$MACHINES$name" --print-value-only 2>/dev/null || :; }

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
  settles "$PROOF_SECONDS" true || refuse "no member answers, so it cannot be proven that the machine of $name may be replaced; see 'etcd-host status' on the hosts, start what is stopped, then run again"
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
  say "the cluster can do without $name"
}
