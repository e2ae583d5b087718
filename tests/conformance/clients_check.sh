# shellcheck shell=bash disable=SC2154
# A file for `source` by tests/conformance/check. It runs the catalogue against clients: the suite is
# the server. Clients with known faults must get the verdicts that they deserve.

# serve_client FLAGS... -- COMMAND...: runs the cases with the client, which gets the URL after its
# own arguments. Sets `status` to the status of wsconform, and prints as run() does.
serve_client() {
  local flags=()
  while [[ $1 != -- ]]; do
    flags+=("$1")
    shift
  done
  shift
  start_server "$wsconform" --serve 127.0.0.1:0 --patience "$patience" "${flags[@]}" || return 1
  # A client that ends early would leave the suite waiting for the next case.
  timeout 3600 "${@:1:2}" "${url%/}" "${@:3}" >"$scratch/client" 2>&1 || {
    cat "$scratch/client"
    kill "$server" 2>/dev/null || true
  }
  status=0
  wait "$server" || status=$?
  server=
  sed '/^listening /d' "$server_files/log" >"$scratch/out"
}
table() { sed -n '/^group /,$p' "$scratch/out"; }

# Each line has a fault of faulty_echo_client.py, a case, the verdict that the suite must reach on
# behavior and on the close, and words that its reason must have ("-" for any reason).
client_faults='
none             1.1.2  OK            OK               -
none             2.2    OK            OK               -
none             3.1    OK            OK               -
none             9.7.2  OK            OK               -
none             12.1.1 UNIMPLEMENTED OK               -
method           1.1.2  FAILED        FAILED           expected a GET
host             1.1.2  FAILED        FAILED           Host
connection       1.1.2  FAILED        FAILED           Connection field
version          1.1.2  FAILED        FAILED           Sec-WebSocket-Version
key-short        1.1.2  FAILED        FAILED           base64 of 16 bytes
key-again        1.1.2  FAILED        FAILED           same Sec-WebSocket-Key twice
early            1.1.2  FAILED        FAILED           before it had the response
unmasked         1.1.2  FAILED        FAILED           did not mask
same-mask        9.7.2  FAILED        FAILED           same masking key
length-16        1.1.2  FAILED        FAILED           shortest encoding of the length 125
text             1.1.2  FAILED        OK               -
type             1.1.2  FAILED        ANY              -
rsv              1.1.2  FAILED        ANY              reserved bits
pong             2.2    FAILED        ANY              -
gone             1.1.2  FAILED        FAILED           -
deaf             1.1.2  OK            UNCLEAN          -
deaf             7.9.1  OK            FAILED-BY-CLIENT -
no-close         1.1.2  OK            UNCLEAN          -
no-close         3.1    OK            OK               -
code             1.1.2  OK            WRONG-CODE       -
code             7.3.1  FAILED        WRONG-CODE       -
reserved-code    1.1.2  FAILED        ANY              Close with the code 1005
after-close      7.1.3  FAILED        ANY              after its Close
tolerant         3.1    FAILED        FAILED           -
deflate          12.1.1 OK            OK               -
deflate          13.2.1 FAILED        ANY              cannot be decompressed
deflate          13.3.4 FAILED        ANY              cannot be decompressed
deflate          13.4.1 OK            OK               -
deflate-no-bits  12.1.1 OK            OK               -
deflate-no-bits  13.3.1 UNIMPLEMENTED OK               -
deflate-no-bits  13.7.1 FAILED        ANY              cannot be decompressed
deflate-unknown  12.1.1 FAILED        FAILED           unknown or invalid parameter
deflate-corrupt  12.1.1 FAILED        FAILED           cannot be decompressed
'

check_client_faults() { # python
  local python=$1 fault id behavior close reason saw saw_close saw_reason right=0 wrong=0
  while read -r fault id behavior close reason; do
    [[ -n $fault ]] || continue
    rm -f "$scratch/one.json"
    serve_client --cases "$id" --json "$scratch/one.json" -- "$python" "$peers/faulty_echo_client.py" "$fault"
    saw=$(sed -nE 's/.*"behavior": "([^"]*)".*/\1/p' "$scratch/one.json")
    saw_close=$(sed -nE 's/.*"behaviorClose": "([^"]*)".*/\1/p' "$scratch/one.json" | tr ' ' -)
    saw_reason=$(sed -nE 's/.*"result": "([^"]*)".*/\1/p' "$scratch/one.json")
    if [[ $saw == "$behavior" && ($close == ANY || $close == "$saw_close") &&
      ($reason == - || $saw_reason == *"$reason"*) ]]; then
      right=$((right + 1))
    else
      wrong=$((wrong + 1))
      echo "a client with the fault '$fault', case $id: expected $behavior, $close and '$reason', got $saw, $saw_close and '$saw_reason'"
    fi
  done <<<"$client_faults"
  if [[ $wrong -eq 0 ]]; then pass "$right verdicts on clients with a fault"; else fail "$wrong verdicts on clients with a fault"; fi
  serve_client --cases 1.1.1,1.1.2 -- "$python" "$peers/faulty_echo_client.py" not-run
  if [[ $status -eq 1 && $(grep -c 'was not run' "$scratch/out") -eq 2 ]]; then
    pass "a client that skips cases: exit 1"
  else
    fail "a client that skips cases: exit $status"
  fi
}

