// A scripted client. What goes wrong for it is noted, once, and it takes no further part: a script
// runs to its end whatever happens to one of its clients.
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

  // Connects: to 127.0.0.1, or to a Unix socket. `key`: see Calls::Key.
  Client(std::string name, std::uint16_t port);
  Client(std::string name, const std::string& unix_path, int key);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] int key() const noexcept { return key_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // The first thing that went wrong, or empty.
  [[nodiscard]] const std::string& harm() const noexcept { return harm_; }
  void note_harm(const std::string& what);
  [[nodiscard]] bool harmed() const noexcept { return !harm_.empty(); }

  // Deaf: nothing is read.
  void set_deaf(bool deaf) noexcept { deaf_ = deaf; }
  [[nodiscard]] bool deaf() const noexcept { return deaf_; }

  void send(std::string_view bytes);
  // One message in one frame, compressed where that was agreed on.
  void say(int opcode, std::string_view payload);
  // From now on messages may be compressed.
  void agree_on_deflate(bool context_takeover);
  void shutdown_write();
  void reset();
  void close();

  // Writes and reads what can be; true when anything moved.
  bool pump();
  [[nodiscard]] End end() const noexcept { return end_; }
  [[nodiscard]] bool closed() const noexcept { return fd_ < 0; }

  // The next frame that came; Pings are answered and not seen, but counted. Opcode -1: no frame.
  [[nodiscard]] std::optional<test::WireFrame> take_frame();
  [[nodiscard]] std::optional<std::string> take_head();
  [[nodiscard]] std::string& input() noexcept { return input_; }
  [[nodiscard]] int pings() const noexcept { return pings_; }

  // Why the server should say that it ended; empty: whatever it says.
  std::string expected_cause = "drain";

 private:
  [[nodiscard]] std::optional<test::WireFrame> parse_frame();
  bool push();
  bool pull();

  std::string name_;
  int key_ = 0;
  int fd_ = -1;
  bool deaf_ = false;
  End end_ = End::kOpen;
  std::string harm_;
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
