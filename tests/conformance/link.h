// One TCP connection to the server, upgraded: bytes out in the writes asked for, frames in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.h"
#include "conformance/frame.h"

namespace wsconform {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

[[nodiscard]] Time after(double seconds);

struct Url {
  std::string host;
  std::string port;
  std::string path;
};
// Nothing: not ws://HOST[:PORT][/PATH].
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

class Link {
 public:
  Link() = default;
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Empty, or why there is no connection.
  [[nodiscard]] std::string connect(const Url& url);
  // The opening handshake. Empty, or what was wrong with it.
  [[nodiscard]] std::string upgrade(const Url& url, const std::string& extensions, Time limit);
  // The value of Sec-WebSocket-Extensions in the answer.
  [[nodiscard]] const std::string& extensions() const { return extensions_; }

  void send(const Frame& frame, Chop chop = {});
  void send_header(std::uint8_t opcode, std::uint64_t size, Chop chop);
  // Masked as the continuation of what followed the last header.
  void send_payload(std::string_view payload, Chop chop);

  // Writes what it can, and reads what has come, waiting until `limit` for either. False: the time
  // is up.
  bool pump(Time limit);
  [[nodiscard]] std::optional<Frame> next_frame() { return reader_.next(); }
  [[nodiscard]] const std::string& frame_error() const { return reader_.error(); }
  // The server's end of the connection is closed, or the connection reset.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool was_reset() const { return reset_; }
  void drop();

 private:
  struct Output {
    std::string bytes;
    Chop chop;
    std::size_t sent = 0;
  };

  void queue(std::string bytes, Chop chop);
  [[nodiscard]] std::uint32_t new_mask();
  void write_some();
  void read_some();
  [[nodiscard]] std::string judge_answer(std::string_view head, std::string_view key);

  int fd_ = -1;
  bool ended_ = false;
  bool reset_ = false;
  std::deque<Output> output_;
  FrameReader reader_;
  std::string extensions_;
  std::uint32_t random_ = 0x9e3779b9;
  std::uint32_t mask_ = 0;
  std::size_t masked_ = 0;
};

}  // namespace wsconform
