#include "engine/batch_text.h"

#include <algorithm>
#include <limits>

#include "engine/resp_writer.h"

namespace wsd::engine {
namespace {

constexpr std::size_t kNodeDigits = 8;
constexpr std::size_t kMostHead = 20 + 1 + kNodeDigits + 1 + 10 + 1 + 20 + 1 + 10 + 1;
constexpr std::size_t kAroundMessage = 1 + 20 + 1;

// Makes place for the bytes, so that no append after it allocates.
void make_room(std::string& out, std::size_t size) {
  if (size <= out.capacity() - out.size()) return;
  out.reserve(std::max(out.size() + size, 2 * out.capacity()));
}

// Takes a character off the front.
bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Takes a decimal number without leading zeros off the front.
bool take_number(std::string_view& text, std::uint64_t most, std::uint64_t& number) noexcept {
  std::size_t digits = 0;
  number = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    const auto digit = static_cast<std::uint64_t>(text[digits] - '0');
    if (digit > most || number > (most - digit) / 10) return false;
    number = number * 10 + digit;
  }
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  return true;
}

bool take_process(std::string_view& text, std::uint32_t& process) noexcept {
  if (text.size() < kNodeDigits) return false;
  process = 0;
  for (const char c : text.substr(0, kNodeDigits)) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else {
      return false;
    }
    process = process << 4 | digit;
  }
  text.remove_prefix(kNodeDigits);
  return true;
}

bool take_head(std::string_view& text, BatchHead& head) noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t shard = 0;
  std::uint64_t count = 0;
  if (!take_number(text, kMost, head.ms) || !take(text, ' ') ||
      !take_process(text, head.node.process) || !take(text, '.') ||
      !take_number(text, std::numeric_limits<std::uint32_t>::max(), shard) || !take(text, ' ') ||
      !take_number(text, kMost, head.counter) || !take(text, ' ') ||
      !take_number(text, kMostMessagesPerBatch, count) || count == 0 || !take(text, '\n')) {
    return false;
  }
  head.node.shard = static_cast<std::uint32_t>(shard);
  head.count = static_cast<std::uint32_t>(count);
  return true;
}

bool take_message(std::string_view& text, BatchMessage& message) noexcept {
  std::uint64_t length = 0;
  message.binary = take(text, 'b');
  if (!message.binary && !take(text, 't')) return false;
  if (!take_number(text, text.size(), length) || !take(text, ':') || length > text.size()) {
    return false;
  }
  message.payload = text.substr(0, static_cast<std::size_t>(length));
  text.remove_prefix(message.payload.size());
  return true;
}

}  // namespace

void append_head(std::string& out, const BatchHead& head) {
  make_room(out, kMostHead);
  out += Decimal(head.ms);
  out += ' ';
  for (std::uint32_t shift = 32; shift > 0;) {
    shift -= 4;
    out += "0123456789abcdef"[head.node.process >> shift & 0xF];
  }
  out += '.';
  out += Decimal(head.node.shard);
  out += ' ';
  out += Decimal(head.counter);
  out += ' ';
  out += Decimal(head.count);
  out += '\n';
}

void append_message(std::string& out, const BatchMessage& message) {
  make_room(out, kAroundMessage + message.payload.size());
  out += message.binary ? 'b' : 't';
  out += Decimal(message.payload.size());
  out += ':';
  out += message.payload;
}

bool BatchReader::begin(std::string_view text) noexcept {
  head_ = {};
  rest_ = {};
  BatchHead head;
  if (!take_head(text, head)) return false;
  std::string_view rest = text;
  BatchMessage message;
  for (std::uint32_t i = 0; i < head.count; ++i) {
    if (!take_message(rest, message)) return false;
  }
  if (!rest.empty()) return false;
  head_ = head;
  rest_ = text;
  return true;
}

BatchMessage BatchReader::next() noexcept {
  BatchMessage message;
  if (!take_message(rest_, message)) return {};
  return message;
}

}  // namespace wsd::engine
