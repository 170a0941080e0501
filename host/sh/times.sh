# Times that others write, read without `date -d`: busybox does not know these forms, and uutils not all of them.

# Seconds since 1970 of a time as openssl prints it (Nov  7 21:35:59 2026 GMT), as HTTP has it (Sat, 07 Nov 2026 21:35:59
# GMT) or of RFC 3339; nothing for anything else.
seconds_of() { # TIME
  printf '%s\n' "$1" | awk '
    function month(word) { return (index("JanFebMarAprMayJunJulAugSepOctNovDec", word) + 2) / 3 }
    function days(y, m, d) {
      if (m <= 2) { y--; m += 12 }
      return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + d - 719469
    }
    function show(y, m, d, clock, part) {
      if (m < 1 || m != int(m) || split(clock, part, ":") != 3) return
      printf "%.0f\n", days(y, m, d) * 86400 + part[1] * 3600 + part[2] * 60 + int(part[3]) - east
    }
    $5 == "GMT" && NF == 5 { show($4, month($1), $2, $3) }
    $6 == "GMT" && NF == 6 { show($4, month($3), $2, $5) }
    /^[0-9]+-[0-9]+-[0-9]+T/ && NF == 1 {
      if (match($0, /[+-][0-9][0-9]:[0-9][0-9]$/)) {
        zone = substr($0, RSTART)
        east = (substr(zone, 2, 2) * 60 + substr(zone, 5, 2)) * (zone ~ /^-/ ? -60 : 60)
        $0 = substr($0, 1, RSTART - 1)
      }
      sub(/Z$/, "")
      split($0, half, "T")
      split(half[1], date, "-")
      show(date[1], date[2] + 0, date[3], half[2])
    }'
}
# A time of openssl, in the form of RFC 3339.
utc_time() { # TIME
  printf '%s\n' "$1" | awk '{ printf "%s-%02d-%02dT%sZ\n", $4, (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3, $2, $3 }'
}
