# What has ended, by this host's clock. Nobody accepts an ended certificate, nor one of an ended CA: members go on over the
# connections that they have, and every new one fails. Who gets no answer then says why.

last_end() { # FILE: "SECONDS TIME" of the certificate in it that ends last, as openssl has it; nothing where none can be read
  awk '/^-----BEGIN CERTIFICATE-/, /^-----END CERTIFICATE-/ { print | "openssl x509 -noout -enddate" }
    /^-----END CERTIFICATE-/ { close("openssl x509 -noout -enddate") }' "$1" 2>/dev/null |
    sed -n 's/^notAfter=//p' | while read -r end; do echo "$(seconds_of "$end") $end"; done | sort -n | tail -n 1
}
# All that are in it. What cannot be read is not known to have ended.
has_ended() { # FILE
  end=$(last_end "$1")
  [ -n "$end" ] && [ "${end%% *}" -le "$(date -u +%s)" ]
}
ended_loaded_ca() { # client or peer: of which CAs etcd here has loaded none that is still valid
  for side in client peer; do
    if has_ended "$RUN_DIR/started/$side-ca.crt"; then echo "$side"; return; fi
  done
}

# For the end of a sentence; nothing where nothing of this host has ended. A CA first: its leaf certificates are of no use.
why_silent() {
  side=$(ended_loaded_ca)
  for ca in client peer; do if has_ended "$ETC_DIR/pki/$ca-ca.crt"; then side=$ca; fi; done
  if [ -n "$side" ]; then
    file=$RUN_DIR/started/$side-ca.crt
    has_ended "$file" || file=$ETC_DIR/pki/$side-ca.crt
    end=$(last_end "$file")
    echo "; the $side CA of this host ended on $(utc_time "${end#* }"), so no new connection is accepted: 'pulumi up' with etcd:allow: [expired-ca] renews it, and restarts the members"
    return
  fi
  ended=''
  for leaf in server peer operator; do
    if has_ended "$ETC_DIR/pki/$leaf.crt"; then ended="$ended $leaf ($(utc_time "$(end_date "$ETC_DIR/pki/$leaf.crt")"))"; fi
  done
  [ -z "$ended" ] || echo "; leaf certificates of this host have ended, so no new connection is accepted:$ended. 'pulumi up' renews them, without a restart"
}
say_ended() { # [BEFORE]
  ended=$(why_silent)
  [ -z "$ended" ] || say "${1-}${ended#; }"
}

# A member whose CA has ended accepts nobody, so no quorum can be asked, and once restarted it meets members that still
# refuse it: it is restarted without a proof, and not waited for. Only where that was allowed by name, after the
# workstation found the CA ended as well, and while the process has nothing else loaded.
may_restart_unproven() { allowed expired-ca && [ -n "$(ended_loaded_ca)" ]; }

READY_SECONDS=10 # and two elections: for a member that meets its peers at once
restart_unproven() { # UNIT
  side=$(ended_loaded_ca)
  end=$(last_end "$RUN_DIR/started/$side-ca.crt")
  has_peers=yes
  ! has_ended "$RUN_DIR/started/peer-ca.crt" || has_peers=''
  note "the $side CA that etcd on $name has loaded ended on $(utc_time "${end#* }"): it restarts without a proof, with the renewed one"
  need_same_bootstrap
  keep_told # before it may serve
  if is_running; then systemctl stop etcd.service; fi
  start_member "$1"
  [ -z "$has_peers" ] || wait_a_while
}
wait_a_while() { # the others go on meanwhile: the next one should not restart before this one is back
  until_s=$(($(date +%s) + $(with_elections "$READY_SECONDS")))
  until is_ready || [ "$(date +%s)" -ge "$until_s" ]; do sleep 0.1; done
}
