# shellcheck shell=bash
# The client: where the program under test runs, and the ways from there into a host.

NODE_BIN=$PROJECT/node_modules/.bin # the project's own Node.js, whatever the machine has

cmd_key() { echo "$KEY"; }

node_ssh() { # N [-o OPTION]... CMD...
  local n=$1 opts=() user=root known=$KNOWN
  shift
  while [[ ${1:-} == -o ]]; do opts+=("$1" "$2"); shift 2; done
  if is_instance "$n"; then user=admin known=$(instance_known_hosts "$n"); fi
  cnet ssh "${opts[@]}" -i "$KEY" -o IdentitiesOnly=yes -o UserKnownHostsFile="$known" \
    -o StrictHostKeyChecking=yes -o ConnectTimeout=5 -o LogLevel=ERROR \
    "${LAB_SSH_USER:-$user}@$(ip_of "$n")" "$@"
}
cmd_ssh() { need_n "${1:-}"; node_ssh "$@"; }

cmd_enter() { # N CMD...: a root shell on the host without the network (works while partitioned)
  local p
  need_n "${1:-}"
  p=$(leader "$1") || die "node$1 is not running"
  shift
  (($#)) || set -- /bin/bash -l
  nsenter -t "$p" -m -u -i -n -p -C -- "$@"
}

cmd_exec() {
  (($#)) || die "exec CMD..."
  has_ns "$LAB_NAME" || die "the lab is not up: lab up"
  pulumi_environment
  [[ $1 != pulumi ]] || command -v pulumi >/dev/null || die "there is no Pulumi engine yet: lab engine"
  # not `ip netns exec`, which also hides /sys: the lab's own commands need its cgroups
  # shellcheck disable=SC2016 # the inner shell expands it
  exec unshare --mount --propagation slave nsenter --net="/run/netns/$LAB_NAME" sh -c '
    for file in hosts resolv.conf; do mount --bind "/etc/netns/$0/$file" "/etc/$file" || exit; done
    exec "$@"' "$LAB_NAME" "$@"
}

# Finding the engine takes a while, so exec reads it from a file.
ENGINE_BIN=$LAB_DIR/engine-bin
cmd_engine() { # prints its kind
  local found
  found=$("$NODE_BIN/node" "$HERE/engine/find.ts")
  mkdir -p "$LAB_DIR"
  tail -n 1 <<<"$found" >"$ENGINE_BIN"
  head -n 1 <<<"$found"
}

# Pulumi's home, state and stack are the lab's own: the user's login and stacks are never touched.
pulumi_environment() {
  PATH=$NODE_BIN:$PATH
  if [[ -r $ENGINE_BIN ]]; then PATH=$(<"$ENGINE_BIN"):$PATH; fi
  PATH=$HERE/ec2/bin:$PATH # the simulated EC2, in place of the official aws plugin
  export PATH PULUMI_HOME=$LAB_DIR/pulumi-home PULUMI_STACK=$LAB_STACK
  # Without metadata=skip the backend keeps a side file beside each state that it does not write atomically: a CLI
  # killed at that moment leaves a state that cannot be loaded ("failed to load checkpoint: EOF").
  export PULUMI_BACKEND_URL="file://$LAB_DIR/state?metadata=skip"
  # Not a secret: what it encrypts lies beside the lab's own keys and is thrown away with them.
  export PULUMI_CONFIG_PASSPHRASE=lab
  # The lab has no way out, so the CLI must not look for updates or plugins.
  export PULUMI_SKIP_UPDATE_CHECK=true PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
  # Node keeps what it compiled of the Pulumi SDK: a third less of every start.
  export NODE_COMPILE_CACHE=$ETCD_CACHE/node
  # A stale agent socket makes the command provider give up although it has a key.
  unset SSH_AUTH_SOCK PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_ACCESS_TOKEN
}
