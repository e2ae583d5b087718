// One TCP connection to the server, with its opening handshake. It writes bytes in the pieces that
// a case asks for, and reads frames.
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
// Returns nothing if the text is not ws://HOST[:PORT][/PATH].
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

class Link {
 public:
  Link() = default;
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Connects. Returns an empty string, or why there is no connection.
  [[nodiscard]] std::string connect(const Url& url);
  // Performs the opening handshake. Returns an empty string, or the problem with the response.
  [[nodiscard]] std::string upgrade(const Url& url, const std::string& extensions, Time limit);
  // Returns the value of Sec-WebSocket-Extensions in the response.
  [[nodiscard]] const std::string& extensions() const { return extensions_; }

  void send(const Frame& frame, Chop chop = {});
  // Sends the header of `frame` as if its payload had `size` bytes.
  void send_header(const Frame& frame, std::uint64_t size, Chop chop);
  // Sends the next part of the payload that send_header() announced, with the same mask.
  void send_payload(std::string_view payload, Chop chop);

  // Runs one pass of the event loop: writes the next bytes and reads the bytes that have come,
  // waiting until `limit` for either. Returns false if the time is up.
  bool pump(Time limit);
  [[nodiscard]] std::optional<Frame> next_frame() { return reader_.next(); }
  [[nodiscard]] const std::string& frame_error() const { return reader_.error(); }
  // Returns true once the server has closed or reset the connection, or drop() was called.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool was_reset() const { return reset_; }
  // Closes the connection at once.
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
  [[nodiscard]] std::string judge_response(std::string_view head, std::string_view key);

  int fd_ = -1;
  bool ended_ = false;
  bool reset_ = false;
  std::deque<Output> output_;
  Time next_write_ = {};
  FrameReader reader_;
  std::string extensions_;
  std::uint32_t random_ = 0x9e3779b9;
  std::uint32_t mask_ = 0;
  std::size_t masked_ = 0;
};

}  // namespace wsconform
