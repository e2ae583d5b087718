#include "protocol/field_name.h"

#include <cstring>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

// The first four bytes and the last four, which may overlap.
[[nodiscard]] std::uint64_t short_word(std::string_view text) noexcept {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::memcpy(&first, text.data(), sizeof(first));
  std::memcpy(&last, text.data() + text.size() - sizeof(last), sizeof(last));
  return std::uint64_t{first} << 32 | last;
}

[[nodiscard]] std::uint64_t word_at(const char* text) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text, kWord);
  return word;
}

// As to_lower() for eight bytes. The sums do not exceed a byte, because they are of seven bits.
[[nodiscard]] constexpr std::uint64_t to_lower_word(std::uint64_t word) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x80 * kEach;
  const std::uint64_t low = word & ~kHigh;
  const std::uint64_t from_a = low + (0x80 - 'A') * kEach;
  const std::uint64_t beyond_z = low + (0x80 - 'Z' - 1) * kEach;
  const std::uint64_t upper = from_a & ~beyond_z & ~word & kHigh;
  return word | upper >> 2;
}

// `name` has the size of `known`. Nearly all clients write the names as the RFCs do.
template <std::size_t kSize>
[[nodiscard]] FieldName if_equal(std::string_view name, const char (&known)[kSize],
                                 FieldName field) noexcept {
  constexpr std::size_t kLetters = kSize - 1;
  if (std::memcmp(name.data(), known, kLetters) == 0) return field;
  return equals_ignore_case(name, {known, kLetters}) ? field : FieldName::kOther;
}

}  // namespace

FieldName field_name_of(std::string_view name) noexcept {
  // No two names of one length begin with the same letter.
  switch (name.size()) {
    case 4:
      return if_equal(name, "Host", FieldName::kHost);
    case 6:
      return to_lower(name[0]) == 'o' ? if_equal(name, "Origin", FieldName::kOrigin)
                                      : if_equal(name, "Expect", FieldName::kExpect);
    case 7:
      return if_equal(name, "Upgrade", FieldName::kUpgrade);
    case 10:
      return if_equal(name, "Connection", FieldName::kConnection);
    case 14:
      return if_equal(name, "Content-Length", FieldName::kContentLength);
    case 17:
      return to_lower(name[0]) == 's'
                 ? if_equal(name, "Sec-WebSocket-Key", FieldName::kSecWebSocketKey)
                 : if_equal(name, "Transfer-Encoding", FieldName::kTransferEncoding);
    case 21:
      return if_equal(name, "Sec-WebSocket-Version", FieldName::kSecWebSocketVersion);
    case 22:
      return if_equal(name, "Sec-WebSocket-Protocol", FieldName::kSecWebSocketProtocol);
    case 24:
      return if_equal(name, "Sec-WebSocket-Extensions", FieldName::kSecWebSocketExtensions);
    default:
      return FieldName::kOther;
  }
}

bool equals_ignore_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const std::size_t size = a.size();
  if (size >= kWord / 2 && size < kWord) {
    return to_lower_word(short_word(a)) == to_lower_word(short_word(b));
  }
  if (size < kWord) {
    for (std::size_t i = 0; i < size; ++i) {
      if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
  }
  const auto differ = [&](std::size_t at) {
    return to_lower_word(word_at(a.data() + at)) != to_lower_word(word_at(b.data() + at));
  };
  for (std::size_t at = 0; at + kWord <= size; at += kWord) {
    if (differ(at)) return false;
  }
  return !differ(size - kWord);  // the last bytes, and some before them again
}

}  // namespace wsd::protocol
