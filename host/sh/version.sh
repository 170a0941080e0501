# Versions: one minor at a time.

minor_of() { echo "${1%.*}"; }
next_minor() { echo "${1%.*}.$((${1##*.} + 1))"; }
not_older() { # A B: is A the same patch as B or a later one? Of one minor.
  [ "$(minor_of "$1")" = "$(minor_of "$2")" ] && [ "${1##*.}" -ge "${2##*.}" ]
}
running_versions() { cut -d'|' -f3 "$work/status" | sort -u; }

# What the members have agreed on, MAJOR.MINOR: it rises when the last one runs the new minor, and falls only by
# etcd's downgrade. Nothing if no member says it: until all have been seen once, they say 3.0, which is no decision.
cluster_version() {
  for url in $(healthy_urls_but none | tr ',' ' '); do
    fetch_from client "${url#https://}" "$work/version" 'GET /version HTTP/1.0\r\n\r\n'
    sed -n 's/.*"etcdcluster":"\([0-9]*\.[0-9]*\)[^"]*".*/\1/p' "$work/version"
  done | sed '/^3\.0$/d' | sort -u -t. -k1,1n -k2,2n | tail -n 1
}

# May a member of this cluster start with the declared version? Checked in preview too, but against what was proven then.
prove_version_step() {
  agreed=$(cluster_version)
  wanted=$(minor_of "$version")
  if [ -z "$agreed" ] || [ "$wanted" = "$agreed" ]; then return; fi
  [ "$wanted" = "$(next_minor "$agreed")" ] ||
    refuse "the cluster is at version $agreed, so etcd $version cannot start in it: one minor at a time, and back only by etcd's downgrade (etcd:allow: [downgrade]); correct etcd:version"
  for running in $(running_versions); do
    [ "$(minor_of "$running")" = "$wanted" ] || [ -z "$upgrades_from" ] || not_older "$running" "$upgrades_from" ||
      refuse "a member runs etcd $running, from which an upgrade to $wanted is not safe: go to $upgrades_from or newer first"
  done
}

# etcd's own way back, one minor: it first makes the members write only what the older minor can read.
DOWNGRADE_SECONDS=120
enable_downgrade() { # MINOR
  allowed downgrade || refuse "the cluster is at version $agreed; going back to $1 needs etcd's downgrade procedure: set etcd:allow: [downgrade], then run again"
  [ -z "$(unhealthy_voters_but none)" ] || refuse "not healthy: $(unhealthy_voters_but none); a downgrade needs all members healthy"
  if [ "$(downgrade_target)" != "$1" ]; then
    save_snapshot "$agreed"
    for verb in validate enable; do
      ctl --endpoints="$(healthy_urls_but none)" downgrade "$verb" "$1.0" >"$work/downgrade" 2>&1 ||
        fail "etcd refuses 'downgrade $verb $1.0': $(tail -n 1 "$work/downgrade")"
    done
  fi
  deadline=$(($(date +%s) + DOWNGRADE_SECONDS))
  until [ "$(cluster_version)" = "$1" ] && stores_all_as "$1"; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "the members still store data in a newer format after $DOWNGRADE_SECONDS s; 'etcd-host ctl downgrade cancel' stops the downgrade, another run continues it"
    sleep 0.5
    query_cluster || :
  done
  note "the downgrade to $1 is enabled, and every member stores its data in the older format"
}
downgrade_target() { cat "$work"/status-* | sed -n 's/^"DowngradeTargetVersion" : "\([0-9]*\.[0-9]*\).*/\1/p' | sort -u; }
stores_all_as() { # MINOR
  [ "$(cat "$work"/status-* | sed -n 's/^"StorageVersion" : "\([0-9]*\.[0-9]*\).*/\1/p' | sort -u)" = "$1" ]
}
