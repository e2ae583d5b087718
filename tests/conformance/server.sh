# shellcheck shell=bash disable=SC2034
# A file for `source`. It runs one echo server at a time, on a port that the server chooses.

server=
server_files=$(mktemp -d)
mkfifo "$server_files/open"
# A peer ends when its standard input does, so this file descriptor keeps it open.
exec 9<>"$server_files/open"

end_server() {
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  server=
}

# Ends the server and removes the files. For use in a trap.
stop_server() {
  end_server
  rm -rf "$server_files"
}

# start_server command...: starts the server, waits until it prints "listening ... PORT", and sets
# `server` and `url`. Returns 1 and prints the server's output if it does not start.
start_server() {
  end_server
  : >"$server_files/log"
  "$@" <"$server_files/open" >"$server_files/log" 2>&1 &
  server=$!
  local tries=0 port=
  while [[ -z $port ]]; do
    port=$(sed -nE '/.*listening (on 127\.0\.0\.1:)?([0-9]+)([^0-9.].*)?$/{s//\2/p;q}' "$server_files/log")
    [[ -n $port ]] && break
    if ! kill -0 "$server" 2>/dev/null || ((++tries > 400)); then
      cat "$server_files/log" >&2
      end_server
      return 1
    fi
    sleep 0.05
  done
  url=ws://127.0.0.1:$port/
}

# Prints the CPU seconds that the server has used.
server_cpu() {
  local ticks
  ticks=$(getconf CLK_TCK)
  # The process name, in parentheses, may contain spaces.
  sed 's/.*) //' "/proc/$server/stat" | awk -v ticks="$ticks" '{ printf "%.2f", ($12 + $13) / ticks }'
}
