#include "protocol/proxy_header.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_support.h"

namespace wsd::protocol {
namespace {

using Status = ProxyHeaderParser::Status;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

struct Result {
  Status status = Status::kNeedMore;
  Violation violation = Violation::kNone;
  std::string source;     // "none": the peer itself
  std::size_t taken = 0;  // bytes
  bool operator==(const Result&) const = default;
};

void PrintTo(const Result& result, std::ostream* out) {
  *out << "status " << static_cast<int>(result.status) << ", " << violation_name(result.violation)
       << ", " << result.source << ", " << result.taken << " taken";
}

// Parses in pieces that end at `cuts` and at the end. Each piece is in a separate block.
Result parse(std::string_view bytes, const std::vector<std::size_t>& cuts) {
  ProxyHeaderParser parser;
  Result result;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : bytes.size();
    const Bytes part = as_bytes(bytes.substr(from, to - from));
    const std::vector<std::uint8_t> block(part.begin(), part.end());
    Bytes input = block;
    result.status = parser.parse(input);
    result.taken += block.size() - input.size();
    from = to;
  }
  if (result.status == Status::kFailed) result.violation = parser.violation();
  result.source = parser.source() ? parser.source()->text() : "none";
  return result;
}

// Parses whole, at every split into two, and byte by byte. The results must be equal.
Result parse_every_way(std::string_view bytes) {
  const Result whole = parse(bytes, {});
  std::vector<std::size_t> all;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(parse(bytes, {cut}), whole) << "cut at " << cut;
    all.push_back(cut);
  }
  EXPECT_EQ(parse(bytes, all), whole) << "byte by byte";
  return whole;
}

std::string block(unsigned version_command, unsigned family, std::string_view content) {
  std::string text(kSignature);
  text += static_cast<char>(version_command);
  text += static_cast<char>(family);
  text += static_cast<char>(content.size() >> 8);
  text += static_cast<char>(content.size() & 0xFF);
  return text.append(content);
}

const std::string kV4 = std::string("\xC0\x00\x02\x01\xC6\x33\x64\x02\x12\x67\x01\xBB", 12);
const std::string kV6 = std::string("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07", 16) +
                        std::string("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x08", 16) +
                        "\x12\x67\x01\xBB";
const std::string kUnix = std::string(216, 'u');
const std::string kTlv = std::string("\x03\x00\x04\xFD\x16\x9E\xE3\x04\x00\x01\x00", 11);

