#include "engine/resp_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace wsd::engine {
namespace {

// A larger buffer is freed once it is empty.
constexpr std::size_t kKeptCapacity = std::size_t{512} << 10;
constexpr std::size_t kCrLf = 2;
constexpr std::size_t kFirstCapacity = std::size_t{16} << 10;

// Longer lengths exceed every limit, and shorter ones fit an int64_t.
constexpr int kMostLengthDigits = 18;
// Without leading zeros, 64 bits have 19 digits.
constexpr int kMostIntegerDigits = 20;
// The head that whole_bulks() reads: $, the digits, and the CRLF.
constexpr int kMostShortDigits = 8;
constexpr std::size_t kMostBulkHead = 1 + kMostShortDigits + 2;

constexpr std::string_view kTooLarge = "a value exceeds the limit of bytes";
constexpr std::string_view kTooMany = "a value has too many elements";
constexpr std::string_view kNoCrLf = "a line does not end with CRLF";
constexpr std::string_view kBadLength = "a length is not a decimal number";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_big_number(std::string_view text) noexcept {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace

RespValue child(RespValue value, std::size_t index) noexcept {
  if (value.empty() || index >= value.front().count) return {};
  std::size_t at = 1;
  if (value.front().nodes == value.front().count + 1) {
    at += index;
  } else {
    for (; index > 0; --index) at += value[at].nodes;
  }
  return value.subspan(at, value[at].nodes);
}

RespValue find(RespValue value, std::string_view key) noexcept {
  if (value.empty()) return {};
  std::size_t at = 1;
  for (std::uint32_t i = 0; i + 1 < value.front().count; i += 2) {
    const RespNode& name = value[at];
    at += name.nodes;
    if (name.is_text() && name.text == key) return value.subspan(at, value[at].nodes);
    at += value[at].nodes;
  }
  return {};
}

RespReader::RespReader(const Limits& limits) noexcept : limits_(limits) {
  limits_.depth = std::min(limits_.depth, kMostDepth);
}

void RespReader::take(std::string_view bytes) {
  if (!error_.empty()) return;
  if (complete_) {
    nodes_.clear();
    complete_ = false;
  }
  if (start_ == buffer_.size()) {
    if (buffer_.capacity() > kKeptCapacity && bytes.size() <= kKeptCapacity) {
      std::string().swap(buffer_);
    }
    buffer_.clear();
    start_ = at_ = 0;
  }
  if (bytes.size() > buffer_.capacity() - buffer_.size()) make_room(bytes.size());
  buffer_.append(bytes);
}

// Moves the bytes of unfinished values to the front if at least as many were read since the last
// move, or else doubles the buffer. So each byte is moved a constant number of times on average.
void RespReader::make_room(std::size_t size) {
  const std::size_t kept = buffer_.size() - start_;
  if (start_ >= kept && kept + size <= buffer_.capacity()) {
    rebase(buffer_.data() + start_, buffer_.data());
    buffer_.erase(0, start_);
  } else {
    std::string larger;
    larger.reserve(std::max(kFirstCapacity, 2 * (kept + size)));
    larger.append(buffer_, start_, kept);
    rebase(buffer_.data() + start_, larger.data());
    buffer_.swap(larger);
  }
  at_ -= start_;
  start_ = 0;
}

void RespReader::rebase(const char* from, const char* to) noexcept {
  for (RespNode& node : nodes_) {
    if (node.text.data() == nullptr) continue;
    node.text = {to + (node.text.data() - from), node.text.size()};
  }
}

RespReader::Result RespReader::next() {
  if (!error_.empty()) return Result::kBroken;
  if (complete_) {
    nodes_.clear();
    complete_ = false;
  }
  // The bytes after the limit are not looked at, so that an error does not depend on how many have
  // arrived.
  const std::size_t kept = buffer_.size() - start_;
  end_ = start_ + std::min(kept, limits_.bytes);
  while (at_ < end_) {
    const Result result = whole_bulks() ? Result::kValue : element();
    if (result == Result::kMore) break;
    if (result == Result::kBroken) return result;
    if (!complete_) continue;
    start_ = at_;
    return Result::kValue;
  }
  return kept >= limits_.bytes ? fail(kTooLarge) : Result::kMore;
}

// The fast path of blob() for bulk strings that have arrived whole, because nearly all elements
// are. Stops before everything else, and after the last element of a value. Returns whether it has
// read one.
inline bool RespReader::whole_bulks() {
  const char* const begin = buffer_.data() + at_;
  if (end_ - at_ < kMostBulkHead) return false;
  const char* const last_head = end() - kMostBulkHead;
  const char* at = begin;
  while (at <= last_head && *at == '$' && nodes_.size() < limits_.nodes) {
    const char* text = at + 1;
    std::size_t size = static_cast<unsigned char>(*text++ - '0');
    if (size > 9) break;
    for (int digits = 1; is_digit(*text) && digits < kMostShortDigits; ++digits) {
      size = size * 10 + static_cast<std::size_t>(*text++ - '0');
    }
    if (text[0] != '\r' || text[1] != '\n') break;
    text += kCrLf;
    if (size + kCrLf > static_cast<std::size_t>(end() - text)) break;
    if (text[size] != '\r' || text[size + 1] != '\n') break;
    RespNode& node = nodes_.emplace_back();
    node.type = RespType::kBulk;
    node.text = {text, size};
    at = text + size + kCrLf;
    at_ = static_cast<std::size_t>(at - buffer_.data());
    if (depth_ > 0 && frames_[depth_ - 1].left > 1) {
      --frames_[depth_ - 1].left;
      continue;
    }
    close_element();
    if (complete_) break;
  }
  return at != begin;
}

// Reads one element: a leaf, or the head of an aggregate. Does nothing if it has not arrived whole.
RespReader::Result RespReader::element() {
  const char type = buffer_[at_];
  switch (type) {
    case '$':
    case '!':
    case '=':
      return blob(type);
    case '*':
    case '~':
    case '%':
    case '>':
    case '|':
      return aggregate(type);
    case ':':
      return number_line();
    case '+':
    case '-':
    case '(':
    case ',':
      return text_line(type);
    case '_':
    case '#':
      return short_line(type);
    default:
      return fail("a value has an unknown type");
  }
}

RespReader::Result RespReader::text_line(char type) {
  const char* const begin = buffer_.data() + at_ + 1;
  const char* const from = begin + scanned_;
  const auto* const cr =
      static_cast<const char*>(std::memchr(from, '\r', static_cast<std::size_t>(end() - from)));
  if (cr == nullptr || cr + 1 == end()) {
    scanned_ = static_cast<std::size_t>((cr == nullptr ? end() : cr) - begin);
    return Result::kMore;
  }
  const std::string_view text(begin, static_cast<std::size_t>(cr - begin));
  if (cr[1] != '\n' || text.find('\n') != text.npos) return fail(kNoCrLf);
  RespNode node;
  node.text = text;
  node.type = RespType::kSimple;
  if (type == '-') node.type = RespType::kError;
  if (type == ',') {
    if (text.empty()) return fail("a double has no digits");
    node.type = RespType::kDouble;
  }
  if (type == '(' && !is_big_number(text)) return fail("a big number is not decimal");
  return add(node, cr + 2);
}

RespReader::Result RespReader::number_line() {
  const char* at = buffer_.data() + at_ + 1;
  if (at == end()) return Result::kMore;
  const bool negative = *at == '-';
  if (negative || *at == '+') ++at;
  const std::uint64_t most = std::uint64_t{std::numeric_limits<std::int64_t>::max()} + negative;
  const char* const digits = at;
  std::uint64_t number = 0;
  for (; at != end() && is_digit(*at); ++at) {
    const auto digit = static_cast<std::uint64_t>(*at - '0');
    if (number > (most - digit) / 10 || at - digits == kMostIntegerDigits)
      return fail("an integer exceeds 64 bits");
    number = number * 10 + digit;
  }
  if (at == end()) return Result::kMore;
  if (at == digits) return fail("an integer has no digits");
  if (const Line line = read_end(at); line != Line::kRead) return unread(line);
  RespNode node;
  node.type = RespType::kNumber;
  node.number = static_cast<std::int64_t>(negative ? 0 - number : number);
  return add(node, at);
}

RespReader::Result RespReader::blob(char type) {
  const char* at = buffer_.data() + at_ + 1;
  std::int64_t length = 0;
  if (const Line line = read_length(at, type == '$', length); line != Line::kRead) {
    return unread(line);
  }
  RespNode node;
  if (length < 0) return add(node, at);
  const auto size = static_cast<std::size_t>(length);
  const auto used = static_cast<std::size_t>(at - (buffer_.data() + start_));
  if (size + kCrLf > limits_.bytes - used) return fail(kTooLarge);
  if (size > static_cast<std::size_t>(end() - at)) return Result::kMore;
  node.text = {at, size};
  at += size;
  if (const Line line = read_end(at); line != Line::kRead) return unread(line);
  node.type = type == '!' ? RespType::kError : RespType::kBulk;
  if (type == '=') {
    // Three bytes name the format of the text.
    if (size < 4 || node.text[3] != ':') return fail("a verbatim string has no format");
    node.type = RespType::kSimple;
    node.text.remove_prefix(4);
  }
  return add(node, at);
}

RespReader::Result RespReader::aggregate(char type) {
  const char* at = buffer_.data() + at_ + 1;
  std::int64_t length = 0;
  if (const Line line = read_length(at, type == '*', length); line != Line::kRead) {
    return unread(line);
  }
  if (length < 0) return add(RespNode{}, at);
  if (type == '%' || type == '|') length *= 2;
  // Each child is a node, so the comparison also keeps the count within 32 bits.
  if (length >= limits_.nodes ||
      nodes_.size() > limits_.nodes - 1 - static_cast<std::size_t>(length)) {
    return fail(kTooMany);
  }
  if (depth_ == limits_.depth) return fail("a value has too many levels");
  if (type == '>' && depth_ > 0) return fail("a push is inside another value");
  if (type == '>' && length == 0) return fail("a push is empty");
  const auto count = static_cast<std::uint32_t>(length);
  if (count == 0 && type != '|') {
    RespNode node;
    node.type = type == '%' ? RespType::kMap : RespType::kArray;
    return add(node, at);
  }
  if (count > 0) {
    RespNode node;
    node.count = count;
    node.type = type == '>' ? RespType::kPush : type == '%' ? RespType::kMap : RespType::kArray;
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back(node);
    frames_[depth_++] = {index, count, type == '|'};
  }
  at_ = static_cast<std::size_t>(at - buffer_.data());
  return Result::kValue;
}

RespReader::Result RespReader::short_line(char type) {
  const char* at = buffer_.data() + at_ + 1;
  RespNode node;
  if (type == '#') {
    if (at == end()) return Result::kMore;
    if (*at != 't' && *at != 'f') return fail("a boolean is neither t nor f");
    node.type = RespType::kBool;
    node.number = *at == 't' ? 1 : 0;
    ++at;
  }
  if (const Line line = read_end(at); line != Line::kRead) return unread(line);
  return add(node, at);
}

RespReader::Line RespReader::read_length(const char*& at, bool nullable, std::int64_t& length) {
  const char* const end = this->end();
  if (at == end) return Line::kShort;
  const bool negative = *at == '-';
  if (negative) ++at;
  const char* const digits = at;
  for (; at != end && is_digit(*at); ++at) {
    if (at - digits == kMostLengthDigits) return fail(kTooLarge), Line::kBroken;
    length = length * 10 + (*at - '0');
  }
  if (at == end) return Line::kShort;
  if (at == digits) {
    const bool streamed = *at == '?' && !negative;
    return fail(streamed ? "a value is streamed" : kBadLength), Line::kBroken;
  }
  if (negative) {
    if (!nullable || length != 1) return fail("a length is negative"), Line::kBroken;
    length = -1;
  }
  return read_end(at);
}

RespReader::Line RespReader::read_end(const char*& at) {
  const char* const end = this->end();
  if (at == end) return Line::kShort;
  if (*at != '\r') return fail(kNoCrLf), Line::kBroken;
  if (at + 1 == end) return Line::kShort;
  if (at[1] != '\n') return fail(kNoCrLf), Line::kBroken;
  at += 2;
  return Line::kRead;
}

RespReader::Result RespReader::unread(Line line) const noexcept {
  return line == Line::kShort ? Result::kMore : Result::kBroken;
}

RespReader::Result RespReader::add(const RespNode& node, const char* end) {
  if (nodes_.size() == limits_.nodes) return fail(kTooMany);
  nodes_.push_back(node);
  at_ = static_cast<std::size_t>(end - buffer_.data());
  close_element();
  return Result::kValue;
}

// The element at the end of `nodes_` is whole, and so may be the aggregates that it ends.
void RespReader::close_element() noexcept {
  scanned_ = 0;
  while (depth_ > 0) {
    Frame& frame = frames_[depth_ - 1];
    if (--frame.left > 0) return;
    --depth_;
    if (frame.attribute) {
      // The element that it belongs to comes next.
      nodes_.erase(nodes_.begin() + frame.node, nodes_.end());
      return;
    }
    nodes_[frame.node].nodes = static_cast<std::uint32_t>(nodes_.size()) - frame.node;
  }
  complete_ = true;
}

RespReader::Result RespReader::fail(std::string_view error) noexcept {
  error_ = error;
  nodes_.clear();
  return Result::kBroken;
}

}  // namespace wsd::engine
