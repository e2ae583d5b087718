# Functions of the bench scripts. To be sourced, with the working directory at the top of the project.
# shellcheck shell=bash

TOOLS=${TOOLS:-build/release-g++/bench}
WSD=${WSD:-./wsd}
SERVER_PID=
PORT=
scratch=$(mktemp -d)

stop_server() {
  [[ -n $SERVER_PID ]] || return 0
  # A second SIGTERM ends wsd without its drain.
  kill -TERM "$SERVER_PID" 2>/dev/null || true
  sleep 0.05
  kill -TERM "$SERVER_PID" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL "$SERVER_PID" 2>/dev/null || true
  wait "$SERVER_PID" 2>/dev/null || true
  SERVER_PID=
}

cleanup() {
  stop_server
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# start_server command...: starts it and waits for its "listening on 127.0.0.1:PORT" on stderr.
start_server() {
  : >"$scratch/stderr"
  "$@" >/dev/null 2>"$scratch/stderr" &
  SERVER_PID=$!
  for _ in $(seq 100); do
    PORT=$(sed -n '/.*listening on 127\.0\.0\.1:\([0-9]*\).*/{s//\1/p;q}' "$scratch/stderr")
    [[ -z $PORT ]] || return 0
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.05
  done
  echo "bench: $1 did not report an address" >&2
  cat "$scratch/stderr" >&2
  exit 1
}

need() { # file...
  local file
  for file in "$@"; do
    [[ -x $file ]] || { echo "bench: $file is missing: run make bench" >&2 && exit 1; }
  done
}

# Prints the first two processors that this process may use, as "0 1". Prints "" if there is only
# one or no taskset.
two_cpus() {
  command -v taskset >/dev/null 2>&1 || return 0
  taskset -cp $$ 2>/dev/null | sed 's/.*: *//' | tr ',' '\n' |
    awk -F- '{ last = NF > 1 ? $2 : $1; for (i = $1; i <= last; ++i) cpu[++n] = i }
             END { if (n >= 2) print cpu[1], cpu[2] }'
}

# field NAME: prints a number from a line of JSON on stdin.
field() { sed -n "s/.*\"$1\":\([0-9.eE+-]*\).*/\1/p"; }

machine() {
  local cpu
  cpu=$(sed -n '/^model name[^:]*: */{s///p;q}' /proc/cpuinfo)
  echo "${cpu:-unknown CPU}, $(nproc) cores, Linux $(uname -r)"
}
