#include "protocol/http_response_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace wsd::protocol {
namespace {

using Status = ResponseReader::Status;

// What a reader makes of a stream: "STATUS REASON|name=value|...", the violation's name, or "more".
std::string outcome_of(ResponseReader& reader, Status status) {
  if (status == Status::kNeedMore) return "more";
  if (status == Status::kFailed) return std::string(violation_name(reader.violation()));
  const HttpResponse& response = reader.response();
  std::string text = std::to_string(response.status) + " " + std::string(response.reason);
  for (const HttpField& field : response.fields) {
    text += "|" + std::string(field.name) + "=" + std::string(field.value);
  }
  return text;
}

// Reads the stream whole and byte by byte, which must give the same. Returns the outcome, and the
// bytes that are left after ", rest ".
std::string read(std::string_view stream, const HeadLimits& limits = {}) {
  ResponseReader whole(limits);
  Bytes input = as_bytes(stream);
  std::string result = outcome_of(whole, whole.read(input));
  ResponseReader bytewise(limits);
  std::string piecewise = "more";
  std::size_t at = 0;
  for (; at < stream.size() && piecewise == "more"; ++at) {
    Bytes one = as_bytes(stream.substr(at, 1));
    piecewise = outcome_of(bytewise, bytewise.read(one));
  }
  EXPECT_EQ(piecewise, result) << stream;
  const bool complete = result != "more" && result[0] >= '1' && result[0] <= '5';
  if (complete && !input.empty()) {
    EXPECT_EQ(stream.substr(at), as_text(input));
    result += ", rest " + std::string(as_text(input));
  }
  return result;
}

constexpr std::string_view kOk = "HTTP/1.1 101 Switching Protocols\r\n";

TEST(ResponseReader, ReadsAHeadAndLeavesTheRest) {
  EXPECT_EQ(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nA:\t b \r\n\r\nframe"),
            "101 Switching Protocols|Upgrade=websocket|A=b, rest frame");
  EXPECT_EQ(read("HTTP/1.0 404 \r\n\r\n"), "404 ");
  EXPECT_EQ(read("HTTP/1.1 200 a\tb\r\nEmpty:\r\n\r\n"), "200 a\tb|Empty=");
}

TEST(ResponseReader, NeedsMoreUntilTheEmptyLine) {
  const std::string head = std::string(kOk) + "A: b\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_EQ(read(head.substr(0, size)), "more") << size;
  }
}

TEST(ResponseReader, Rfc9110_15_2_InterimResponsesAreSkipped) {
  EXPECT_EQ(read("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 \r\n\r\n" +
                 std::string(kOk) + "A: b\r\n\r\n"),
            "101 Switching Protocols|A=b");
}

TEST(ResponseReader, Rfc9112_4_BadStatusLinesFailAtOnce) {
  for (const char* bytes : {"SSH-2.0-OpenSSH", "\x15\x03\x01", "HTTP/2", "http/1.1", "HTTP/1.1  ",
                            "HTTP/1.1 1x", "HTTP/1.1 101\r\n", "HTTP/1.1 1010", "\r\n",
                            "HTTP/1.1 099 x\r\n", "HTTP/1.1 600 x\r\n", "HTTP/1.1 200 \x01\r\n"}) {
    EXPECT_EQ(read(bytes), "BadStatusLine") << bytes;
  }
}

TEST(ResponseReader, Rfc9112_5_BadFieldsFail) {
  const std::string line(kOk);
  EXPECT_EQ(read(line + "A: b\n"), "BareLineFeed");
  EXPECT_EQ(read(line + "A: b\rc\r\n"), "BareCarriageReturn");
  EXPECT_EQ(read(line + "A: b\r\n c\r\n"), "LeadingWhitespace");
  EXPECT_EQ(read(line + "A b\r\n"), "BadFieldName");
  EXPECT_EQ(read(line + "A : b\r\n"), "BadFieldName");
  EXPECT_EQ(read(line + ": b\r\n"), "BadFieldName");
  EXPECT_EQ(read(line + "A: \x02\r\n"), "BadFieldValue");
  EXPECT_EQ(read("HTTP/1.1 101 x\n"), "BareLineFeed");
}

TEST(ResponseReader, LimitsHold) {
  const HeadLimits limits{
      .max_request_line_bytes = 40, .max_head_bytes = 100, .max_field_bytes = 30, .max_fields = 2};
  const std::string line(kOk);
  EXPECT_EQ(read("HTTP/1.1 200 " + std::string(27, 'x') + "\r\n\r\n", limits),
            "200 " + std::string(27, 'x'));
  EXPECT_EQ(read("HTTP/1.1 200 " + std::string(28, 'x') + "\r\n\r\n", limits),
            "ResponseHeadTooLong");
  EXPECT_EQ(read(line + "A:" + std::string(28, 'x') + "\r\n\r\n", limits),
            "101 Switching Protocols|A=" + std::string(28, 'x'));
  EXPECT_EQ(read(line + "A:" + std::string(29, 'x') + "\r\n\r\n", limits), "FieldTooLong");
  EXPECT_EQ(read(line + "A:\r\nB:\r\n\r\n", limits), "101 Switching Protocols|A=|B=");
  EXPECT_EQ(read(line + "A:\r\nB:\r\nC:\r\n\r\n", limits), "TooManyFields");
  // The limit comes first, in whatever pieces the line arrives.
  EXPECT_EQ(read(line + "A:\r" + std::string(40, 'x') + "\r\n", limits), "FieldTooLong");
  EXPECT_EQ(read(line + "A b" + std::string(200, 'x') + "\r\n", limits), "FieldTooLong");
  EXPECT_EQ(read("SSH-" + std::string(200, 'x') + "\r\n", limits), "BadStatusLine");
  // Interim responses count, too.
  std::string endless;
  while (endless.size() <= 100) endless += "HTTP/1.1 100 \r\n\r\n";
  EXPECT_EQ(read(endless, limits), "ResponseHeadTooLong");
}

TEST(ResponseReader, FindsFieldsWithoutCase) {
  ResponseReader reader(HeadLimits{});
  Bytes input = as_bytes("HTTP/1.1 200 OK\r\nA: 1\r\nb: 2\r\na: 3\r\n\r\n");
  ASSERT_EQ(reader.read(input), Status::kComplete);
  ASSERT_NE(reader.response().find("a"), nullptr);
  EXPECT_EQ(reader.response().find("a")->value, "1");
  EXPECT_EQ(reader.response().count("A"), 2U);
  EXPECT_EQ(reader.response().find("c"), nullptr);
}

}  // namespace
}  // namespace wsd::protocol
