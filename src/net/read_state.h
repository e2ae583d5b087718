// Whether a connection is to be read.
#pragma once

#include <cstdint>

namespace wsd::net {

// A latch for readiness, and what stands against reading. Together in one byte, so that what each
// message asks is answered by one comparison. Reactor thread only.
class ReadState {
 public:
  // Reasons not to read though there may be input.
  enum Reason : std::uint8_t {
    kPaused = 4,             // the own send queue is above its high-water mark
    kPublishBlocked = 8,     // a shard is behind with what was published
    kClosed = 16,            // the connection is closed
    kAwaitingResponse = 64,  // the answer to its request is to come first
  };

  // Whether a read step would do something.
  [[nodiscard]] bool should_read() const noexcept {
    return (bits_ & (kReadable | kPaused | kPublishBlocked | kClosed | kAwaitingResponse)) ==
           kReadable;
  }

  // Readiness has come. `ended`: the peer has ended its direction, so no other edge will.
  void on_event(bool readable, bool ended) noexcept {
    bits_ = static_cast<std::uint8_t>(bits_ | (readable ? kReadable : 0) | (ended ? kEnded : 0));
  }
  // A short read has emptied the socket: what comes later is another edge. Not so for an end that
  // has been announced already.
  void short_read() noexcept {
    if ((bits_ & kEnded) == 0) on_drained();
  }
  // EAGAIN, or the end itself.
  void on_drained() noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~kReadable); }

  void set(Reason reason) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | reason); }
  void clear(Reason reason) noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~reason); }
  [[nodiscard]] bool has(Reason reason) const noexcept { return (bits_ & reason) != 0; }

  // Whether the connection is on the reactor's list of those to be read.
  [[nodiscard]] bool listed() const noexcept { return (bits_ & kListed) != 0; }
  void set_listed(bool listed) noexcept {
    bits_ = static_cast<std::uint8_t>(listed ? bits_ | kListed : bits_ & ~kListed);
  }
  // Wanted, and not on the list yet.
  [[nodiscard]] bool should_enqueue() const noexcept {
    return (bits_ & (kReadable | kPaused | kPublishBlocked | kClosed | kAwaitingResponse |
                     kListed)) == kReadable;
  }

 private:
  static constexpr std::uint8_t kReadable = 1;
  static constexpr std::uint8_t kEnded = 2;
  static constexpr std::uint8_t kListed = 32;

  std::uint8_t bits_ = 0;
};

}  // namespace wsd::net
