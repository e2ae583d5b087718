// What wsload is asked to do.
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

struct Options {
  Mode mode = Mode::kEcho;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path = "/echo";
  std::size_t connections = 200;
  std::size_t inflight = 1;  // messages under way on each connection; handshakes at one time
  std::size_t senders = 1;   // --mode broadcast: that many of the connections publish
  std::size_t rate = 0;      // messages or handshakes a second in all
  std::size_t size = 20;     // payload bytes
  std::size_t seconds = 5;
  std::size_t warmup = 1;
  std::size_t messages = 0;  // of each sender, instead of --seconds; no warm-up then
  bool raw = false;
  std::size_t reply_bytes = 0;  // with --raw: what comes back for each message
  bool binary = false;          // text costs the server a UTF-8 check
  pid_t pid = 0;                // 0: nothing is known of the server
};

// Ends the process with status 2 and the usage where the command line is wrong.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace bench
