// Dates in the format of HTTP.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wsd::protocol {

// Returns the IMF-fixdate of RFC 9110 §5.6.7, "Sun, 06 Nov 1994 08:49:37 GMT", for a number of
// seconds since 1970-01-01 00:00 UTC.
class HttpDate {
 public:
  explicit HttpDate(std::uint64_t unix_seconds) noexcept;
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 29> text_;
};

}  // namespace wsd::protocol
