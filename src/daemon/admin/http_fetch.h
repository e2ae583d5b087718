// A minimal HTTP client for `wsd top`.
#pragma once

#include <cstdint>
#include <string>

namespace wsd::daemon {

struct Fetched {
  int status = 0;
  std::string body;
  std::string error;  // a sentence; empty if there is a response
};

// Sends GET `target` to the server at `address`: "HOST:PORT", "[V6]:PORT", ":PORT" on this machine,
// or "unix:PATH". Sends `token` as a bearer token if it is not empty. Blocks for at most
// `timeout_ms` in each step.
[[nodiscard]] Fetched http_fetch(const std::string& address, const std::string& target,
                                 const std::string& token, std::uint32_t timeout_ms);

}  // namespace wsd::daemon
