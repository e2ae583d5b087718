// A client that puts any bytes on the wire and looks at what comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "support/patience.h"
#include "support/wire.h"

namespace e2e {

// How the stream from the server stands.
enum class End {
  kOpen,       // nothing has ended
  kFin,        // the server ended it in order
  kReset,      // a reset, which may have cost bytes on the way
  kTimeout,    // patience ran out while waiting
  kMoreBytes,  // bytes came where the end was expected
};

[[nodiscard]] const char* end_name(End end);

// One connection. Small writes leave at once (TCP_NODELAY). Not for use by two threads.
class RawClient {
 public:
  RawClient() = default;
  RawClient(RawClient&& other) noexcept { swap(other); }
  RawClient& operator=(RawClient&& other) noexcept {
    swap(other);
    return *this;
  }
  ~RawClient() { close(); }

  // To 127.0.0.1. A `receive_buffer` above 0 is SO_RCVBUF, set before connecting so that the window
  // is small from the first segment on.
  [[nodiscard]] static RawClient tcp(std::uint16_t port, int receive_buffer = 0);
  // To 127.0.0.1, where a program listens that is not wsd: its errors need not be lines of text.
  [[nodiscard]] static RawClient foreign(std::uint16_t port);
  [[nodiscard]] static RawClient tcp6(std::uint16_t port);  // to ::1
  [[nodiscard]] static RawClient unix_socket(const std::string& path);

  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  // "127.0.0.1:PORT", as the server sees this client; empty for a Unix socket.
  [[nodiscard]] std::string local_address() const;

  // Sends all of it. Bytes that arrive in the meantime are kept, so that a server that answers
  // before it has read everything is never blocked by us. False when the stream ended before.
  bool send(std::string_view bytes);
  // The same in writes of `size` bytes.
  bool send_in_pieces(std::string_view bytes, std::size_t size);
  // Writes what the kernel takes at once, and reads nothing; returns how many bytes.
  std::size_t send_some(std::string_view bytes);

  // The next response, 100 Continue skipped. The test fails if it is an error of wsd whose body of
  // text is not one line that ends in a newline. `head_request`: it has no body whatever it says.
  [[nodiscard]] std::optional<HttpResponse> read_response(bool head_request = false);
  // The next frame, or nothing when the stream ended, is not a frame, or patience ran out.
  [[nodiscard]] std::optional<Frame> read_frame();
  // A frame that is already there, or nothing; does not wait.
  [[nodiscard]] std::optional<Frame> poll_frame();
  // Waits for the end of the stream.
  [[nodiscard]] End read_end();
  // Reads and drops everything up to the end of the stream.
  [[nodiscard]] End read_until_end();
  // Whether bytes or the end arrive within `limit`, or wait already.
  [[nodiscard]] bool receives_within(Duration limit);

  [[nodiscard]] End end() const { return end_; }
  // Received and not yet taken by a read_ method.
  [[nodiscard]] std::string_view pending() const;

  void shutdown_write();
  // Ends with a reset: SO_LINGER 0.
  void reset();
  void close();

 private:
  void swap(RawClient& other) noexcept;
  void adopt(int fd, int receive_buffer);
  void connect(const void* address, unsigned size);
  // Waits for `events` until the deadline; false when it passed.
  bool wait(short events, Clock::time_point deadline, short* ready = nullptr) const;
  // Reads what is there; false when nothing was.
  bool receive();
  // Waits for more bytes than there are; false at the end of the stream or of patience.
  bool fill(Clock::time_point deadline);
  void consume(std::size_t size);

  int fd_ = -1;
  std::string input_;
  std::size_t taken_ = 0;  // bytes of input_ that were consumed
  End end_ = End::kOpen;
  bool foreign_ = false;
};

}  // namespace e2e
