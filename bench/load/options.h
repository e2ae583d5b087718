// The options of wsload.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

enum class Mode : std::uint8_t {
  kEcho,
  kOpenLoop,
  kDeflate,
  kBroadcast,
  kHandshakes,
  kIdle,
  kLarge
};

enum class Head : std::uint8_t { kShort, kBrowser };

struct Options {
  Mode mode = Mode::kEcho;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path = "/echo";
  std::size_t connections = 200;
  std::size_t inflight = 1;  // messages in transit on each connection; handshakes at one time
  std::size_t senders = 1;   // --mode broadcast: number of connections that publish
  std::size_t rate = 0;      // total messages or handshakes per second
  std::size_t size = 20;     // payload bytes
  std::size_t seconds = 5;
  std::size_t warmup = 1;
  // Of each sender, or handshakes in all, instead of --seconds and without warm-up.
  std::size_t messages = 0;
  bool spin = false;  // never sleep, so that the server's sends wake nobody
  bool raw = false;
  std::size_t reply_bytes = 0;  // with --raw: bytes of the response to each message
  bool binary = false;          // text costs the server a UTF-8 check
  Head head = Head::kShort;     // --mode handshakes: the client whose request head is sent
  bool reset = false;           // --mode handshakes: RST instead of FIN
  pid_t pid = 0;                // 0: unknown, so the server is not measured
};

// Prints the usage and exits with status 2 if the command line is invalid.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace bench
