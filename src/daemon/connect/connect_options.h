// The command line of `wsd connect`.
#pragma once

#include <wsd/close.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wsd::daemon {

struct ConnectCommand {
  std::string url = "ws://127.0.0.1:9001/";
  bool binary = false;
  bool json = false;
  bool no_input = false;
  bool slash = false;  // lines that begin with a slash are commands
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::vector<std::string> subprotocols = {};
  std::string origin = {};
  std::string token = {};
  std::string token_file = {};
  CloseCode close_code = CloseCode::kNormalClosure;
  std::string close_reason = {};
  std::uint64_t messages = 0;  // close after this many; 0: no limit
  std::uint32_t wait_ms = 0;   // after the end of the input
  std::uint32_t timeout_ms = 10'000;
  std::uint32_t ping_interval_ms = 25'000;  // 0: no Pings
  std::size_t max_message_bytes = std::size_t{16} << 20;
  bool help = false;
  std::string error = {};  // a sentence; empty if there is no error
};

// Parses the `arguments` after "connect".
[[nodiscard]] ConnectCommand parse_connect_arguments(const std::vector<std::string>& arguments);

[[nodiscard]] std::string connect_help();

}  // namespace wsd::daemon
