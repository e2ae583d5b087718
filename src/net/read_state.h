// Readiness for reading.
#pragma once

#include <cstdint>

namespace wsd::net {

// A latch for readiness, and the reasons to pause reading. All are bits of one byte, so that the
// check of each message is one comparison. Reactor thread only.
class ReadState {
 public:
  // Reasons not to read although there may be input.
  enum Reason : std::uint8_t {
    kPaused = 4,             // the connection's send queue is above its high-water mark
    kPublishBlocked = 8,     // a shard is behind with the messages that the connection published
    kClosed = 16,            // the connection is closed
    kAwaitingResponse = 64,  // the response to the current request must come first
    kPausedByApplication = 128,  // wsd::Connection::pause()
  };

  // Returns whether a read step would do something.
  [[nodiscard]] bool should_read() const noexcept {
    return (bits_ & ~(kEnded | kListed)) == kReadable;
  }

  // Records readiness. `ended`: the peer has ended its direction, so no other edge will come.
  void on_event(bool readable, bool ended) noexcept {
    bits_ = static_cast<std::uint8_t>(bits_ | (readable ? kReadable : 0) | (ended ? kEnded : 0));
  }
  // A short read has emptied the socket, and later data is a new edge. An end of input that is
  // already announced is not: the socket must be read again.
  void short_read() noexcept {
    if ((bits_ & kEnded) == 0) on_drained();
  }
  // Must be called on EAGAIN and on EOF.
  void on_drained() noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~kReadable); }

  // Returns whether the peer has ended its direction.
  [[nodiscard]] bool ended() const noexcept { return (bits_ & kEnded) != 0; }

  void set(Reason reason) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | reason); }
  void clear(Reason reason) noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~reason); }
  [[nodiscard]] bool has(Reason reason) const noexcept { return (bits_ & reason) != 0; }

  // Returns whether an open connection is not read for a while.
  [[nodiscard]] bool paused() const noexcept {
    return (bits_ & (kPaused | kPublishBlocked | kPausedByApplication)) != 0;
  }

  // Returns whether the connection is on the reactor's ready list.
  [[nodiscard]] bool listed() const noexcept { return (bits_ & kListed) != 0; }
  void set_listed(bool listed) noexcept {
    bits_ = static_cast<std::uint8_t>(listed ? bits_ | kListed : bits_ & ~kListed);
  }
  // Returns should_read() for a connection that is not on the ready list.
  [[nodiscard]] bool should_enqueue() const noexcept { return (bits_ & ~kEnded) == kReadable; }

 private:
  static constexpr std::uint8_t kReadable = 1;
  static constexpr std::uint8_t kEnded = 2;
  static constexpr std::uint8_t kListed = 32;

  std::uint8_t bits_ = 0;
};

}  // namespace wsd::net
