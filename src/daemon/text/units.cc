#include "daemon/text/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first: format() uses the first unit that divides the value.
constexpr std::array<Unit, 4> kDurationUnits{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 6> kSizeUnits{{{"TiB", std::uint64_t{1} << 40U},
                                          {"GiB", std::uint64_t{1} << 30U},
                                          {"MiB", std::uint64_t{1} << 20U},
                                          {"KiB", std::uint64_t{1} << 10U},
                                          {"", 1},
                                          {"B", 1}}};

constexpr std::uint64_t kDurationMax = std::numeric_limits<std::uint32_t>::max();

// The digits at the front of a text, and the text after them.
struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;
  bool overflow = false;
};

std::optional<Quantity> split_quantity(std::string_view text) {
  Quantity quantity;
  const char* const end = text.data() + text.size();
  const auto [after, code] = std::from_chars(text.data(), end, quantity.number);
  if (code == std::errc::invalid_argument) return std::nullopt;
  quantity.overflow = code == std::errc::result_out_of_range;
  quantity.unit = text.substr(static_cast<std::size_t>(after - text.data()));
  return quantity;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

template <std::size_t N>
std::string format(const std::array<Unit, N>& units, std::uint64_t value) {
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(value);
}

std::string too_large(std::string_view text, std::string_view most) {
  return quote(text) + " is too large; the limit is " + std::string(most);
}

}  // namespace

Parsed<std::uint32_t> parse_duration_ms(std::string_view text, Zero zero) {
  if (text == "off") {
    if (zero == Zero::kOff) return {};
    return {0, std::string(R"("off" is not accepted, because this duration cannot be turned off)") +
                   (zero == Zero::kImmediate ? "; 0 makes it immediate" : "")};
  }
  const auto quantity = split_quantity(text);
  if (!quantity) {
    return {0, quote(text) +
                   " is not a duration; write a whole number and its unit, such as 250ms, 10s, 1m "
                   "or 2h" +
                   (zero == Zero::kOff ? ", or off" : "")};
  }
  const bool bare_zero = quantity->unit.empty() && quantity->number == 0 && !quantity->overflow;
  const Unit* const unit = bare_zero ? kDurationUnits.end() - 1  // zero needs no unit
                                     : find_unit(kDurationUnits, quantity->unit);
  if (unit == nullptr) {
    return {0,
            quantity->unit.empty()
                ? quote(text) + " has no unit; write it with ms, s, m or h, such as 250ms or 10s"
                : quote(text) + " is not a duration: the unit " + quote(quantity->unit) +
                      " is not ms, s, m or h, and a fraction needs a smaller unit, as in 1500ms"};
  }
  if (quantity->overflow || quantity->number > kDurationMax / unit->factor) {
    return {0, too_large(text, "1193h (4294967295ms)")};
  }
  if (quantity->number == 0 && zero == Zero::kRefused) {
    return {0, quote(text) + " is too short: this duration must be at least 1ms"};
  }
  return {static_cast<std::uint32_t>(quantity->number * unit->factor), {}};
}

std::string format_duration_ms(std::uint32_t value, Zero zero) {
  if (value == 0) return zero == Zero::kOff ? "off" : "0";
  return format(kDurationUnits, value);
}

Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t max) {
  const auto quantity = split_quantity(text);
  if (!quantity) {
    return {0, quote(text) +
                   " is not a size; write a whole number of bytes, such as 4096, 64KiB or 1MiB"};
  }
  const Unit* const unit = find_unit(kSizeUnits, quantity->unit);
  if (unit == nullptr) {
    return {0, quote(text) + " is not a size: the unit " + quote(quantity->unit) +
                   " is not B, KiB, MiB, GiB or TiB, and a fraction needs a smaller unit, as in "
                   "1536KiB"};
  }
  if (quantity->overflow || quantity->number > max / unit->factor) {
    return {0, too_large(text, std::to_string(max) + " bytes")};
  }
  return {quantity->number * unit->factor, {}};
}

std::string format_size(std::uint64_t bytes) {
  return bytes == 0 ? "0" : format(kSizeUnits, bytes);
}

Parsed<std::uint64_t> parse_count(std::string_view text, std::uint64_t max) {
  const auto quantity = split_quantity(text);
  if (!quantity || !quantity->unit.empty()) {
    return {0, quote(text) + " is not a whole number; write digits only, such as 16"};
  }
  if (quantity->overflow || quantity->number > max) {
    return {0, too_large(text, std::to_string(max))};
  }
  return {quantity->number, {}};
}

Parsed<std::uint32_t> parse_file_mode(std::string_view text) {
  constexpr std::uint32_t kBits = 0777;
  std::uint32_t mode = 0;
  const char* const end = text.data() + text.size();
  const auto [after, code] = std::from_chars(text.data(), end, mode, 8);
  const bool digits = code == std::errc() && after == end && text.size() >= 3 && text.size() <= 4;
  if (digits && mode <= kBits) return {mode, {}};
  return {0, quote(text) +
                 " is not a file mode: write three or four octal digits from 000 to 0777, "
                 "as in 0660"};
}

std::string format_file_mode(std::uint32_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) {
    digits += static_cast<char>('0' + (mode >> static_cast<unsigned>(shift) & 7U));
  }
  return digits;
}

}  // namespace wsd::daemon
