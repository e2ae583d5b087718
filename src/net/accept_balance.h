// Chooses the reactor of each connection that comes from a shared listening socket.
//
// epoll wakes the same reactor for most connections of a shared socket (EPOLLEXCLUSIVE wakes the
// first that sleeps, and the one that accepts fastest sleeps again first). So the reactor that
// accepts is not the one that serves: it hands the connection over to the reactor with the fewest
// connections, including those that are on their way to it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wsd::net {

class Intake;

// One per server. Any thread, except for open().
class AcceptBalance {
 public:
  static constexpr std::size_t kMostReactors = 64;

  // Limits the connections that are on their way to one reactor. A reactor whose handler blocks
  // gets no more connections than this.
  static constexpr std::uint32_t kMostOnTheWay = 1024;

  explicit AcceptBalance(std::uint32_t most_on_the_way = kMostOnTheWay) noexcept
      : most_on_the_way_(most_on_the_way) {}

  // Adds a reactor. Before the threads start, with indices 0, 1, 2 and so on. `intake` must outlive
  // the last call of choose() that precedes close().
  void open(std::uint32_t reactor, Intake& intake) noexcept;
  // No connection is sent to this reactor any more. Those that are on their way still arrive, and
  // the reactor must run until it expects none.
  void close(std::uint32_t reactor) noexcept;

  // Returns the reactor that must serve the next connection that `self` accepts. If it is another
  // one, the connection is counted as on its way until arrived().
  [[nodiscard]] std::uint32_t choose(std::uint32_t self) noexcept;
  void arrived(std::uint32_t reactor) noexcept;
  // Returns whether connections are on their way to the reactor.
  [[nodiscard]] bool expects(std::uint32_t reactor) const noexcept;
  [[nodiscard]] Intake& intake(std::uint32_t reactor) const noexcept {
    return *seats_[reactor].intake;
  }

 private:
  // One word, so that closing and sending a connection have an order: a sender either sees that the
  // reactor is closed, or the reactor sees that a connection is on its way.
  static constexpr std::uint32_t kClosed = std::uint32_t{1} << 31;
  static constexpr std::size_t kCacheLine = 64;

  struct alignas(kCacheLine) Seat {
    std::atomic<std::uint32_t> on_the_way{kClosed};  // a count, and the bit kClosed
    Intake* intake = nullptr;
  };

  [[nodiscard]] std::uint64_t load(std::uint32_t reactor) const noexcept;
  [[nodiscard]] bool has_room(std::uint32_t reactor) const noexcept;
  [[nodiscard]] bool send(std::uint32_t reactor) noexcept;

  const std::uint32_t most_on_the_way_;
  std::uint32_t count_ = 0;
  std::atomic<std::uint32_t> next_{0};  // the reactor that wins if several have the fewest
  std::array<Seat, kMostReactors> seats_;
};

}  // namespace wsd::net
