# What etcd said last: first why it ended, in its own words, then its last lines without those of a Go stack.

LOG_LINES=400 # enough to reach over a stack of all goroutines to the line above it

last_log_lines() { # [COUNT]
  {
    journalctl --unit=etcd.service --lines="$LOG_LINES" --output=cat --no-pager 2>/dev/null || :
    for file in $(log_files); do tail -n "$LOG_LINES" "$file" 2>/dev/null || :; done
  } | read_log "${1:-8}" | cut -c1-300
}
log_files() { sed -n 's/^ *--log-outputs=//p' "$UNIT_FILE" 2>/dev/null | tr ',' '\n' | sed -n 's/ .*//; /^\//p'; }

# etcd's lines are JSON, or with tabs between their parts; panics, wrong flags and systemd's own lines are plain text.
# A service that is started again and again says why at the end of each start, and may be within another one.
read_log() { # COUNT
  awk -v count="$1" '
    function field(key) {
      if (!match($0, "\"" key "\":\"([^\"\\\\]|\\\\.)*\"")) return ""
      value = substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
      gsub(/\\"/, "\"", value)
      gsub(/\\[nt]/, " ", value)
      return value
    }
    function keep(line) { if (!(line in seen)) { seen[line]; why[++reasons] = line } }
    /^Starting etcd/ { if (reasons > 0) { said = reasons; for (i = 1; i <= reasons; i++) last[i] = why[i] } reasons = 0; split("", seen) }
    /^goroutine [0-9]+|^\t|^created by |^[^ (]+\(.*\)$|^exit status |^$/ { next }
    {
      line = $0
      level = ""
      if (/^\{.*"level":"/) {
        level = field("level")
        line = level ": " field("msg")
        if ((detail = field("error")) != "") line = line ": " detail
      } else if (split($0, part, "\t") >= 4) {
        level = part[2]
        line = level ": " part[4] (part[5] == "" ? "" : " " part[5])
      }
      lines[++n] = line
      if (level ~ /^(fatal|panic|dpanic|error)$/) keep(line)
      else if (level == "" && /^(panic: |fatal error: |\[signal |flag |invalid (boolean )?value )|Failed (at step|to set up)/) keep(line)
    }
    END {
      if (reasons == 0) { reasons = said; for (i = 1; i <= said; i++) why[i] = last[i] }
      for (i = reasons > 3 ? reasons - 2 : 1; i <= reasons; i++) { print why[i]; shown[why[i]]; count-- }
      for (i = n > count ? n - count + 1 : 1; i <= n; i++) if (!(lines[i] in shown)) print lines[i]
    }'
}
