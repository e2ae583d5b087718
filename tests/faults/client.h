// A scripted client. It records its first failure and then takes no further part, so that a
// scenario always runs to its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/peer.h"
#include "protocol/deflate.h"

namespace wsd::faults {

class Client {
 public:
  using End = test::Peer::End;

  // Connects to 127.0.0.1 or to a Unix socket. For `key`, see Calls::Key.
  Client(std::string name, std::uint16_t port);
  Client(std::string name, const std::string& unix_path, int key);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] int key() const noexcept { return key_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // Returns the first failure, or "".
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  void note_failure(const std::string& what);
  [[nodiscard]] bool failed() const noexcept { return !failure_.empty(); }

  // A paused client does not read.
  void set_paused(bool paused) noexcept { paused_ = paused; }
  [[nodiscard]] bool paused() const noexcept { return paused_; }

  void send(std::string_view bytes);
  // Sends one message in one frame, compressed if compression was negotiated.
  void say(int opcode, std::string_view payload);
  // Allows compressed messages from now on.
  void agree_on_deflate(bool context_takeover);
  void shutdown_write();
  void reset();
  void close();

  // Writes and reads as much as possible. Returns whether any byte moved.
  bool pump();
  [[nodiscard]] End end() const noexcept { return end_; }
  [[nodiscard]] bool closed() const noexcept { return fd_ < 0; }

  // Returns the next frame, or opcode -1 if there is none. Answers Pings, counts them and does not
  // return them.
  [[nodiscard]] std::optional<test::WireFrame> take_frame();
  [[nodiscard]] std::optional<std::string> take_head();
  [[nodiscard]] std::string& input() noexcept { return input_; }
  [[nodiscard]] int pings() const noexcept { return pings_; }

  // The cause that the server must log for this connection. "" allows any cause.
  std::string expected_cause = "drain";

 private:
  [[nodiscard]] std::optional<test::WireFrame> parse_frame();
  bool push();
  bool pull();

  std::string name_;
  int key_ = 0;
  int fd_ = -1;
  bool paused_ = false;
  End end_ = End::kOpen;
  std::string failure_;
  std::string unsent_;
  std::size_t sent_ = 0;  // of unsent_
  std::string input_;
  std::size_t taken_ = 0;  // of input_
  int pings_ = 0;
  std::unique_ptr<protocol::Inflater> inflater_;
  std::unique_ptr<protocol::Deflater> deflater_;
  bool takeover_ = false;
};

}  // namespace wsd::faults
