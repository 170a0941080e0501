# The ssh host key of a machine that the program creates. That of its first boot is in its user data, where others can read
# it: it is good for the first connection, which brings the one that all others pin.

cmd_host_key() { # the private key on stdin
  need_root
  take_lock
  wait_for_first_boot # it deletes and writes host keys
  received=$(mktemp "$RUN_DIR/.host-key-XXXXXX")
  trap 'rm -f "$received"' EXIT
  cat >|"$received"
  public=$(ssh-keygen -y -P '' -f "$received" 2>/dev/null) || refuse "what came on stdin is not a whole host key; run pulumi up again"
  write_file "$SSH_DIR/ssh_host_ed25519_key" 600 root:root <"$received"
  printf '%s\n' "$public" | write_file "$SSH_DIR/ssh_host_ed25519_key.pub" 644 root:root
  reload_sshd
}

# By a step that was reached by the other one. The public part goes last: a run that was cut off before does all of it again.
drop_first_host_key() {
  [ -e "$SSH_DIR/ssh_host_ecdsa_key.pub" ] || return 0
  rm -f "$SSH_DIR/ssh_host_ecdsa_key"
  reload_sshd
  rm -f "$SSH_DIR/ssh_host_ecdsa_key.pub"
}

reload_sshd() { # Debian's name, then Red Hat's; where a socket starts one for each connection there is none to reload
  for unit in ssh.service sshd.service; do
    [ "$(systemctl is-active "$unit" 2>/dev/null)" = active ] || continue
    systemctl reload "$unit" || fail "$unit cannot be reloaded, so it does not serve the host key; see 'systemctl status $unit' on this machine"
    return 0
  done
}
