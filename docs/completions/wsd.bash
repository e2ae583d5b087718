# Completion of wsd's flags for bash. Made by: wsd --print bash
_wsd() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  # Bash splits --flag=value at the "=".
  if [[ $word == "=" ]]; then
    word=
  elif [[ $before == "=" && $COMP_CWORD -ge 2 ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  local command=
  [[ $COMP_CWORD -lt 2 ]] || command=${COMP_WORDS[1]}
  case $command in
    top) words=$(compgen -W '--token-file --help' -- "$word") ;;
    log) words=$(compgen -W '--json --room --from --restored --help' -- "$word"; compgen -d -- "$word") ;;
    connect) words=$(compgen -W '--text --binary --json --header --subprotocol --origin --token --token-file --last-event-id --close --reason --messages --wait --no-input --slash --timeout --ping-interval --max-message --help' -- "$word") ;;
    *) case $before in
    --revoke-on-reload) words=$(compgen -W 'off on' -- "$word") ;;
    --slow-policy) words=$(compgen -W 'disconnect drop-newest drop-oldest' -- "$word") ;;
    --deflate) words=$(compgen -W 'off no-context-takeover on' -- "$word") ;;
    --publish) words=$(compgen -W 'off loopback token' -- "$word") ;;
    --history-dir-any) words=$(compgen -W 'off on' -- "$word") ;;
    --presence) words=$(compgen -W 'off on' -- "$word") ;;
    --forwarded-field) words=$(compgen -W 'x-forwarded-for forwarded' -- "$word") ;;
    --proxy-protocol) words=$(compgen -W 'off on' -- "$word") ;;
    --log-level) words=$(compgen -W 'debug info warn error off' -- "$word") ;;
    --log-format) words=$(compgen -W 'auto text json' -- "$word") ;;
    --config) words=$(compgen -f -- "$word") ;;
    --print) words=$(compgen -W 'man bash zsh fish config' -- "$word") ;;
    --listen | --reactors | --max-connections | --backlog | --socket-mode | --allowed-origin | --allowed-host | --subprotocol | --handshake-timeout | --keep-alive-timeout | --max-head | --max-request-line | --max-field | --max-fields | --auth-file | --auth-cookie | --max-connections-per-address | --max-handshakes-per-second | --max-messages-per-second | --max-bytes-per-second | --max-rooms-per-connection | --max-rooms | --ping-interval | --pong-timeout | --read-timeout | --max-message | --max-fragments | --max-empty-fragments | --message-timeout | --max-input-bytes | --max-control-frames-per-second | --read-buffer | --send-queue-bytes | --send-queue-frames | --max-output-bytes | --max-pending-publishes | --max-pending-bytes | --write-timeout | --socket-send-buffer | --notsent-lowat | --deflate-threshold | --deflate-level | --deflate-memory | --no-deflate-for | --publish-token-file | --response-timeout | --history-messages | --history-bytes | --history-age | --history-memory | --history-dir | --history-sync | --delivery-window | --room-rule | --engine | --engine-user | --engine-password-file | --engine-prefix | --engine-timeout | --engine-backlog | --close-timeout | --drain-delay | --drain-window | --drain-timeout | --trusted-proxy | --admin | --admin-token-file) ;;
    *) words=$(compgen -W 'top log connect --listen --reactors --max-connections --backlog --socket-mode --allowed-origin --allowed-host --subprotocol --handshake-timeout --keep-alive-timeout --max-head --max-request-line --max-field --max-fields --auth-file --auth-cookie --revoke-on-reload --max-connections-per-address --max-handshakes-per-second --max-messages-per-second --max-bytes-per-second --max-rooms-per-connection --max-rooms --ping-interval --pong-timeout --read-timeout --max-message --max-fragments --max-empty-fragments --message-timeout --max-input-bytes --max-control-frames-per-second --read-buffer --send-queue-bytes --send-queue-frames --max-output-bytes --slow-policy --max-pending-publishes --max-pending-bytes --write-timeout --socket-send-buffer --notsent-lowat --deflate --deflate-threshold --deflate-level --deflate-memory --no-deflate-for --publish --publish-token-file --response-timeout --history-messages --history-bytes --history-age --history-memory --history-dir --history-sync --history-dir-any --delivery-window --presence --room-rule --engine --engine-user --engine-password-file --engine-prefix --engine-timeout --engine-backlog --close-timeout --drain-delay --drain-window --drain-timeout --trusted-proxy --forwarded-field --proxy-protocol --log-level --log-format --admin --admin-token-file --config --check-config --print --help --version' -- "$word") ;;
    esac ;;
  esac
  mapfile -t COMPREPLY < <([[ -z $words ]] || printf '%s\n' "$words")
}
complete -F _wsd wsd
