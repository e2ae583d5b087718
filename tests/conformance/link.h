// One TCP connection to the peer. It writes bytes in the pieces that a case asks for, and reads
// frames. In the role of the client it also performs the opening handshake.
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
  // Takes an accepted connection, and plays the server from now on.
  void accept(int fd);

  struct Head {
    std::string text = {};  // up to the empty line
    std::string rest = {};  // bytes after the empty line
    std::string problem = {};
  };
  // Waits for a head. If `problem` is not empty, it says why there is none.
  [[nodiscard]] Head read_head(Time limit);
  void send_head(std::string head);
  // Half-closes the connection once all bytes have been sent. The peer's bytes can still be read.
  void shut_down();

  // Performs the opening handshake. Returns an empty string, or the problem with the response.
  [[nodiscard]] std::string upgrade(const Url& url, const std::string& extensions, Time limit);
  // Returns the value of Sec-WebSocket-Extensions in the response.
  [[nodiscard]] const std::string& extensions() const { return extensions_; }

  void send(const Frame& frame, Chop chop = {});
  // Sends the header of `frame` as if its payload had `size` bytes.
  // The first part of the payload may follow at once.
  void send_header(const Frame& frame, std::uint64_t size, Chop chop,
                   std::string_view payload = {});
  // Sends the next part of the payload that send_header() announced, with the same mask.
  void send_payload(std::string_view payload, Chop chop);

  // Runs one pass of the event loop: writes the next bytes and reads the bytes that have come,
  // waiting until `limit` for either. Returns false if the time is up.
  bool pump(Time limit);
  [[nodiscard]] std::optional<Frame> next_frame() { return reader_.next(); }
  [[nodiscard]] const std::string& frame_error() const { return reader_.error(); }
  // Returns true once the peer has closed or reset the connection, or drop() was called.
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

  void start();
  void queue(std::string bytes, Chop chop);
  void append_payload(std::string& bytes, std::string_view payload, std::size_t at) const;
  [[nodiscard]] std::uint32_t new_mask();
  void write_some();
  void write_next();
  void read_some();
  [[nodiscard]] std::string judge_response(std::string_view head, std::string_view key);

  int fd_ = -1;
  Role role_ = Role::client;
  bool shut_down_when_sent_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::deque<Output> output_;
  Time next_write_ = {};
  FrameReader reader_;
  std::string extensions_;
  std::uint32_t random_ = 0x9e3779b9;
  std::optional<std::uint32_t> mask_;
  std::size_t masked_ = 0;
};

}  // namespace wsconform
