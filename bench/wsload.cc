// wsload: a load client for WebSocket servers. It uses raw epoll and one thread, prints one line of
// JSON, and shares no code with the server. Loopback only. Linux.
//
//   --mode echo        --inflight messages in transit on each connection; compares every byte that
//                      comes back. --raw: no handshake, and --reply-bytes for each message instead
//                      (bench/floor.cc)
//   --mode openloop    --rate messages per second by the clock; latency from the intended time
//   --mode deflate     an echo of JSON under permessage-deflate without context takeover
//   --mode broadcast   one room; --senders publish, by the clock with --rate; compares the messages
//                      of each member
//   --mode handshakes  connect, opening handshake, FIN, --inflight at one time. --reset: RST
//   instead.
//                      --head browser: the request head of a browser
//   --mode idle        the server's resident bytes for each idle connection
//   --mode large       resident bytes before, at the peak of and after large messages
//
// The server's CPU time is the kernel's clock of the process --pid: nanoseconds, all threads.
#include "bench/load/client.h"

namespace {

std::unique_ptr<bench::Client> make_client(const bench::Options& options) {
  switch (options.mode) {
    case bench::Mode::kEcho:
      return bench::make_echo(options);
    case bench::Mode::kOpenLoop:
      return bench::make_open_loop(options);
    case bench::Mode::kDeflate:
      return bench::make_deflate(options);
    case bench::Mode::kBroadcast:
      return bench::make_broadcast(options);
    case bench::Mode::kHandshakes:
      return bench::make_handshakes(options);
    case bench::Mode::kIdle:
      return bench::make_idle(options);
    case bench::Mode::kLarge:
      return bench::make_large(options);
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  make_client(bench::parse_options(argc, argv))->run();
  return 0;
}
