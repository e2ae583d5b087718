// The network as an engine needs it. src/net implements it; tests implement it in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace wsd::engine {

// Where a server listens: a host and a port, or the path of a Unix socket.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string path;  // not empty: a Unix socket

  bool operator==(const Endpoint&) const = default;
  // Returns "HOST:PORT", "[HOST]:PORT" for an IPv6 address, or "unix:PATH".
  [[nodiscard]] std::string text() const;
};

// Receives the events of a wire. The network calls it in its own step of a turn, one call at a
// time, and never from within a call of Network or Wire. It may destroy its wire, and make others,
// in each of these calls.
class WireOwner {
 public:
  virtual void connected() = 0;
  // Bytes in the order of the stream, of any length, in any division.
  virtual void received(std::string_view bytes) = 0;
  // The connection could not be made, or it has ended. The last call for this wire. `why` is a
  // sentence part as of strerror(3), like "Connection refused".
  virtual void ended(std::string_view why) = 0;

 protected:
  ~WireOwner() = default;
};

// One connection. Destroying it ends the connection at once.
class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;
  // Queues bytes, which are sent at the end of the turn. Before connected() too. Throws
  // std::bad_alloc if memory runs out; then nothing has changed.
  virtual void send(std::string_view bytes) = 0;
  // Returns the number of queued bytes that the kernel has not taken.
  [[nodiscard]] virtual std::size_t unsent() const noexcept = 0;
  // With false, received() is not called until it is true again: the bytes stay in the socket.
  virtual void set_reading(bool reading) noexcept = 0;
};

// The network of one shard's thread.
class Network {
 public:
  // Begins to connect. Never calls `owner` during the call. Throws std::bad_alloc if memory runs
  // out. The wire refers to `owner` until it is destroyed or ended.
  [[nodiscard]] virtual std::unique_ptr<Wire> connect(const Endpoint& to, WireOwner& owner) = 0;

 protected:
  ~Network() = default;
};

}  // namespace wsd::engine
