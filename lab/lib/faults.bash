# shellcheck shell=bash
# What can go wrong around a host: its network and its disk. The rules are on the bridge, where the
# hosts cannot see them.

nft_element() { # add|delete SET ELEMENT
  if [[ $1 == add ]]; then cnet nft "add element bridge lab $2 { $3 }"
  else cnet nft "delete element bridge lab $2 { $3 }" 2>/dev/null || true; fi
}

cmd_partition() { # N: from all | N peers: from the other hosts | N client: from the client | N M: that pair
  need_n "${1:-}"
  case ${2:-all} in
    all) nft_element add isolated "\"p$1\""; nft_element add noclient "\"p$1\"" ;;
    peers) nft_element add isolated "\"p$1\"" ;;
    client) nft_element add noclient "\"p$1\"" ;;
    *) need_n "$2"; nft_element add cut "\"p$1\" . \"p$2\", \"p$2\" . \"p$1\"" ;;
  esac
}

cmd_heal() { # everything | N: all of N's cuts
  local m
  if (($# == 0)); then
    cnet nft 'flush set bridge lab isolated; flush set bridge lab noclient; flush set bridge lab cut; flush chain bridge lab loss'
    return
  fi
  need_n "$1"
  nft_element delete isolated "\"p$1\""
  nft_element delete noclient "\"p$1\""
  for m in $(nodes); do
    nft_element delete cut "\"p$1\" . \"p$m\""
    nft_element delete cut "\"p$m\" . \"p$1\""
  done
}

cmd_loss() { # N PERCENT: drop that share of the packets to and from N's peers
  need_n "${1:-}"
  [[ ${2:-} =~ ^[0-9]+$ ]] || die "loss N PERCENT"
  cnet nft "add rule bridge lab loss oifname \"p$1\" numgen random mod 100 < $2 drop; add rule bridge lab loss iifname \"p$1\" numgen random mod 100 < $2 drop"
}

cmd_rate() { # N RATE (as tc writes it, 256kbit) | N off
  local ns
  need_n "${1:-}"
  ns=$(ns_of "$1")
  ip netns exec "$ns" tc qdisc del dev eth0 root 2>/dev/null || true
  cnet tc qdisc del dev "p$1" root 2>/dev/null || true
  [[ ${2:-off} != off ]] || return 0
  ip netns exec "$ns" tc qdisc add dev eth0 root tbf rate "$2" burst 16kb latency 500ms
  cnet tc qdisc add dev "p$1" root tbf rate "$2" burst 16kb latency 500ms
}

cmd_link() { need_n "${1:-}"; ip -n "$LAB_NAME" link set "p$1" "${2:?up or down}"; }

cmd_fill() { # N [LEAVE_MB]: fill the host's disk
  need_n "${1:-}"
  # shellcheck disable=SC2016 # the host expands it
  cmd_enter "$1" bash -c '
    rm -f /var/lab-fill; avail=$(($(stat -f -c "%a * %S" /) - $1 * 1048576))
    ((avail <= 0)) || fallocate -l "$avail" /var/lab-fill 2>/dev/null || true
    (($1)) || { cat /dev/zero >>/var/lab-fill; } 2>/dev/null || true' fill "${2:-0}"
}
cmd_unfill() { need_n "${1:-}"; cmd_enter "$1" rm -f /var/lab-fill; }
