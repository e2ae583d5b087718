// Identifies a simulated message: its sender, its destination and its number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::sim {

struct Stamp {
  enum class Kind : char {
    kEcho = 'e',     // to come back
    kPublish = 'm',  // to all members of `room`
    kDirect = 'd',   // to the connection of peer `to`
    kLeave = 'l',    // remove me from `room`
    kJoin = 'j',     // add me to `room`
    kKick = 'k',     // close the connection of peer `to`
    kAbort = 'a',    // reset me
  };
  Kind kind = Kind::kEcho;
  // As `to` of a kPublish: the publisher must not get the message.
  static constexpr int kNotBack = -1;
  char room = '-';
  int from = 0;
  int to = 0;
  std::uint32_t number = 0;

  // Identifies the message among all messages of a run.
  [[nodiscard]] std::uint64_t key() const noexcept {
    return static_cast<std::uint64_t>(from) << 32 | number;
  }
};

// Returns a text of at least `size` bytes that begins with the stamp. The rest depends on the
// stamp, so that a misplaced byte is detected.
[[nodiscard]] std::string stamped(const Stamp& stamp, std::size_t size);
// Returns nothing if stamped() did not make the text.
[[nodiscard]] std::optional<Stamp> read_stamp(std::string_view text);

}  // namespace wsd::sim