// Valid headers, with the client that each names.
std::vector<std::pair<std::string, std::string>> valid() {
  return {
      {"PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n", "192.0.2.1:4711"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
      {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"},
      {"PROXY TCP6 2001:db8::7 2001:db8::8 4711 443\r\n", "[2001:db8::7]:4711"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
      {"PROXY TCP6 ::ffff:192.0.2.1 ::1 4711 443\r\n", "192.0.2.1:4711"},
      {"PROXY UNKNOWN\r\n", "none"},
      {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "none"},
      {"PROXY UNKNOWN whatever it is\r\n", "none"},
      {block(0x21, 0x11, kV4), "192.0.2.1:4711"},
      {block(0x21, 0x11, kV4 + kTlv), "192.0.2.1:4711"},
      {block(0x21, 0x11, kV4 + std::string(1000, 't')), "192.0.2.1:4711"},
      {block(0x21, 0x21, kV6), "[2001:db8::7]:4711"},
      {block(0x21, 0x21, kV6 + kTlv), "[2001:db8::7]:4711"},
      {block(0x20, 0x00, ""), "none"},
      {block(0x20, 0x11, kV4), "none"},
      {block(0x20, 0x11, "short"), "none"},
      {block(0x20, 0xFF, "of LOCAL the family means nothing"), "none"},
      {block(0x21, 0x00, ""), "none"},
      {block(0x21, 0x00, kTlv), "none"},
      {block(0x21, 0x01, kV4), "none"},
      {block(0x21, 0x10, kV4), "none"},
      {block(0x21, 0x12, kV4), "none"},
      {block(0x21, 0x22, kV6), "none"},
      {block(0x21, 0x31, kUnix), "none"},
      {block(0x21, 0x32, kUnix + kTlv), "none"},
  };
}

TEST(ProxyHeader, ValidHeaders_ParseInEverySplit) {
  for (const auto& [header, source] : valid()) {
    SCOPED_TRACE(::testing::PrintToString(header));
    const Result expected{Status::kComplete, Violation::kNone, source, header.size()};
    EXPECT_EQ(parse_every_way(header), expected);
    // The parser does not consume bytes after the header.
    for (const char* more :
         {"GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 6.6.6.6 6.6.6.6 1 1\r\n", "\n"}) {
      EXPECT_EQ(parse_every_way(header + more), expected);
    }
  }
}

TEST(ProxyHeader, TruncatedHeaders_NeedMore) {
  for (const auto& [header, source] : valid()) {
    for (std::size_t size = 0; size < header.size(); ++size) {
      const Result part = parse(std::string_view(header).substr(0, size), {});
      ASSERT_EQ(part.status, Status::kNeedMore) << size << " of " << header.size();
      ASSERT_EQ(part.taken, size);
    }
  }
}

TEST(ProxyHeader, LongestBlock_IsSkippedWithoutBuffering) {
  const std::string header = block(0x21, 0x11, kV4 + std::string(65'535 - kV4.size(), 't'));
  const Result expected{Status::kComplete, Violation::kNone, "192.0.2.1:4711", header.size()};
  EXPECT_EQ(parse(header + "GET", {}), expected);
  EXPECT_EQ(parse(header + "GET", {1, 15, 16, 17, 28, 29, 20'000, 65'550}), expected);
  EXPECT_LE(sizeof(ProxyHeaderParser), 192U);
}

TEST(ProxyHeader, OtherProtocol_FailsAtItsFirstWrongByte) {
  const std::vector<std::pair<std::string, std::size_t>> rows = {
      {"GET / HTTP/1.1\r\n", 1},
      {"\x16\x03\x01", 1},  // a TLS client
      {"proxy TCP4", 1},
      {" PROXY", 1},
      {"\n", 1},
      {"POST / HTTP/1.1\r\n", 2},
      {"PROXY\r\n", 6},
      {"PROXY\tTCP4", 6},
      {"PROXYTCP4", 6},
      {"\r\nGET", 3},
      {std::string("\r\n\r\n\0\r\nQUIT\r\n", 13), 12},
  };
  for (const auto& [bytes, taken] : rows) {
    const Result expected{Status::kFailed, Violation::kNoProxyHeader, "none", taken};
    EXPECT_EQ(parse_every_way(bytes), expected) << ::testing::PrintToString(bytes);
  }
}

TEST(ProxyHeader, EveryWrongByteOfTheStart_Fails) {
  for (const std::string& header : {valid()[0].first, block(0x21, 0x11, kV4)}) {
    const std::size_t start = header[0] == 'P' ? 6 : kSignature.size();
    for (std::size_t at = 0; at < start; ++at) {
      for (unsigned value = 0; value < 256; ++value) {
        std::string changed = header;
        changed[at] = static_cast<char>(value);
        if (changed == header) continue;
        const Result result = parse(changed, {});
        ASSERT_EQ(result.status, Status::kFailed) << at << " is " << value;
        ASSERT_EQ(result.violation, Violation::kNoProxyHeader);
      }
    }
  }
}

TEST(ProxyHeader, MalformedLines_Fail) {
  const std::string most(ProxyHeaderParser::kMostLineBytes - 16, 'x');
  for (const std::string& line : std::vector<std::string>{
           "PROXY \r\n",
           "PROXY TCP4\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 \r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 \r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 x\r\n",
           "PROXY  TCP4 192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY TCP4  192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY TCP4 192.0.2.1\t198.51.100.2 4711 443\r\n",
           "PROXY tcp4 192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY TCP 192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY UDP4 192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY TCP5 192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY unknown\r\n",
           "PROXY UNKNOWNX\r\n",
           "PROXY TCP4 192.0.2.256 198.51.100.2 4711 443\r\n",
           "PROXY TCP4 192.0.2.01 198.51.100.2 4711 443\r\n",
           "PROXY TCP4 192.0.2.1 x 4711 443\r\n",
           "PROXY TCP4 ::1 ::1 4711 443\r\n",
           "PROXY TCP4 192.0.2.1 ::1 4711 443\r\n",
           "PROXY TCP6 192.0.2.1 198.51.100.2 4711 443\r\n",
           "PROXY TCP6 192.0.2.1 ::1 4711 443\r\n",
           "PROXY TCP6 ::1 192.0.2.1 4711 443\r\n",
           "PROXY TCP6 [::1] [::1] 4711 443\r\n",
           "PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 65536\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 04711 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 00\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 +4711 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\rX",
           "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\r\n",
           "PROXY UNKNOWN\n",
           "PROXY UNKNOWN x\ry\r\n",
           "PROXY UNKNOWN " + most + "xxxx\r\n",
       }) {
    const Result result = parse_every_way(line);
    EXPECT_EQ(result.status, Status::kFailed) << line;
    EXPECT_EQ(result.violation, Violation::kBadProxyHeader) << line;
    EXPECT_EQ(result.source, "none") << line;
  }
}

TEST(ProxyHeader, ALineHas107BytesAtMost) {
  const std::string begin = "PROXY UNKNOWN ";
  const std::string longest = begin + std::string(107 - begin.size() - 2, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107U);
  EXPECT_EQ(parse_every_way(longest).status, Status::kComplete);
  const Result over = parse_every_way(begin + std::string(107 - begin.size() - 1, 'x') + "\r\n");
  EXPECT_EQ(over, (Result{Status::kFailed, Violation::kBadProxyHeader, "none", 107}));
}

// All 65,536 values of the two bytes that define the kind of a block.
TEST(ProxyHeader, EveryVersionCommandFamilyAndTransport) {
  for (unsigned pair = 0; pair < 65'536; ++pair) {
    const unsigned command = pair >> 8;
    const unsigned family = pair & 0xFF;
    const Result result = parse(block(command, family, kUnix), {});
    const bool local = command == 0x20;
    const bool sound = local || (command == 0x21 && family >> 4 <= 3 && (family & 0xF) <= 2);
    ASSERT_EQ(result.status, sound ? Status::kComplete : Status::kFailed) << pair;
    ASSERT_EQ(result.violation, sound ? Violation::kNone : Violation::kBadProxyHeader);
    const bool named = command == 0x21 && (family == 0x11 || family == 0x21);
    ASSERT_EQ(result.source != "none", named) << pair;
  }
}

TEST(ProxyHeader, BlocksTooShortForTheirFamily_Fail) {
  for (const unsigned family : {0x11U, 0x12U, 0x21U, 0x22U, 0x31U, 0x32U}) {
    const std::size_t needed = family < 0x20 ? 12 : family < 0x30 ? 36 : 216;
    for (std::size_t size = 0; size <= needed; ++size) {
      const Result result = parse(block(0x21, family, std::string(size, 'a')), {});
      const bool enough = size == needed;
      ASSERT_EQ(result.status, enough ? Status::kComplete : Status::kFailed)
          << family << " " << size;
      ASSERT_EQ(result.taken, enough ? 16 + size : 16U) << "known before the content has come";
    }
  }
}

}  // namespace
}  // namespace wsd::protocol
