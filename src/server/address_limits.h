// Limits the connections and the handshakes of one client address.
//
// The process has one table, because SO_REUSEPORT spreads the connections of one address over all
// reactors: a table per reactor would allow N times as many. The table is used once per handshake
// and once at the end of a connection, never for a message. It consists of 64 stripes. Each has a
// mutex that is held for one lookup, so two reactors rarely wait for each other. A keyed hash
// chooses the stripe and the place in it, so clients cannot choose addresses that collide.
//
// Memory is bounded. There are at most as many addresses with connections as connections. Each
// stripe keeps up to kMostIdle other addresses, about 5 MiB in total. At that number it removes
// those that were not used within the last second, and if that is not enough, all idle ones. A
// client with so many addresses cannot be stopped by a limit per address anyway.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/tick.h"
#include "base/token_bucket.h"
#include "wsd/options.h"

namespace wsd::server {

// Identifies one client: an IPv4 address, or the first 64 bits of an IPv6 address. An IPv4-mapped
// IPv6 address (::ffff:192.0.2.1, RFC 4291 §2.5.5.2), which a dual-stack socket reports, is IPv4.
struct AddressKey {
  std::uint64_t prefix = 0;
  bool v6 = false;
  bool operator==(const AddressKey&) const = default;
};

// Returns the key of "192.0.2.1:4711" or "[2001:db8::1]:4711", with or without the port. Returns
// std::nullopt for any other text, such as "unix".
[[nodiscard]] std::optional<AddressKey> address_key(std::string_view remote) noexcept;

// Any thread. Times are ticks. They go back only by as much as the threads' clocks differ.
//
// `remote` is the client's address: the peer of the socket, or the address that a trusted proxy
// reports. A `remote` without an address_key() has no limit. If memory runs out, functions throw
// std::bad_alloc and change nothing.
class AddressLimits {
 public:
  static constexpr std::size_t kStripes = 64;
  static constexpr std::size_t kMostIdle = 1'024;

  // 0 turns a limit off.
  AddressLimits(std::uint32_t max_connections, std::uint32_t handshakes_per_second) noexcept
      : max_connections_(max_connections), handshakes_(handshakes_per_second) {}
  AddressLimits(const AddressLimits&) = delete;
  AddressLimits& operator=(const AddressLimits&) = delete;

  // Counts one handshake and returns 0. If the rate is exceeded, it counts nothing and returns the
  // milliseconds until the next handshake is allowed. `suspended`: the ticks before `now` in which
  // the process did not run (net::Suspensions::recent()). The clients' handshakes have waited, so
  // the address gets the handshakes of that time once.
  [[nodiscard]] std::uint64_t handshake(std::string_view remote, Tick now, Tick suspended = 0);
  // Limits rejected plain HTTP requests, with the same rate as handshakes but counted apart from
  // them. may_try() returns 0, or the milliseconds until the client may try again. refused() counts
  // one rejection.
  [[nodiscard]] std::uint64_t may_try(std::string_view remote, Tick now, Tick suspended = 0);
  void refused(std::string_view remote, Tick now);
  // Counts one connection and returns true; leave() must follow with the same `remote`. Returns
  // false if the address already has as many connections as it may.
  [[nodiscard]] bool enter(std::string_view remote);
  void leave(std::string_view remote) noexcept;

  // Returns the number of stored addresses. For tests.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::uint32_t connections = 0;
    TokenBucket handshakes;
    TokenBucket tries;
    Tick last = 0;      // when it was last used
    Tick credited = 0;  // when it last got the amount of a suspension

    void credit(Tick suspended, std::uint64_t per_second, Tick now) noexcept;
  };
  struct Hash {
    std::size_t operator()(const AddressKey& key) const noexcept;
  };
  struct Stripe {
    mutable std::mutex mutex;
    std::unordered_map<AddressKey, Entry, Hash> entries;
    std::size_t sweep_at = kMostIdle;  // the number of entries that starts the next sweep
  };

  [[nodiscard]] Stripe& stripe_of(const AddressKey& key) noexcept;
  [[nodiscard]] static Entry& entry_of(Stripe& stripe, const AddressKey& key, const Entry& fresh);
  // Locks the entry and returns the result of `use`. `use` also gets `now`, which never goes back
  // for one entry. Returns 0 if there is no limit.
  template <class Use>
  std::uint64_t with_entry(std::string_view remote, Tick now, Use use);
  static void sweep(Stripe& stripe, Tick now) noexcept;

  const std::uint32_t max_connections_;
  const std::uint64_t handshakes_;
  std::array<Stripe, kStripes> stripes_;
};

// Returns null if neither limit is set.
[[nodiscard]] std::unique_ptr<AddressLimits> address_limits_of(const ClientLimits& rates);

}  // namespace wsd::server
