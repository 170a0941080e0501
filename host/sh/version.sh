# Versions: one minor at a time.

minor_of() { echo "${1%.*}"; }
next_minor() { echo "${1%.*}.$((${1##*.} + 1))"; }
not_older() { # A B: is A the same patch as B or a later one? Of one minor.
  [ "$(minor_of "$1")" = "$(minor_of "$2")" ] && [ "${1##*.}" -ge "${2##*.}" ]
}
running_versions() { cut -d'|' -f3 "$work/status" | sort -u; }

# What the members have agreed on, MAJOR.MINOR: it rises when the last one runs the new minor, and falls only by
# etcd's downgrade. Nothing if none has been decided: until all have been seen once, they say 3.0. Refused where a healthy
# voter does not say it: it could be the one that knows better.
cluster_version() { # [BUT-ID]
  ask_versions "${1:-none}" || refuse "$problem"
  newest_said
}
newest_said() {
  sed -n 's/.*"etcdcluster":"\([0-9]*\.[0-9]*\)[^"]*".*/\1/p' "$work/versions" | sed '/^3\.0$/d' | sort -u -t. -k1,1n -k2,2n | tail -n 1
}
ask_versions() { # BUT-ID: fills $work/versions
  healthy_voters_but "$1" >"$work/asked-versions"
  : >"$work/versions"
  while read -r voter url; do
    ! is_excused "$voter" || continue # this very change may be what makes it answer
    ask_version "$url" || ask_version "$url" || say_problem "$voter is healthy, but does not say the cluster's version ($url/version); see 'etcd-host health' and run again" || return 1
    cat "$work/version" >>"$work/versions"
  done <"$work/asked-versions"
  [ -s "$work/versions" ] || say_problem "no healthy member says the cluster's version; see 'etcd-host health' and run again"
}
ask_version() { # CLIENT-URL
  fetch_from client "${1#https://}" "$work/version" 'GET /version HTTP/1.0\r\n\r\n'
  grep -q '"etcdcluster":"' "$work/version"
}

# May a member of this cluster start with the declared version? Checked in preview too, but against what was proven then.
prove_version_step() { # [BUT-ID]
  agreed=$(cluster_version "${1:-none}")
  wanted=$(minor_of "$version")
  if [ -z "$agreed" ] || [ "$wanted" = "$agreed" ]; then return; fi
  [ "$wanted" = "$(next_minor "$agreed")" ] ||
    refuse "the cluster is at version $agreed, so etcd $version cannot start in it: one minor at a time, and back only by etcd's downgrade (etcd:allow: [downgrade]); correct etcd:version"
  every_voter_answers || refuse "$problem"
  for running in $(running_versions); do
    [ "$(minor_of "$running")" = "$wanted" ] || [ -z "$upgrades_from" ] || not_older "$running" "$upgrades_from" ||
      refuse "a member runs etcd $running, from which an upgrade to $wanted is not safe: go to $upgrades_from or newer first"
  done
}

# etcd's own way back, one minor: it first makes the members write only what the older minor can read.
DOWNGRADE_SECONDS=120
enable_downgrade() { # MINOR
  allowed downgrade || refuse "the cluster is at version $agreed; going back to $1 needs etcd's downgrade procedure: set etcd:allow: [downgrade], then run again"
  until_proven all_healthy
  if [ "$(downgrade_target)" != "$1" ]; then
    save_snapshot "$agreed"
    until_proven all_healthy # still
    for verb in validate enable; do
      ctl --endpoints="$(healthy_urls_but none)" downgrade "$verb" "$1.0" >"$work/downgrade" 2>&1 ||
        fail "etcd refuses 'downgrade $verb $1.0': $(plain_answer <"$work/downgrade")"
    done
  fi
  deadline=$(($(date +%s) + DOWNGRADE_SECONDS))
  until cluster_version_is "$1" && stores_all_as "$1"; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "the members still store data in a newer format after $DOWNGRADE_SECONDS s; 'etcd-host ctl downgrade cancel' stops the downgrade, another run continues it"
    sleep 0.5
    query_cluster || :
  done
  note "the downgrade to $1 is enabled, and every member stores its data in the older format"
}
all_healthy() {
  [ -z "$(unhealthy_voters_but none)" ] || say_problem "not healthy: $(unhealthy_voters_but none); a downgrade needs all members healthy" || return 1
  every_voter_answers
}
cluster_version_is() { ask_versions none && [ "$(newest_said)" = "$1" ]; } # MINOR
# The cluster has one; a member that is a moment behind may not know of it yet.
downgrade_target() { sed -n 's/^"DowngradeTargetVersion" : "\([0-9]*\.[0-9]*\).*/\1/p' "$work/status.fields" | sort -u; }
stores_all_as() { # MINOR: every voter says so
  sed -n 's/^"StorageVersion" : "\([0-9]*\.[0-9]*\).*/\1/p' "$work/status.fields" >"$work/stored"
  [ "$(sort -u "$work/stored")" = "$1" ] && [ "$(wc -l <"$work/stored")" -ge "$(voters | wc -l)" ]
}
