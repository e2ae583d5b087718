// The reader of RESP3. A recursive parser of whole texts, from the specification, is the reference.
// The values must not depend on how the stream is divided, nor exceed the limits, and each value
// must be read again from what it is written as.
//
// Input: one byte for the limits, one byte that seeds the division, and the stream.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "engine/resp_reader.h"
#include "engine/resp_writer.h"
#include "fuzz_input.h"

namespace {

using namespace wsd::engine;  // NOLINT: a program of its own

constexpr RespReader::Limits kWide{std::size_t{1} << 20, 16'384, 8};

struct Outcome {
  std::vector<std::string> values;  // as canonical RESP
  bool broken = false;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

std::string blob(char type, std::string_view text) {
  return type + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// Writes a value so that equal values have equal texts.
std::string encoded(RespValue value) {
  const RespNode& node = value.front();
  char type = '*';
  switch (node.type) {
    case RespType::kSimple:
      return blob('=', "txt:" + std::string(node.text));
    case RespType::kError:
      return blob('!', node.text);
    case RespType::kNumber:
      return ":" + std::to_string(node.number) + "\r\n";
    case RespType::kDouble:
      return "," + std::string(node.text) + "\r\n";
    case RespType::kBulk:
      return blob('$', node.text);
    case RespType::kNull:
      return "_\r\n";
    case RespType::kBool:
      return node.number != 0 ? "#t\r\n" : "#f\r\n";
    case RespType::kArray:
      break;
    case RespType::kMap:
      type = '%';
      break;
    case RespType::kPush:
      type = '>';
      break;
  }
  std::string text = type + std::to_string(type == '%' ? node.count / 2 : node.count) + "\r\n";
  std::size_t at = 1;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    const RespValue element = child(value, i);
    WSD_ASSERT(element.data() == value.data() + at);
    text += encoded(element);
    at += element.size();
  }
  WSD_ASSERT(at == node.nodes && at == value.size());
  return text;
}

void read_on(RespReader& reader, const RespReader::Limits& limits, Outcome& outcome) {
  for (;;) {
    const RespReader::Result result = reader.next();
    if (result == RespReader::Result::kMore) return;
    if (result == RespReader::Result::kBroken) {
      outcome.broken = true;
      outcome.error = reader.error();
      WSD_ASSERT(!outcome.error.empty() && reader.value().empty());
      return;
    }
    const RespValue value = reader.value();
    WSD_ASSERT(value.size() <= limits.nodes);
    std::size_t bytes = 0;
    for (const RespNode& node : value) bytes += node.text.size();
    WSD_ASSERT(bytes <= limits.bytes);
    outcome.values.push_back(encoded(value));
  }
}

Outcome read_whole(std::string_view stream, const RespReader::Limits& limits) {
  Outcome outcome;
  RespReader reader(limits);
  reader.take(stream);
  read_on(reader, limits, outcome);
  return outcome;
}

Outcome read_divided(std::string_view stream, const RespReader::Limits& limits,
                     std::uint32_t seed) {
  Outcome outcome;
  RespReader reader(limits);
  while (!stream.empty() && !outcome.broken) {
    seed = seed * 1'664'525 + 1'013'904'223;
    const std::string piece(stream.substr(0, 1 + (seed >> 24) % 23));
    stream.remove_prefix(piece.size());
    reader.take(piece);
    // The reader need not be asked after each piece.
    if ((seed >> 16 & 3) != 0 || stream.empty()) read_on(reader, limits, outcome);
  }
  return outcome;
}

// Parses one value of a whole text.
class Reference {
 public:
  enum class End { kValue, kMore, kBroken };

  explicit Reference(std::string_view text) : rest_(text) {}

  // Appends the value to `out`, as encoded() writes it.
  End value(std::string& out, std::size_t depth, bool& attribute) {
    attribute = false;
    if (rest_.empty()) return End::kMore;
    const char type = rest_.front();
    if (std::string_view("$!=*~%>|:+-(,_#").find(type) == std::string_view::npos) {
      return End::kBroken;
    }
    const std::size_t cr = rest_.find('\r');
    if (cr == std::string_view::npos || cr + 1 == rest_.size()) return End::kMore;
    const std::string_view line = rest_.substr(1, cr - 1);
    if (rest_[cr + 1] != '\n' || line.find('\n') != std::string_view::npos) return End::kBroken;
    rest_.remove_prefix(cr + 2);
    switch (type) {
      case '$':
      case '!':
      case '=':
        return string(type, line, out);
      case ':':
        return number(line, out);
      case '+':
        out += blob('=', "txt:" + std::string(line));
        return End::kValue;
      case '-':
        out += blob('!', line);
        return End::kValue;
      case '(':
        if (!digits(line.substr(sign(line)))) return End::kBroken;
        out += blob('=', "txt:" + std::string(line));
        return End::kValue;
      case ',':
        if (line.empty()) return End::kBroken;
        out += "," + std::string(line) + "\r\n";
        return End::kValue;
      case '_':
        out += "_\r\n";
        return line.empty() ? End::kValue : End::kBroken;
      case '#':
        out += "#" + std::string(line) + "\r\n";
        return line == "t" || line == "f" ? End::kValue : End::kBroken;
      default:
        return aggregate(type, line, out, depth, attribute);
    }
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  static std::size_t sign(std::string_view line) {
    return line.starts_with('-') || line.starts_with('+') ? 1 : 0;
  }
  static bool digits(std::string_view line) {
    return !line.empty() && line.find_first_not_of("0123456789") == std::string_view::npos;
  }
  // Returns false if the length is not one, or exceeds every limit.
  static bool length(std::string_view line, std::size_t& length) {
    if (!digits(line) || line.size() > 18) return false;
    length = std::stoull(std::string(line));
    return true;
  }

  End string(char type, std::string_view line, std::string& out) {
    if (type == '$' && minus_one(line)) {
      out += "_\r\n";
      return End::kValue;
    }
    std::size_t size = 0;
    if (!length(line, size) || size > kWide.bytes) return End::kBroken;
    if (rest_.size() < size + 2) {
      const std::string_view end = rest_.size() > size ? rest_.substr(size) : "";
      return end.empty() || end == "\r" ? End::kMore : End::kBroken;
    }
    std::string_view text = rest_.substr(0, size);
    if (rest_.substr(size, 2) != "\r\n") return End::kBroken;
    rest_.remove_prefix(size + 2);
    if (type == '=') {
      if (size < 4 || text[3] != ':') return End::kBroken;
      out += blob('=', "txt:" + std::string(text.substr(4)));
    } else {
      out += blob(type, text);
    }
    return End::kValue;
  }

  static bool minus_one(std::string_view line) {
    std::size_t one = 0;
    return line.starts_with('-') && length(line.substr(1), one) && one == 1;
  }

  static End number(std::string_view line, std::string& out) {
    const std::string_view magnitude = line.substr(sign(line));
    if (!digits(magnitude) || magnitude.size() > 20) return End::kBroken;
    // Twenty digits fit neither 64 bits nor this type's limit.
    __extension__ unsigned __int128 value = 0;
    for (const char c : magnitude) value = value * 10 + static_cast<unsigned>(c - '0');
    const bool negative = line.starts_with('-');
    __extension__ const unsigned __int128 most =
        (static_cast<unsigned __int128>(1) << 63) - (negative ? 0 : 1);
    if (value > most) return End::kBroken;
    const bool shows_sign = negative && value > 0;
    out += std::string(shows_sign ? ":-" : ":") +
           std::to_string(static_cast<unsigned long long>(value)) + "\r\n";
    return End::kValue;
  }

  End aggregate(char type, std::string_view line, std::string& out, std::size_t depth,
                bool& attribute) {
    if (type == '*' && minus_one(line)) {
      out += "_\r\n";
      return End::kValue;
    }
    std::size_t size = 0;
    if (!length(line, size) || size >= kWide.nodes || depth == kWide.depth) return End::kBroken;
    if (type == '>' && (depth > 0 || size == 0)) return End::kBroken;
    std::string text = (type == '~' ? '*' : type) + std::to_string(size) + "\r\n";
    const std::size_t children = type == '%' || type == '|' ? 2 * size : size;
    for (std::size_t i = 0; i < children;) {
      bool aside = false;
      const End end = value(text, depth + 1, aside);
      if (end != End::kValue) return end;
      if (!aside) ++i;
    }
    attribute = type == '|';
    if (!attribute) out += text;
    return End::kValue;
  }

  std::string_view rest_;
};

// The inputs are too short for the limits, but for those that an announced number exceeds.
void compare_with_reference(std::string_view stream) {
  const Outcome outcome = read_whole(stream, kWide);
  if (outcome.error == "a value has too many elements") return;
  Reference reference(stream);
  for (const std::string& value : outcome.values) {
    std::string expected;
    for (bool attribute = true; attribute;) {
      WSD_ASSERT(reference.value(expected, 0, attribute) == Reference::End::kValue);
    }
    WSD_ASSERT(value == expected);
  }
  for (bool attribute = true; attribute;) {
    std::string unused;
    const Reference::End end = reference.value(unused, 0, attribute);
    if (attribute && end == Reference::End::kValue) continue;
    WSD_ASSERT(end != Reference::End::kValue);
    // A broken length may be seen before its line has ended, and then the reference waits for it.
    if (end == Reference::End::kBroken) WSD_ASSERT(outcome.broken);
    break;
  }
}

// A command is read as the array of its words.
void check_command(std::string_view words) {
  const std::size_t third = words.size() / 3;
  const std::string_view parts[] = {words.substr(0, third), words.substr(third, third),
                                    words.substr(2 * third)};
  std::string command;
  append_command(command, {parts[0], parts[1], parts[2]});
  RespReader reader(kWide);
  reader.take(command);
  WSD_ASSERT(reader.next() == RespReader::Result::kValue);
  const RespValue value = reader.value();
  WSD_ASSERT(value.size() == 4 && value.front().type == RespType::kArray);
  for (std::size_t i = 0; i < 3; ++i) {
    WSD_ASSERT(value[i + 1].type == RespType::kBulk && value[i + 1].text == parts[i]);
  }
  WSD_ASSERT(reader.next() == RespReader::Result::kMore);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wsd::fuzz::FuzzInput input(data, size);
  const std::uint8_t tight = input.byte();
  const std::uint8_t seed = input.byte();
  const wsd::Bytes rest = input.rest();
  const std::string stream(rest.begin(), rest.end());
  RespReader::Limits limits = kWide;
  if (tight != 0) limits = {tight, tight % 16U, tight % 5U};
  const Outcome whole = read_whole(stream, limits);
  WSD_ASSERT(whole == read_divided(stream, limits, seed));
  for (const std::string& value : whole.values) {
    const Outcome again = read_whole(value, kWide);
    WSD_ASSERT(!again.broken && again.values == std::vector<std::string>{value});
  }
  if (tight == 0) compare_with_reference(stream);
  check_command(stream);
  return 0;
}
