#include "base/log_line.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd {
namespace {

using namespace std::string_literals;  // NOLINT: values with NUL

constexpr std::uint64_t kMoment = 784'111'777'042;
constexpr std::string_view kTextStart = "ts=1994-11-06T08:49:37.042Z level=info event=e v=";
constexpr std::string_view kJsonStart =
    R"({"ts":"1994-11-06T08:49:37.042Z","level":"info","event":"e","v":)";

std::string line_of(bool json, std::string_view value) {
  return LogLine(json, LogLevel::kInfo, "e", kMoment).add("v", value).take();
}

// Returns the value's part of a line, and checks everything around it.
std::string value_part(bool json, std::string_view value) {
  const std::string line = line_of(json, value);
  const std::string_view start = json ? kJsonStart : kTextStart;
  const std::string_view end = json ? "}\n" : "\n";
  EXPECT_TRUE(line.starts_with(start)) << line;
  EXPECT_TRUE(line.ends_with(end)) << line;
  return line.substr(start.size(), line.size() - start.size() - end.size());
}

// Reads a flat JSON object of strings and numbers (RFC 8259). Returns nothing if it is not one.
class JsonReader {
 public:
  using Object = std::vector<std::pair<std::string, std::string>>;

  static std::optional<Object> read(std::string_view text) {
    JsonReader reader(text);
    Object object;
    if (!reader.take('{')) return std::nullopt;
    do {
      const auto key = reader.string();
      if (!key || !reader.take(':')) return std::nullopt;
      const auto value = reader.peek() == '"' ? reader.string() : reader.number();
      if (!value) return std::nullopt;
      object.emplace_back(*key, *value);
    } while (reader.take(','));
    if (!reader.take('}') || !reader.rest_.empty()) return std::nullopt;
    return object;
  }

 private:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty()) {
      const char each = rest_.front();
      rest_.remove_prefix(1);
      if (each == '"') return out;
      if (static_cast<unsigned char>(each) < 0x20 || static_cast<unsigned char>(each) > 0x7E) {
        return std::nullopt;  // wsd writes only ASCII
      }
      if (each == '\\') {
        const char escaped = peek();
        if (escaped != '"' && escaped != '\\') return std::nullopt;
        rest_.remove_prefix(1);
        out += escaped;
      } else {
        out += each;
      }
    }
    return std::nullopt;
  }
  std::optional<std::string> number() {
    std::string out;
    while (peek() >= '0' && peek() <= '9') {
      out += peek();
      rest_.remove_prefix(1);
    }
    if (out.empty() || (out.size() > 1 && out[0] == '0')) return std::nullopt;
    return out;
  }

  std::string_view rest_;
};

std::optional<JsonReader::Object> parse_line(std::string_view line) {
  if (!line.ends_with('\n')) return std::nullopt;
  return JsonReader::read(line.substr(0, line.size() - 1));
}

std::string hex(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {kDigits[byte / 16], kDigits[byte % 16]};
}

TEST(LogLine, ExactLinesInBothForms) {
  const auto write = [](bool json) {
    return LogLine(json, LogLevel::kWarn, "connection ended", 0)
        .add("cause", "slow_consumer")
        .add("id", std::uint64_t{18446744073709551615U})
        .add("code", std::uint16_t{1008})
        .add("user", "")
        .take();
  };
  EXPECT_EQ(write(false),
            "ts=1970-01-01T00:00:00.000Z level=warn event=\"connection ended\" "
            "cause=slow_consumer id=18446744073709551615 code=1008 user=\"\"\n");
  EXPECT_EQ(write(true),
            R"({"ts":"1970-01-01T00:00:00.000Z","level":"warn","event":"connection ended",)"
            R"("cause":"slow_consumer","id":18446744073709551615,"code":1008,"user":""})"
            "\n");
}

TEST(LogLine, EveryByteAsText) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string value(1, static_cast<char>(byte));
    std::string expected;
    if (byte == '"' || byte == '\\') {
      expected = "\"\\" + value + "\"";
    } else if (byte == ' ' || byte == '=') {
      expected = "\"" + value + "\"";
    } else if (byte > ' ' && byte <= '~') {
      expected = value;
    } else {
      expected = "\"\\x" + hex(byte) + "\"";
    }
    EXPECT_EQ(value_part(false, value), expected) << byte;
  }
}

