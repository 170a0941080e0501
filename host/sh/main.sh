# The subcommands.

cmd_help() {
  cat <<'HELP'
etcd-host: what the Pulumi program does on a host. For operators, on any host of the cluster:
  etcd-host status            this member: service, role, version, data
  etcd-host health            the whole cluster, as the last step of `pulumi up` proves it
  etcd-host ctl ARGUMENT...   etcdctl against all members, or those of --endpoints, with this host's own certificate
  etcd-host defragment        shrink this member's database file, if the others can do without it (--yes: even if not;
                              --by-rule --free-mib=N --free-percent=N: as a timer may, if there is that much to give back)
  etcd-host backup            save a snapshot as the timer does: verified, packed, and put into the store
  etcd-host snapshots         those that are kept here (--stored: those of the store)
  etcd-host drill             restore a snapshot beside the member, in a network of its own, and ask it: does it hold? the
                              newest, or --snapshot=NAME; --json; an encrypted one: with the key of age on stdin
  etcd-host verify            is this host as declared? changes nothing; exit 5 and a line for each difference
  etcd-host discard --yes     set the data of a stopped member aside (never deletes)
  etcd-host snapshot          save a snapshot of this member (--from-data: of its files, where no quorum is left)
  etcd-host stage NAME        restore by hand, first on each host: lay out the data of a snapshot, beside the member's own
  etcd-host halt --yes        then on each host: stop the member, and set its data aside
  etcd-host switch --yes      then on each host: start it with the data of the snapshot
  etcd-host put-back --yes    give a restore up after halt: the data from before comes back
Run by the program's steps:
  sudo host-key prepare install certificates start roll before guard membership prove
  stop remove-certificates remove-binaries remove-host started served facts send-snapshot history disarm
  has-copy send-copy take-copy
  upkeep remove-upkeep drill-apart
Exit codes: 0 done, 1 failed, 2 usage error, 3 refused and nothing changed, 4 another run is at work, 5 not as declared.
HELP
}

ASKING='start roll before guard membership prove status health verify facts defragment backup send-snapshot snapshot stage halt history disarm drill drill-apart' # the cluster
main() {
  command=${1:-help}
  [ $# -eq 0 ] || shift
  forget_variables
  [ "$command" != ctl ] || { cmd_ctl "$@"; return; } # everything after it is etcdctl's
  case $command/${1:-} in stage/ | stage/-*) ;; stage/*) snapshot=$1; shift ;; esac
  parse_options "$@"
  case " $ASKING " in *" $command "*) choose_etcdctl ;; esac
  case $command in
    sudo) cmd_sudo ;;
    host-key) cmd_host_key ;;
    prepare) cmd_prepare ;;
    install) cmd_install ;;
    certificates) cmd_certificates ;;
    start) cmd_start "$@" ;;
    roll) cmd_roll "$@" ;;
    before) cmd_before ;;
    guard) cmd_guard ;;
    membership) cmd_membership ;;
    prove) cmd_prove ;;
    stop) cmd_stop ;;
    remove-certificates) cmd_remove_certificates ;;
    remove-binaries) cmd_remove_binaries ;;
    remove-host) cmd_remove_host ;;
    started) cmd_started ;;
    served) cmd_served ;;
    status) cmd_status ;;
    health) cmd_health ;;
    verify) cmd_verify ;;
    facts) cmd_facts ;;
    defragment) cmd_defragment ;;
    history) cmd_history ;;
    disarm) cmd_disarm ;;
    upkeep) cmd_upkeep ;;
    remove-upkeep) cmd_remove_upkeep ;;
    backup) cmd_backup ;;
    snapshots) cmd_snapshots ;;
    send-snapshot) cmd_send_snapshot ;;
    discard) cmd_discard ;;
    snapshot) cmd_snapshot ;;
    has-copy) cmd_has_copy ;;
    send-copy) cmd_send_copy ;;
    take-copy) cmd_take_copy ;;
    stage) cmd_stage ;;
    halt) cmd_halt ;;
    switch) cmd_switch ;;
    put-back) cmd_put_back ;;
    drill) cmd_drill ;;
    drill-apart) cmd_drill_apart ;;
    help | --help | -h) cmd_help ;;
    *) usage "unknown subcommand '$command'" ;;
  esac
}
main "$@"
