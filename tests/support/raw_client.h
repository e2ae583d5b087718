// A client that sends any bytes and inspects the bytes that come back.
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

// The state of the stream from the server.
enum class End {
  kOpen,       // the stream is open
  kFin,        // the server sent FIN
  kReset,      // a reset, which may have discarded bytes
  kTimeout,    // patience() ran out
  kMoreBytes,  // bytes came instead of the end
};

[[nodiscard]] const char* end_name(End end);

// One connection. Sends small writes at once (TCP_NODELAY). Not for use by two threads.
class RawClient {
 public:
  RawClient() = default;
  RawClient(RawClient&& other) noexcept { swap(other); }
  RawClient& operator=(RawClient&& other) noexcept {
    swap(other);
    return *this;
  }
  ~RawClient() { close(); }

  // Connects to 127.0.0.1. A `receive_buffer` above 0 sets SO_RCVBUF before connecting, so that the
  // window is small from the first segment on.
  [[nodiscard]] static RawClient tcp(std::uint16_t port, int receive_buffer = 0);
  // Connects to a program on 127.0.0.1 that is not wsd. Its error responses need not be lines of
  // text.
  [[nodiscard]] static RawClient foreign(std::uint16_t port);
  [[nodiscard]] static RawClient tcp6(std::uint16_t port);  // to ::1
  [[nodiscard]] static RawClient unix_socket(const std::string& path);

  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  // Returns the address of this client as the server sees it, such as "127.0.0.1:PORT". Returns ""
  // for a Unix socket.
  [[nodiscard]] std::string local_address() const;

  // Sends all bytes. Buffers bytes that arrive meanwhile, so that this client never blocks a server
  // that answers early. Returns false if the stream ended before.
  bool send(std::string_view bytes);
  // Like send(), in writes of `size` bytes.
  bool send_in_pieces(std::string_view bytes, std::size_t size);
  // Writes as much as the kernel accepts at once, without reading. Returns the number of bytes.
  std::size_t send_some(std::string_view bytes);

  // Returns the next response and skips 100 Continue. `head_request`: the response has no body,
  // whatever its header fields say. The test fails if wsd sends an error with a text body that is
  // not one line that ends in a newline.
  [[nodiscard]] std::optional<HttpResponse> read_response(bool head_request = false);
  // Returns the next frame. Returns nothing if the stream ended, if the bytes are not a frame, or
  // if patience() ran out.
  [[nodiscard]] std::optional<Frame> read_frame();
  // Returns a frame that has already arrived, or nothing. Does not wait.
  [[nodiscard]] std::optional<Frame> poll_frame();
  // Waits for the end of the stream.
  [[nodiscard]] End read_end();
  // Reads and discards everything up to the end of the stream.
  [[nodiscard]] End read_until_end();
  // Returns whether bytes or the end of the stream arrive within `limit`, or have arrived already.
  [[nodiscard]] bool receives_within(Duration limit);

  [[nodiscard]] End end() const { return end_; }
  // Bytes that were received and that no read_ method has returned yet.
  [[nodiscard]] std::string_view pending() const;

  void shutdown_write();
  // Resets the connection (SO_LINGER 0).
  void reset();
  void close();

 private:
  void swap(RawClient& other) noexcept;
  void adopt(int fd, int receive_buffer);
  void connect(const void* address, unsigned size);
  // Waits for `events` until the deadline. Returns false if it passed.
  bool wait(short events, Clock::time_point deadline, short* ready = nullptr) const;
  // Reads the bytes that have arrived. Returns false if there are none.
  bool receive();
  // Waits for more bytes. Returns false at the end of the stream or if patience() ran out.
  bool fill(Clock::time_point deadline);
  void consume(std::size_t size);

  int fd_ = -1;
  std::string input_;
  std::size_t taken_ = 0;  // consumed bytes of input_
  End end_ = End::kOpen;
  bool foreign_ = false;
};

}  // namespace e2e