TEST(LogLine, EveryByteAsJson) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string value(1, static_cast<char>(byte));
    std::string expected;
    if (byte == '"' || byte == '\\') {
      expected = "\"\\" + value + "\"";
    } else if (byte >= ' ' && byte <= '~') {
      expected = "\"" + value + "\"";
    } else {
      expected = "\"\\\\x" + hex(byte) + "\"";
    }
    EXPECT_EQ(value_part(true, value), expected) << byte;
    const auto object = parse_line(line_of(true, value));
    ASSERT_TRUE(object.has_value()) << byte;
    ASSERT_EQ(object->size(), 4U);
    EXPECT_EQ(object->back().second, byte >= ' ' && byte <= '~' ? value : "\\x" + hex(byte));
  }
}

TEST(LogLine, EveryPairOfBytesStaysInItsField) {
  for (unsigned pair = 0; pair < 65536; ++pair) {
    const std::string value{static_cast<char>(pair >> 8), static_cast<char>(pair & 0xFF)};
    const std::string text = line_of(false, value);
    ASSERT_EQ(text.find('\n'), text.size() - 1) << pair;
    const auto object = parse_line(line_of(true, value));
    ASSERT_TRUE(object.has_value()) << pair;
    ASSERT_EQ(object->size(), 4U) << pair;
    ASSERT_EQ(object->back().first, "v") << pair;
  }
}

TEST(LogLine, Cwe117_PeerCannotAddALine) {
  const std::string_view attack = "x\r\nts=1970 level=error event=fake \x1B[2J\" cause=\"y";
  const std::string text = value_part(false, attack);
  EXPECT_EQ(text, R"("x\x0d\x0ats=1970 level=error event=fake \x1b[2J\" cause=\"y")");
  const auto object = parse_line(line_of(true, "\",\"event\":\"fake"));
  ASSERT_TRUE(object.has_value());
  EXPECT_EQ(object->size(), 4U);
  EXPECT_EQ(object->back().second, "\",\"event\":\"fake");
}

TEST(LogLine, TheEventIsEscapedToo) {
  const std::string text = LogLine(false, LogLevel::kInfo, "a\nb", 0).take();
  EXPECT_EQ(text, "ts=1970-01-01T00:00:00.000Z level=info event=\"a\\x0ab\"\n");
  EXPECT_TRUE(parse_line(LogLine(true, LogLevel::kInfo, "a\n\"b", 0).take()).has_value());
}

TEST(LogLine, LongValuesAreCut) {
  constexpr std::size_t kMax = LogLine::kMaxValueBytes;
  for (const std::size_t size : {kMax - 1, kMax}) {
    EXPECT_EQ(value_part(false, std::string(size, 'a')), std::string(size, 'a'));
  }
  for (const std::size_t size : {kMax + 1, kMax * 16}) {
    const std::string value(size, 'a');
    EXPECT_EQ(value_part(false, value), std::string(kMax, 'a') + "...");
    EXPECT_EQ(value_part(true, value), "\"" + std::string(kMax, 'a') + "...\"");
  }
}

TEST(LogLine, ACutNeverFallsInsideAnEscape) {
  constexpr std::size_t kMax = LogLine::kMaxValueBytes;
  for (const char byte : {'"', '\\', '\n', '\xFF'}) {
    for (std::size_t plain = kMax - 3; plain <= kMax; ++plain) {
      const std::string value = std::string(plain, 'a') + std::string(10, byte);
      const auto object = parse_line(line_of(true, value));
      ASSERT_TRUE(object.has_value()) << plain;
      EXPECT_TRUE(object->back().second.starts_with(std::string(plain, 'a')));
      EXPECT_TRUE(object->back().second.ends_with("..."));
    }
  }
}

TEST(LogLine, Timestamps_HaveMilliseconds) {
  const auto stamp = [](std::uint64_t ms) {
    return LogLine(false, LogLevel::kInfo, "e", ms).take().substr(3, 24);
  };
  EXPECT_EQ(stamp(999), "1970-01-01T00:00:00.999Z");
  EXPECT_EQ(stamp(1000), "1970-01-01T00:00:01.000Z");
  EXPECT_EQ(stamp(951'782'400'007), "2000-02-29T00:00:00.007Z");
}

TEST(LogLine, Levels) {
  EXPECT_EQ(log_level_name(LogLevel::kDebug), "debug");
  EXPECT_EQ(log_level_name(LogLevel::kInfo), "info");
  EXPECT_EQ(log_level_name(LogLevel::kWarn), "warn");
  EXPECT_EQ(log_level_name(LogLevel::kError), "error");
  EXPECT_EQ(log_level_name(LogLevel::kOff), "off");
}

}  // namespace
}  // namespace wsd
