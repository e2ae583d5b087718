#include "engine/question_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace wsd::engine {
namespace {

constexpr std::size_t kMostNameBytes = 19;  // eight digits, a dot, and ten digits

}  // namespace

std::string text_of(const NodeName& node) {
  std::string name;
  for (std::uint32_t shift = 32; shift > 0;) {
    shift -= 4;
    name += "0123456789abcdef"[node.process >> shift & 0xF];
  }
  return name + '.' + std::to_string(node.shard);
}

bool is_node_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMostNameBytes &&
         text.find_first_not_of("0123456789abcdef.") == std::string_view::npos;
}

std::string_view take_word(std::string_view& text) noexcept {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(std::min(space + 1, text.size()));
  return word;
}

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace wsd::engine
