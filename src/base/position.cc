#include "wsd/position.h"

#include <charconv>

namespace wsd {
namespace {

// Parses all of `text` as one number.
bool parse_number(std::string_view text, std::uint64_t& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

}  // namespace

std::string position_text(const Position& position) {
  return std::to_string(position.epoch) + ":" + std::to_string(position.seq);
}

std::optional<Position> parse_position(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Position position;
  if (!parse_number(text.substr(0, colon), position.epoch)) return std::nullopt;
  if (!parse_number(text.substr(colon + 1), position.seq)) return std::nullopt;
  return position;
}

}  // namespace wsd
