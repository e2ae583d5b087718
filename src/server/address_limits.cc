#include "server/address_limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/name_hash.h"

namespace wsd::server {
namespace {

constexpr Tick kSecond = ticks_for_ms(1000);

std::uint64_t big_endian(const std::uint8_t* at, std::size_t count) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | at[i];
  return value;
}

}  // namespace

std::optional<AddressKey> address_key(std::string_view remote) noexcept {
  const bool v6 = remote.starts_with('[');
  const std::size_t end = remote.find(v6 ? ']' : ':');
  if (v6 && end == std::string_view::npos) return std::nullopt;
  std::string_view host = v6 ? remote.substr(1, end - 1) : remote.substr(0, end);
  if (v6) host = host.substr(0, host.find('%'));  // RFC 4007 §11: a zone names a link, not a client
  std::array<char, INET6_ADDRSTRLEN> text{};      // inet_pton() needs a NUL
  if (host.size() >= text.size() || host.find('\0') != std::string_view::npos) return std::nullopt;
  host.copy(text.data(), host.size());
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, text.data(), bytes.data()) != 1) return std::nullopt;
  if (!v6) return AddressKey{big_endian(bytes.data(), 4), false};
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return AddressKey{big_endian(bytes.data() + kMapped.size(), 4), false};
  }
  return AddressKey{big_endian(bytes.data(), 8), true};
}

std::size_t AddressLimits::Hash::operator()(const AddressKey& key) const noexcept {
  std::array<char, sizeof(key.prefix) + 1> bytes{};
  std::memcpy(bytes.data(), &key.prefix, sizeof(key.prefix));
  bytes.back() = key.v6 ? 1 : 0;
  return keyed_hash({bytes.data(), bytes.size()}, process_hash_key());
}

AddressLimits::Stripe& AddressLimits::stripe_of(const AddressKey& key) noexcept {
  // The high bits, because the table uses the low ones.
  return stripes_[std::uint64_t{Hash()(key)} >> (64 - std::countr_zero(kStripes))];
}

AddressLimits::Entry& AddressLimits::entry_of(Stripe& stripe, const AddressKey& key,
                                              const Entry& fresh) {
  return stripe.entries.try_emplace(key, fresh).first->second;
}

void AddressLimits::sweep(Stripe& stripe, Tick now) noexcept {
  auto& entries = stripe.entries;
  std::erase_if(entries, [&](const auto& each) {
    return each.second.connections == 0 && now >= each.second.last + kSecond;
  });
  const auto idle = std::count_if(entries.begin(), entries.end(),
                                  [](const auto& each) { return each.second.connections == 0; });
  if (static_cast<std::size_t>(idle) >= kMostIdle) {
    std::erase_if(entries, [](const auto& each) { return each.second.connections == 0; });
  }
  // A sweep visits every entry. The next one therefore waits for as many new entries.
  stripe.sweep_at = std::max(kMostIdle, 2 * entries.size());
}

template <class Use>
std::uint64_t AddressLimits::with_entry(std::string_view remote, Tick now, Use use) {
  const auto key = handshakes_ == 0 ? std::nullopt : address_key(remote);
  if (!key) return 0;
  Stripe& stripe = stripe_of(*key);
  const std::lock_guard lock(stripe.mutex);
  if (stripe.entries.size() >= stripe.sweep_at) sweep(stripe, now);
  const TokenBucket full(handshakes_, now);
  Entry& entry = entry_of(stripe, *key, {0, full, full, now, 0});
  // The clock of the thread that was here before may be a tick ahead.
  now = std::max(now, entry.last);
  entry.last = now;
  return use(entry, now);
}

// Every reactor that was suspended reports the suspension, but it counts once.
void AddressLimits::Entry::credit(Tick suspended, std::uint64_t per_second, Tick now) noexcept {
  if (suspended == 0 || credited + suspended + kSecond > now) return;
  credited = now;
  handshakes.credit(suspended, per_second, now);
  tries.credit(suspended, per_second, now);
}

std::uint64_t AddressLimits::handshake(std::string_view remote, Tick now, Tick suspended) {
  return with_entry(remote, now, [&](Entry& entry, Tick at) -> std::uint64_t {
    entry.credit(suspended, handshakes_, at);
    if (entry.handshakes.take(1, handshakes_, at)) return 0;
    return entry.handshakes.ticks_until_one(handshakes_, at) * kTickMs;
  });
}

std::uint64_t AddressLimits::may_try(std::string_view remote, Tick now, Tick suspended) {
  return with_entry(remote, now, [&](Entry& entry, Tick at) -> std::uint64_t {
    entry.credit(suspended, handshakes_, at);
    return entry.tries.ticks_until_one(handshakes_, at) * kTickMs;
  });
}

void AddressLimits::refused(std::string_view remote, Tick now) {
  static_cast<void>(with_entry(remote, now, [this](Entry& entry, Tick at) -> std::uint64_t {
    return entry.tries.take(1, handshakes_, at) ? 0 : 1;
  }));
}

bool AddressLimits::enter(std::string_view remote) {
  const auto key = max_connections_ == 0 ? std::nullopt : address_key(remote);
  if (!key) return true;
  Stripe& stripe = stripe_of(*key);
  const std::lock_guard lock(stripe.mutex);
  Entry& entry =
      entry_of(stripe, *key, {0, TokenBucket(handshakes_, 0), TokenBucket(handshakes_, 0), 0, 0});
  if (entry.connections >= max_connections_) return false;
  ++entry.connections;
  return true;
}

void AddressLimits::leave(std::string_view remote) noexcept {
  const auto key = max_connections_ == 0 ? std::nullopt : address_key(remote);
  if (!key) return;
  Stripe& stripe = stripe_of(*key);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.entries.find(*key);
  WSD_ASSERT(found != stripe.entries.end() && found->second.connections > 0);
  // With a handshake rate the entry is needed for the rest of its second. A sweep removes it later.
  if (--found->second.connections == 0 && handshakes_ == 0) stripe.entries.erase(found);
}

std::size_t AddressLimits::size() const {
  std::size_t count = 0;
  for (const Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    count += stripe.entries.size();
  }
  return count;
}

std::unique_ptr<AddressLimits> address_limits_of(const ClientLimits& rates) {
  if (rates.max_connections_per_address == 0 && rates.max_handshakes_per_second == 0) return {};
  return std::make_unique<AddressLimits>(rates.max_connections_per_address,
                                         rates.max_handshakes_per_second);
}

}  // namespace wsd::server
