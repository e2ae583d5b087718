// How many connections and handshakes one address may have.
//
// One table for the process: SO_REUSEPORT spreads the connections of one address over all reactors,
// so that tables of each reactor would allow N times as many. It is asked once a handshake and once
// at the end of a connection, never for a message, and is in stripes, each with a mutex that is
// held for one look-up: two reactors meet in one at one time in 64 at most. The stripe and the
// place in it come from a hash with the key of the process, so that nobody can choose addresses
// that share one.
//
// Bounded: addresses with connections are as many as connections, and of others a stripe holds
// kMostIdle, some 5 MiB in all. At that number those whose second has passed are forgotten, and
// where that does not help, all: who has so many addresses is not stopped by a limit for each.
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

// What counts as one: an IPv4 address, or the first 64 bits of an IPv6 address. An IPv4 address in
// IPv6 (::ffff:192.0.2.1, RFC 4291 §2.5.5.2), as a socket for both kinds sees it, is IPv4.
struct AddressKey {
  std::uint64_t prefix = 0;
  bool v6 = false;
  bool operator==(const AddressKey&) const = default;
};

// Of "192.0.2.1:4711", "[2001:db8::1]:4711" or either without its port; nothing for any other text,
// such as "unix".
[[nodiscard]] std::optional<AddressKey> address_key(std::string_view remote) noexcept;

// Any thread. Times are ticks and never go back for longer than the threads' clocks differ.
class AddressLimits {
 public:
  static constexpr std::size_t kStripes = 64;
  static constexpr std::size_t kMostIdle = 1'024;

  // 0: no limit.
  AddressLimits(std::uint32_t max_connections, std::uint32_t handshakes_per_second) noexcept
      : max_connections_(max_connections), handshakes_(handshakes_per_second) {}
  AddressLimits(const AddressLimits&) = delete;
  AddressLimits& operator=(const AddressLimits&) = delete;

  // `remote` is whom a request comes from: the peer of its socket, or whom a proxy that is trusted
  // names. A `remote` without address_key() has no limit. Where memory runs out (std::bad_alloc)
  // nothing has changed.

  // Takes one handshake. Returns 0, or after how many milliseconds there will be another.
  [[nodiscard]] std::uint64_t handshake(std::string_view remote, Tick now);
  // Who is refused at a door of plain HTTP may be so as often as it may begin a handshake. Returns
  // 0, or after how many milliseconds it may try again; refused() counts.
  [[nodiscard]] std::uint64_t may_try(std::string_view remote, Tick now);
  void refused(std::string_view remote, Tick now);
  // Counts one connection. False: there are as many already. True: leave() must follow with the
  // same `remote`.
  [[nodiscard]] bool enter(std::string_view remote);
  void leave(std::string_view remote) noexcept;

  // Addresses that are known at the moment, for tests.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::uint32_t connections = 0;
    TokenBucket handshakes;
    TokenBucket tries;
    Tick last = 0;  // when it was last asked for
  };
  struct Hash {
    std::size_t operator()(const AddressKey& key) const noexcept;
  };
  struct Stripe {
    mutable std::mutex mutex;
    std::unordered_map<AddressKey, Entry, Hash> entries;
    std::size_t sweep_at = kMostIdle;  // entries at which it is worth looking for idle ones
  };

  [[nodiscard]] Stripe& stripe_of(const AddressKey& key) noexcept;
  [[nodiscard]] static Entry& entry_of(Stripe& stripe, const AddressKey& key, const Entry& fresh);
  // Calls `use` with the entry, locked, and with `now`, which never goes back there; 0 where there
  // is no limit.
  template <class Use>
  std::uint64_t with_entry(std::string_view remote, Tick now, Use use);
  static void sweep(Stripe& stripe, Tick now) noexcept;

  const std::uint32_t max_connections_;
  const std::uint64_t handshakes_;
  std::array<Stripe, kStripes> stripes_;
};

// Null where neither limit is set.
[[nodiscard]] std::unique_ptr<AddressLimits> address_limits_of(const ClientLimits& rates);

}  // namespace wsd::server
