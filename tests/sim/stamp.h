// What tells one simulated message from every other: who sent it, where to, and its number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::sim {

struct Stamp {
  enum class Kind : char {
    kEcho = 'e',     // to come back
    kPublish = 'm',  // to everyone in `room`
    kDirect = 'd',   // to the connection of peer `to`
    kLeave = 'l',    // take me out of `room`
    kJoin = 'j',     // take me into `room`
    kKick = 'k',     // close the connection of peer `to`
    kAbort = 'a',    // reset me
  };
  Kind kind = Kind::kEcho;
  char room = '-';
  int from = 0;
  int to = 0;
  std::uint32_t number = 0;

  // Names the message among all of a run.
  [[nodiscard]] std::uint64_t key() const noexcept {
    return static_cast<std::uint64_t>(from) << 32 | number;
  }
};

// A text of at least `size` bytes that begins with the stamp; the rest follows from it, so that a
// byte out of place is seen.
[[nodiscard]] std::string stamped(const Stamp& stamp, std::size_t size);
// Nothing when the text is not what stamped() made.
[[nodiscard]] std::optional<Stamp> read_stamp(std::string_view text);

}  // namespace wsd::sim
