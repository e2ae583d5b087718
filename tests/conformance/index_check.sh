# shellcheck shell=bash disable=SC2154
# A file for `source` by tests/conformance/check, which sets wsconform, scratch, pass and fail. It
# checks that `wsconform --from-autobahn` accepts an index only if every case is in it and good.

# index_agent AGENT: reads lines "CASE BEHAVIOR CLOSE" and prints one agent's part of an index.json.
index_agent() {
  awk -v agent="$1" '
    BEGIN { printf "   \"%s\": {", agent }
    {
      printf "%s\n      \"%s\": {\"behavior\": \"%s\", \"behaviorClose\": \"%s\", \"duration\": 1, \"remoteCloseCode\": null}", (NR > 1 ? "," : ""), $1, $2, $3
    }
    END { printf "\n   }" }'
}

# judge_index NAME STATUS TEXT flags...: wsconform must exit with STATUS for $scratch/index.json and
# print TEXT.
judge_index() {
  local name=$1 expected=$2 text=$3 status=0
  shift 3
  "$wsconform" --from-autobahn "$scratch/index.json" "$@" >"$scratch/out" 2>&1 || status=$?
  if [[ $status -eq $expected ]] && grep -qF -- "$text" "$scratch/out"; then
    pass "index: $name"
  else
    tail -n 5 "$scratch/out"
    fail "index: $name: exit $status, not $expected with '$text'"
  fi
}

check_index() {
  local good=$scratch/good
  "$wsconform" --list | awk '{ print $1, "OK", "OK" }' >"$good"
  # Writes the index of one agent from the lines on standard input.
  write() { { echo '{'; index_agent wsd; printf '\n}\n'; } >"$scratch/index.json"; }

  write <"$good"
  judge_index "all 517 cases are good" 0 "517" --strict
  head -c -20 "$scratch/index.json" >"$scratch/torn" && mv "$scratch/torn" "$scratch/index.json"
  judge_index "a file without its end is rejected" 1 "is not an index of the Autobahn Testsuite"
  rm "$scratch/index.json"
  judge_index "a file that does not exist is rejected" 1 "is not an index of the Autobahn Testsuite"
  : | write
  judge_index "an agent without cases is rejected" 1 "517 of 517 cases are missing: 1.1.1 to 13.7.18"
  head -n 301 "$good" | write
  judge_index "a run that stopped after case 301 is rejected" 1 "216 of 517 cases are missing: 12.1.1 to 13.7.18"
  grep -vE '^(2\.10|6\.4\.[34]) ' "$good" | write
  judge_index "each missing case is named" 1 "3 of 517 cases are missing: 2.10, 6.4.3 to 6.4.4"
  { cat "$good"; echo "2.10 OK OK"; } | write
  judge_index "a case that appears twice is rejected" 1 "cases appear twice: 2.10"
  { sed '/^2\.10 /d' "$good"; echo "2.9 OK OK"; } | write
  judge_index "a repeated case does not replace a missing one" 1 "1 of 517 cases are missing: 2.10"
  { cat "$good"; echo "9.9.1 OK OK"; echo "1.1.1x OK OK"; } | write
  judge_index "an unknown case is rejected" 1 "cases are not in the catalogue: 9.9.1, 1.1.1x"
  sed 's/^6\.4\.3 .*/6.4.3 NON-STRICT OK/' "$good" | write
  judge_index "NON-STRICT is good enough by default" 0 "6.4.3 NON-STRICT"
  judge_index "NON-STRICT fails under --strict" 1 "6.4.3 NON-STRICT" --strict
  sed 's/^9\.1\.6 .*/9.1.6 FAILED OK/' "$good" | write
  judge_index "FAILED fails" 1 "9.1.6 FAILED"
  sed 's/^9\.1\.6 .*/9.1.6 OK UNCLEAN/' "$good" | write
  judge_index "an unclean close fails" 1 "close UNCLEAN"
  sed 's/^9\.1\.6 .*/9.1.6 SPLENDID OK/' "$good" | write
  judge_index "an unknown verdict fails" 1 "9.1.6 FAILED"
  sed 's/^7\.1\.6 .*/7.1.6 INFORMATIONAL INFORMATIONAL/' "$good" | write
  judge_index "INFORMATIONAL is good" 0 "7.1.6 INFORMATIONAL" --strict
  { echo '{'; index_agent one <"$good"; echo ,; head -n 500 "$good" | index_agent two; printf '\n}\n'; } >"$scratch/index.json"
  judge_index "each agent needs all cases" 1 "'two': 17 of 517 cases are missing"
}
