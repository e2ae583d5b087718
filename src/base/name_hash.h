// A keyed hash for names that peers choose, so that no peer can choose names that collide.
//
// SipHash-1-3: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). It has
// one compression round and three finalization rounds, as in the hash tables of other projects.
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

// Returns the key of this process. The first call draws it from the system's entropy source. Any
// thread.
[[nodiscard]] HashKey process_hash_key() noexcept;

// A hasher for unordered containers keyed by name. It is transparent, so that a string_view can
// look up a string.
struct NameHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
    return keyed_hash(name, process_hash_key());
  }
};

}  // namespace wsd
