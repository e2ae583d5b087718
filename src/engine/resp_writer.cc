#include "engine/resp_writer.h"

#include <algorithm>
#include <cstddef>

namespace wsd::engine {
namespace {

constexpr std::size_t kAroundWord = 1 + 20 + 2 + 2;  // $ LENGTH CRLF, and CRLF after the word

void append_length(std::string& out, char type, std::size_t length) {
  out += type;
  out += Decimal(length);
  out += "\r\n";
}

}  // namespace

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
  std::size_t most = kAroundWord;
  for (const std::string_view word : words) most += kAroundWord + word.size();
  // Nothing after this allocates.
  if (most > out.capacity() - out.size()) {
    out.reserve(std::max(out.size() + most, 2 * out.capacity()));
  }
  append_length(out, '*', words.size());
  for (const std::string_view word : words) {
    append_length(out, '$', word.size());
    out += word;
    out += "\r\n";
  }
}

Decimal::Decimal(std::uint64_t number) noexcept : from_(sizeof digits_) {
  do {
    digits_[--from_] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
}

}  // namespace wsd::engine
