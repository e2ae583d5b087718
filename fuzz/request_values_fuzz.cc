// Cookies and the parameters of a query. Whatever a client writes,
// each value must be the one that a slow parser finds. The input is a name, a newline, and a text.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "fuzz_input.h"
#include "protocol/cookie.h"
#include "protocol/http_request.h"
#include "protocol/query.h"
#include "protocol/syntax.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts(1, text.substr(0, 0));
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      begin = i + 1;
      parts.push_back(text.substr(begin, 0));
    } else {
      parts.back() = text.substr(begin, i + 1 - begin);
    }
  }
  return parts;
}

// WHATWG URL §5.1, step by step.
std::optional<std::string> slow_param(std::string_view query, std::string_view name) {
  for (const std::string_view sequence : parts_of(query, '&')) {
    if (sequence.empty()) continue;
    const std::size_t equals = sequence.find('=');
    const std::string key = decode_query_text(sequence.substr(0, equals));
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : sequence.substr(equals + 1);
    if (key == name) return decode_query_text(value);
  }
  return std::nullopt;
}

std::string encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xFU];
  }
  return out;
}

void check_query(std::string_view query, std::string_view name) {
  const auto found = find_query_param(query, name);
  const auto expected = slow_param(query, name);
  WSD_ASSERT(found.has_value() == expected.has_value());
  if (found) WSD_ASSERT(decode_query_text(*found) == *expected);
  // Encoding is undone.
  const std::string pair = encoded(name) + "=" + encoded(query);
  const auto own = find_query_param(pair, name);
  WSD_ASSERT(own && decode_query_text(*own) == query);
}

void check_cookie(std::string_view field, std::string_view name) {
  const auto found = find_cookie(field, name);
  if (found) {
    WSD_ASSERT(is_token(name));
    WSD_ASSERT(found->find_first_of(";, \t\\") == std::string_view::npos);
    bool listed = false;
    for (const std::string_view pair : parts_of(field, ';')) {
      const std::string_view trimmed = trim_blanks(pair);
      if (trimmed == std::string(name) + "=" + std::string(*found)) listed = true;
    }
    WSD_ASSERT(listed);
  }
  // A cookie that follows on its own counts unless an earlier one has its name.
  const std::string more = std::string(field) + ";name=v";
  const auto value = find_cookie(more, "name");
  const auto before = find_cookie(field, "name");
  WSD_ASSERT(value && *value == (before ? *before : std::string_view("v")));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::FuzzInput input(data, size);
  const std::string_view all = as_text(input.rest());
  const std::size_t newline = all.find('\n');
  const std::string_view name = all.substr(0, newline);
  const std::string_view text =
      newline == std::string_view::npos ? std::string_view() : all.substr(newline + 1);
  check_query(text, name);
  check_cookie(text, name);
  return 0;
}
