# What others read: the proof of the last step, and etcdctl's answers.

# One line, found by its mark: whatever a login prints stands on lines of its own.
PROOF_MARK='== proof of etcd-host: '
print_proof() { # <JSON
  printf '\n%s%s\n' "$PROOF_MARK" "$(tr -d '\n')"
}

# etcdctl logs an error as a line of JSON, and then prints it as it was sent: what is meant comes out, in one sentence.
AUTHENTICATION="etcd's authentication is on, and this host's operator certificate is not that of its user root: set etcd:rbac (true keeps authentication on, false turns it off), or raise etcd:checkId where it is set, then run 'pulumi up', which gives every host the right one"
plain_answer() { # <etcdctl's output
  awk -v sentence="$AUTHENTICATION" '
    /etcdserver: (permission denied|user name (not found|is empty)|invalid auth token)/ { answer = sentence; exit }
    !/^\{"level"/ { answer = $0 }
    END { print answer }'
}
