// The little of an HTTP client that `wsd top` needs.
#pragma once

#include <cstdint>
#include <string>

namespace wsd::daemon {

struct Fetched {
  int status = 0;
  std::string body;
  std::string error;  // a sentence; empty when there is an answer
};

// GET `target` of the server at `address` ("HOST:PORT", "[V6]:PORT", ":PORT" on this machine, or
// "unix:PATH"), with `token` as its bearer where it is not empty. Waits `timeout_ms` at most for
// each step.
[[nodiscard]] Fetched http_fetch(const std::string& address, const std::string& target,
                                 const std::string& token, std::uint32_t timeout_ms);

}  // namespace wsd::daemon
