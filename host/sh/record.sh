# What each member was last told to run, kept in etcd. A change that failed must not be forgotten when it is taken back: Pulumi
# then has nothing to run, since what is declared is again what the step last did with success. `prove` compares.

STEPS=etcd-host/steps/

# Of all that the member's step was called with, as components/member.ts computes it too. Who runs it, and on which machine,
# is no setting of the member.
declared_digest() { # UNIT OPTION...
  told_unit=$1
  shift
  { printf '%s\n' "$@" | grep -v -e '^--owner=' -e '^--machine='; cat "$told_unit"; } | sha256sum | cut -c1-16
}

# Before a member is restarted: from here on it may run something else. With an allowed alarm nothing can be written, but
# for a deletion: the next proof then records what is declared.
record_told() {
  rm -f "$STATE_DIR/told"
  if [ -n "$alarms" ]; then
    ctl --endpoints="$(healthy_urls_but none)" del "$STEPS$name" >"$work/told.log" 2>&1 ||
      note "the cluster still lists what $name was told before; if the proof says so, raise checkId in the next run"
    return
  fi
  told_before=$(ctl --endpoints="$(healthy_urls_but none)" get "$STEPS$name" --print-value-only 2>"$work/told.log") || refuse_unrecorded
  tell "$(healthy_urls_but none)" "$step_digest" || refuse_unrecorded
  printf '%s\n' "$step_digest" >"$work/told"
}
refuse_unrecorded() { refuse "the cluster cannot record what $name is told: $(plain_answer <"$work/told.log"); run again"; }
record_taken_back() { # it runs as it did before
  [ -z "$alarms" ] || return 0
  if [ -n "$told_before" ]; then
    tell "$(healthy_urls_but none)" "$told_before"
  else
    ctl --endpoints="$(healthy_urls_but none)" del "$STEPS$name" >/dev/null 2>&1
  fi || note "the cluster does not know yet that $name runs as before: raise checkId in the next run"
}
tell() { ctl --endpoints="$1" put "$STEPS$name" "$2" >"${work:-$RUN_DIR}/told.log" 2>&1; } # ENDPOINTS DIGEST

# At the end of the member's step. What founders were told is recorded by the first proof. A member that starts without a
# quorum has nobody to tell: it does as soon as it serves.
record_what_runs() {
  if [ "$(cat "$work/told" 2>/dev/null)" = "$step_digest" ] || ! has_served; then return 0; fi
  keep_told
  if is_ready; then tell_kept; fi
}
keep_told() { printf '%s\n' "$name $step_digest" | write_file "$STATE_DIR/told" 600 root:root; }
tell_kept() { # also by the start of etcd itself, perhaps at the same time
  [ -s "$STATE_DIR/told" ] && read -r name kept <"$STATE_DIR/told" || return 0
  if tell https://127.0.0.1:2379 "$kept"; then rm -f "$STATE_DIR/told"; fi
}
