# shellcheck shell=bash
# The lab's network.
#   namespace $LAB_NAME   bridge br0 = $LAB_NET.1, ports p1..pN. The client runs here.
#   namespace of host n   eth0 = $LAB_NET.(100+n), the other end of pn.
# Nothing is created in, or routed through, the machine's own namespace but the guard route.

# A client started outside the lab's namespace by mistake would send packets for $LAB_NET.x to the
# machine's real network. The guard makes that fail at once: an "unreachable" route in the machine's
# own namespace, unless it has a route there. Labs with the same network share it, the last one down
# removes it; which are up is read from the namespaces themselves, under one lock.
GUARD=(unreachable "$LAB_NET.0/24" metric 4242)
NET_LOCK=/run/lock/lab-network

net_up() { with_lock "$NET_LOCK" make_client_namespace; }
net_down() { with_lock "$NET_LOCK" drop_client_namespace; }

make_client_namespace() {
  if ! net_complete; then
    if has_ns "$LAB_NAME"; then ip netns del "$LAB_NAME"; fi
    ip netns add "$LAB_NAME"
    cnet sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
    cnet sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
    ip -n "$LAB_NAME" link set lo up
    ip -n "$LAB_NAME" link add br0 address 02:00:00:00:01:01 type bridge
    ip -n "$LAB_NAME" addr add "$LAB_NET.1/24" dev br0
    ip -n "$LAB_NAME" link set br0 up
    filter_rules | cnet nft -f - # made in one step, and last: it says that the namespace is complete
  fi
  if [[ $LAB_GUARD == 1 && -z $(ip route show "$LAB_NET.0/24") ]]; then ip route add "${GUARD[@]}"; fi
}
net_complete() { has_ns "$LAB_NAME" && cnet nft list table bridge lab >/dev/null 2>&1; }

filter_rules() {
  cat <<'NFT'
table bridge lab {
  set isolated { type ifname; }            # host cut off from the other hosts
  set noclient { type ifname; }            # host cut off from the client
  set cut      { type ifname . ifname; }   # pairs of hosts
  chain c_forward {
    type filter hook forward priority 0; policy accept;
    iifname @isolated drop
    oifname @isolated drop
    iifname . oifname @cut drop
    jump loss
  }
  chain c_input  { type filter hook input priority 0; policy accept; iifname @noclient drop; }
  chain c_output { type filter hook output priority 0; policy accept; oifname @noclient drop; }
  chain loss { }
}
NFT
}

drop_client_namespace() {
  if has_ns "$LAB_NAME"; then ip netns del "$LAB_NAME"; fi
  rm -rf "/etc/netns/$LAB_NAME"
  rmdir /etc/netns 2>/dev/null || true
  other_lab_is_up || ip route del "${GUARD[@]}" 2>/dev/null || true
}
other_lab_is_up() { # with this lab's network
  local ns
  for ns in /run/netns/*; do
    [[ -z $(ip -n "${ns##*/}" -4 addr show dev br0 to "$LAB_NET.1" 2>/dev/null) ]] || return 0
  done
  return 1
}

# A host without power answers nothing: its port is down whenever it is not running.
cable() { ip -n "$LAB_NAME" link set "p$1" "$2" 2>/dev/null || true; }

node_net_up() {
  local n=$1 ns
  ns=$(ns_of "$n")
  has_ns "$ns" || ip netns add "$ns"
  [[ -z $(ip -n "$ns" route show default) ]] || return 0 # the route is made last
  ip -n "$ns" link del eth0 2>/dev/null || true
  ip -n "$LAB_NAME" link del "p$n" 2>/dev/null || true
  ip -n "$ns" link add eth0 address "$(printf '02:00:00:00:01:%02x' $((100 + n)))" \
    type veth peer name "p$n" netns "$LAB_NAME"
  ip -n "$LAB_NAME" link set "p$n" master br0
  if populated "n$n"; then cable "$n" up; fi
  ip -n "$ns" link set lo up
  ip -n "$ns" addr add "$(ip_of "$n")/24" dev eth0
  ip -n "$ns" link set eth0 up
  ip -n "$ns" route add default via "$LAB_NET.1" # a dead end: the lab forwards nothing
}

write_names() { # host keys for ssh; names for the client, through ip netns exec's /etc/netns
  local n d=/etc/netns/$LAB_NAME
  for n in $(nodes); do
    if is_instance "$n"; then continue; fi # its keys are the user data's
    echo "$(ip_of "$n") $(cut -d' ' -f1,2 "$NODES/$n/ssh/ssh_host_ed25519_key.pub")"
  done >"$KNOWN"
  mkdir -p "$d"
  {
    echo "127.0.0.1 localhost"
    echo "$LAB_NET.1 client"
    for n in $(nodes); do echo "$(ip_of "$n") node$n"; done
  } >"$d/hosts"
  : >"$d/resolv.conf"
}
