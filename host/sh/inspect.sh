# What an operator asks on a host. Nothing here changes anything.

cmd_status() {
  need_root
  name=$(mark_value name) data_dir=$(mark_value data_dir)
  [ -n "$name" ] || refuse "this host has not been prepared"
  say "member    $name, incarnation $(mark_value incarnation)"
  say "service   $(unit_property ActiveState) ($(unit_property SubState)), $(systemctl is-enabled etcd.service 2>/dev/null || :)"
  say "data      $data_dir, $(du -sm "$data_dir" 2>/dev/null | cut -f1) MiB"
  has_wal "$data_dir" || say "          no WAL: etcd does not start without one (raise the node's incarnation to replace the member)"
  say "certs     server until $(end_date "$ETC_DIR/pki/server.crt" 2>/dev/null || echo '?')"
  say_ended '          '
  if is_running; then
    say "access    $(authentication_line)"
    ctl --endpoints=https://127.0.0.1:2379 endpoint status -w table || say "etcd does not answer on 127.0.0.1:2379"
  else
    last_log_lines 3
    exit 5
  fi
}

authentication_line() {
  case $(ctl --endpoints=https://127.0.0.1:2379 auth status 2>/dev/null | sed -n 's/^Authentication Status: //p') in
    true) echo "authentication is on, for the users $(ctl --endpoints=https://127.0.0.1:2379 user list 2>/dev/null | paste -s -d' ' -)" ;;
    false) echo "authentication is off: every certificate of the client CA may do everything" ;;
    *) echo "etcd does not say whether its authentication is on" ;;
  esac
}

# For `npm run status`: one fact a line.
cmd_facts() {
  need_root
  say "member $(mark_value name) $(mark_value incarnation)"
  say "service $(unit_property ActiveState)"
  for certificate in server peer operator; do
    end=$(end_date "$ETC_DIR/pki/$certificate.crt" 2>/dev/null) || :
    [ -z "$end" ] || say "certificate $certificate $(utc_time "$end")"
  done
  say_authorities client-ca
  say_authorities peer-ca
  say_ended 'ended '
  say_backup
  say_drill
  if [ -s "$STATE_DIR/last-verify" ]; then say "verify $(cat "$STATE_DIR/last-verify")"; fi
  status=$(ctl --endpoints=https://127.0.0.1:2379 endpoint status -w json 2>/dev/null | head -n 1) || :
  if [ -n "$status" ]; then say "status $status"; fi
}

# Each that is trusted, by the name that the stack has for it.
say_authorities() { # BUNDLE-NAME
  number=1
  while ca=$(certificate_in "$ETC_DIR/pki/$1.crt" "$number" 2>/dev/null) && [ -n "$ca" ]; do
    ca=$(printf '%s\n' "$ca" | openssl x509 -noout -subject -enddate 2>/dev/null) || :
    ca_name=$(printf '%s\n' "$ca" | sed -n "s/^subject=.*CN *= *etcd-\($1\(-[0-9]*\)*\)\$/\1/p")
    end=$(printf '%s\n' "$ca" | sed -n 's/^notAfter=//p')
    [ -z "$end" ] || say "certificate ${ca_name:-$1-given} $(utc_time "$end")"
    number=$((number + 1))
  done
}

cmd_health() {
  need_root
  for question in 'endpoint health --cluster' 'member list -w table'; do
    # shellcheck disable=SC2086 # words
    answer=$(ctl --endpoints=https://127.0.0.1:2379 $question 2>&1) || healthy=no
    printf '%s\n' "$answer" | grep -v '^{' || : # etcdctl's own log
  done
  [ "${healthy:-yes}" = yes ] || { say_ended; exit 5; }
}

# etcdctl without the time limits of our own questions. All members are asked, unless the caller says whom, or the
# command works with one.
cmd_ctl() {
  need_root
  choose_etcdctl
  asked=$(etcdctl_words "$@")
  case "$asked " in
    'defrag '*) refuse "etcdctl defrag blocks one member after the other, whether the cluster can do without it or not, and goes on when its time limit ends; use 'etcd-host defragment' on this host, or 'npm run defragment' for all of them" ;;
  esac
  saved=''
  case $asked in 'snapshot save '?*) saved=${asked#snapshot save } ;; esac
  if has_endpoints "$@"; then
    run_etcdctl "$@"
  else
    all=$(member_endpoints)
    if [ -n "$saved" ]; then
      all=$(healthy_endpoint "$all")
      [ -n "$all" ] || refuse "$NO_HEALTHY_MEMBER$(why_silent)"
    fi
    run_etcdctl --endpoints="$all" "$@"
  fi
  [ -z "$saved" ] || is_whole "$saved" || fail "the snapshot $saved is not what the member sent: its sha256 differs; save another one"
}
run_etcdctl() {
  [ -n "$etcdctl" ] || refuse "$NO_ETCDCTL"
  "$etcdctl" --cacert="$ETC_DIR/pki/client-ca.crt" --cert="$ETC_DIR/pki/operator.crt" --key="$ETC_DIR/pki/operator.key" "$@" || {
    code=$?
    say_ended >&2
    exit "$code"
  }
}
# The command and its arguments, without flags: those of etcdctl that take a value may have it as the next word.
etcdctl_words() {
  found=''
  while [ $# -gt 0 ]; do
    case $1 in
      --) break ;;
      -w | --write-out | --endpoints | --cacert | --cert | --key | --user | --password | --auth-jwt-token | \
        --command-timeout | --dial-timeout | --keepalive-time | --keepalive-timeout | -d | --discovery-srv | \
        --discovery-srv-name | --max-request-bytes | --max-recv-bytes) [ $# -lt 2 ] || shift ;;
      -*) ;;
      *) found="${found:+$found }$1" ;;
    esac
    shift
  done
  printf '%s\n' "$found"
}
has_endpoints() {
  for word in "$@"; do
    case $word in
      --) return 1 ;;
      --endpoints | --endpoints=*) return 0 ;;
    esac
  done
  return 1
}
member_endpoints() { # of those that have started; where they cannot be listed, of the first start
  all=$(ctl --endpoints=https://127.0.0.1:2379 member list -w fields 2>/dev/null | member_rows | cut -d'|' -f4 | sed '/^$/d' | paste -s -d, -)
  [ -n "$all" ] || all=$(sed -n 's/^ETCD_INITIAL_CLUSTER=//p' "$ETC_DIR/bootstrap.env" | tr ',' '\n' | sed 's/^[^=]*=//; s/:2380$/:2379/' | paste -s -d, -)
  echo "$all"
}
# The first member that answers a linearizable read; this host's own is asked first. An alarm does not matter to readers.
healthy_endpoint() { # URLS
  for url in https://127.0.0.1:2379 $(printf '%s' "$1" | tr ',' ' '); do
    case $(ctl --endpoints="$url" endpoint health 2>&1) in
      *' is healthy'* | *'Active Alarm(s)'*) echo "$url"; return ;;
    esac
  done
}
