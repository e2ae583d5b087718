// Writes commands as Redis reads them: arrays of bulk strings (RESP2 and RESP3).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace wsd::engine {

// Appends a command to `out`. Throws std::bad_alloc if memory runs out; then `out` is as before.
void append_command(std::string& out, std::initializer_list<std::string_view> words);

// The decimal digits of a number, without memory of their own.
class Decimal {
 public:
  explicit Decimal(std::uint64_t number) noexcept;
  // NOLINTNEXTLINE(google-explicit-constructor): a word of a command
  operator std::string_view() const noexcept { return {digits_ + from_, sizeof digits_ - from_}; }

 private:
  char digits_[20];
  std::uint8_t from_;
};

}  // namespace wsd::engine