# The client of this library must be flawless.
check_library_client() {
  local skip=
  has_deflate || skip='12.*,13.*'
  serve_client --strict --cases "$client_cases" --exclude "$skip" -- "$echo_client"
  table
  if [[ $status -eq 0 ]]; then
    pass "wsd::Client"
  else
    remarks | cut -c 1-200
    fail "wsd::Client (exit $status)"
  fi
}

# known_client NAME VERSION KNOWN COMMAND...: no case may fail, and some must be NON-STRICT. Which ones
# those are depends on the version of the client and on the time: when the frames of a case arrive in
# one read, the client sees the violation before it answers the message that came first. So the check
# prints the known cases beside those that it saw, and judges only what holds each time.
known_client() {
  local name=$1 version=$2 known=$3 saw
  shift 3
  serve_client --cases "$client_cases" -- "$@"
  table
  saw=$(remarks | sed -nE 's/^([0-9.]+) NON-STRICT: .*/\1/p' | paste -sd ' ')
  echo "$name $version as a client: NON-STRICT in $saw; known: $known"
  if [[ $status -eq 0 && -n $saw ]]; then
    pass "$name as a client has NON-STRICT cases and no failed one"
  else
    remarks | cut -c 1-200
    fail "$name as a client: exit $status, NON-STRICT in '$saw'"
  fi
}

# Each case that sends invalid UTF-8 must fail against a client that does not check text.
check_client_red() {
  local bad
  bad=$("$wsconform" --list --cases '6.*' | grep -c '1007')
  serve_client --cases '6.*' -- node "$peers/ws_echo_client.cjs" --skip-utf8
  if [[ $status -eq 1 && $(count FAILED 6) -eq $bad && $(count not-clean 6) -eq $bad ]]; then
    pass "group 6 against a client that does not check UTF-8: $bad cases fail"
  else
    remarks | cut -c 1-200
    fail "group 6 against a client that does not check UTF-8: $(count FAILED 6) cases fail, not $bad"
  fi
}

# rejected STATUS flags...: wsconform must exit with STATUS without serving.
rejected() {
  local expected=$1 saw=0
  shift
  timeout 20 "$wsconform" "$@" >/dev/null 2>&1 || saw=$?
  if [[ $saw -eq $expected ]]; then pass "wsconform $*: exit $saw"; else fail "wsconform $*: exit $saw, not $expected"; fi
}

# check_clients CASES: runs the clients without a fault in these cases.
check_clients() {
  local python client_cases=$1
  rejected 2 --serve 9007
  rejected 2 --serve 127.0.0.1:0 ws://127.0.0.1:1/
  rejected 2 --serve 127.0.0.1:0 --jobs 2
  rejected 69 --serve 192.0.2.1:0
  if [[ -x $echo_client ]]; then check_library_client; else fail "wsd::Client: $echo_client was not built"; fi
  if python=$(command -v python3); then check_client_faults "$python"; else missing "clients with a fault" python3; fi
  if node -e 'require("ws")' >/dev/null 2>&1; then
    check_client_red
    known_client "npm ws" "$(node -p 'require("ws/package.json").version')" \
      "8.11.0, 6.4.1 6.4.2 6.4.3 6.4.4" node "$peers/ws_echo_client.cjs"
  else
    missing "npm ws as a client" "node with the module ws"
  fi
  if python=$(tests/find_python 2>/dev/null); then
    known_client websockets "$("$python" -c 'import websockets.version as v; print(v.version)')" \
      "10.4, 3.2 3.3 3.4 4.1.3 4.1.4 4.1.5 4.2.3 4.2.4 4.2.5 5.15 6.4.3 6.4.4" \
      "$python" "$peers/websockets_echo_client.py"
  else
    missing "websockets as a client" "python3 with the module websockets"
  fi
}
