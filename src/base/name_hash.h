// A keyed hash for names that peers choose, so that no peer can pick names that collide.
//
// SipHash-1-3: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF" (2012), with
// one compression and three finalization rounds, as hash tables elsewhere use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wsd {

struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

[[nodiscard]] std::uint64_t keyed_hash(std::string_view text, HashKey key) noexcept;

// The key of this process, drawn from the system's entropy at the first call. Any thread.
[[nodiscard]] HashKey process_hash_key() noexcept;

// For unordered containers keyed by name; transparent, so that a view finds a string.
struct NameHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
    return keyed_hash(name, process_hash_key());
  }
};

}  // namespace wsd
