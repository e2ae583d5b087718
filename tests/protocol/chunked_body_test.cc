#include "protocol/chunked_body.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_support.h"

namespace wsd::protocol {
namespace {

using namespace std::string_literals;  // NOLINT: shorter tables
using Status = ChunkedBody::Status;

constexpr ChunkedLimits kLimits{
    .max_body_bytes = 1000, .max_extension_bytes = 40, .max_trailer_bytes = 60};

struct Decoded {
  Status status = Status::kNeedMore;
  Violation violation = Violation::kNone;
  std::string body = {};
  std::string rest = {};  // after the body
  bool operator==(const Decoded&) const = default;
};

void PrintTo(const Decoded& decoded, std::ostream* out) {
  *out << "status " << static_cast<int>(decoded.status) << ", " << violation_name(decoded.violation)
       << ", body " << decoded.body << ", rest " << decoded.rest;
}

// Decodes `stream` in pieces that end at `cuts`. Each is a separate block, so that a sanitizer
// detects a read past its end.
Decoded decode_in(std::string_view stream, const std::vector<std::size_t>& cuts,
                  const ChunkedLimits& limits) {
  ChunkedBody chunks;
  Decoded decoded;
  std::size_t begin = 0;
  for (const std::size_t end : cuts) {
    const Bytes piece = as_bytes(stream.substr(begin, end - begin));
    const std::vector<std::uint8_t> block(piece.begin(), piece.end());
    begin = end;
    Bytes input = block;
    Bytes data;
    do {
      decoded.status = chunks.next(input, data, limits);
      if (decoded.status != Status::kData) break;
      EXPECT_FALSE(data.empty());
      decoded.body += as_text(data);
    } while (true);
    if (decoded.status == Status::kNeedMore) {
      EXPECT_TRUE(input.empty());
      continue;
    }
    if (decoded.status == Status::kComplete) {
      decoded.rest = std::string(as_text(input)).append(stream.substr(end));
    } else {
      decoded.violation = chunks.violation();
    }
    EXPECT_EQ(chunks.next(input, data, limits), decoded.status) << "the end stays";
    break;
  }
  return decoded;
}

// Decodes `stream` whole, at every split into two and byte by byte. The results must be equal.
Decoded decode(std::string_view stream, const ChunkedLimits& limits = kLimits) {
  Decoded whole = decode_in(stream, {stream.size()}, limits);
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    EXPECT_EQ(decode_in(stream, {split, stream.size()}, limits), whole) << "split at " << split;
  }
  std::vector<std::size_t> cuts;
  for (std::size_t size = 1; size <= stream.size(); ++size) cuts.push_back(size);
  EXPECT_EQ(decode_in(stream, cuts, limits), whole) << "byte by byte";
  return whole;
}

void expect_body(std::string_view stream, const std::string& body, const std::string& rest = {}) {
  EXPECT_EQ(decode(stream), (Decoded{Status::kComplete, Violation::kNone, body, rest})) << stream;
}

void expect_violation(std::string_view stream, Violation violation, int status) {
  SCOPED_TRACE(::testing::PrintToString(std::string(stream)));
  const Decoded decoded = decode(stream);
  EXPECT_EQ(decoded.status, Status::kFailed);
  EXPECT_EQ(decoded.violation, violation);
  EXPECT_EQ(http_status_of(violation), status);
}

void expect_unfinished(std::string_view stream) {
  EXPECT_EQ(decode(stream).status, Status::kNeedMore) << stream;
}

TEST(ChunkedBody, Rfc9112_7_1_ChunksAreJoined) {
  expect_body("0\r\n\r\n", "");
  expect_body("5\r\nhello\r\n0\r\n\r\n", "hello");
  expect_body("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc");
  expect_body("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n");  // data that looks like the end
  expect_body("2\r\n\r\n\r\n0\r\n\r\n", "\r\n");
}

TEST(ChunkedBody, Rfc9112_6_3_BytesAfterTheBodyAreLeft) {
  expect_body("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "a", "GET / HTTP/1.1\r\n");
  expect_body("0\r\n\r\n\r\n", "", "\r\n");
}

TEST(ChunkedBody, Rfc9112_7_1_SizesAreHexadecimal) {
  const std::string body(0xaB, 'x');
  for (const char* size : {"ab", "AB", "aB", "00ab", "00000000000000AB"}) {
    expect_body(size + "\r\n"s + body + "\r\n000\r\n\r\n", body);
  }
  for (const char* size : {"", " 5", "5 ", "+5", "-5", "0x5", "5h", "g", "5,5", "5\t", "\"5\"",
                           "5\x0b", "\xd9\xa5", "5.0"}) {
    expect_violation(size + "\r\nhello\r\n0\r\n\r\n"s, Violation::kBadChunk, 400);
  }
}

// §7.1: recipients must expect numerals that overflow their integers.
TEST(ChunkedBody, Rfc9112_7_1_SizeOverflowIsRejected) {
  expect_violation("10000000000000000\r\n", Violation::kBadChunk, 400);
  expect_violation("10000000000000005\r\nhello\r\n0\r\n\r\n", Violation::kBadChunk, 400);
  expect_violation("00000000000000005\r\nhello\r\n0\r\n\r\n", Violation::kBadChunk, 400);
  expect_violation("ffffffffffffffff\r\n", Violation::kBodyTooLarge, 413);
  // The sum of both sizes would overflow.
  expect_violation("1\r\na\r\nffffffffffffffff\r\n", Violation::kBodyTooLarge, 413);
  constexpr ChunkedLimits kUnlimited{.max_body_bytes = ~std::uint64_t{0}};
  EXPECT_EQ(decode("1\r\na\r\nffffffffffffffff\r\n", kUnlimited).violation,
            Violation::kBodyTooLarge);
  EXPECT_EQ(decode("1\r\na\r\nfffffffffffffffe\r\nbc", kUnlimited).body, "abc");
}

TEST(ChunkedBody, LimitOnTheBody_AppliesAtTheSize) {
  const std::string most = "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  expect_body(most + "0\r\n\r\n", std::string(1000, 'x'));
  expect_violation("3e9\r", Violation::kBodyTooLarge, 413);
  expect_violation(most + "1\r", Violation::kBodyTooLarge, 413);
  expect_violation(most + "1;", Violation::kBodyTooLarge, 413);
}

TEST(ChunkedBody, Rfc9112_2_2_LinesEndInCrLf) {
  expect_violation("5\nhello\r\n0\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("5\rhello\r\n0\r\n\r\n", Violation::kBareCarriageReturn, 400);
  expect_violation("5\r\r\nhello\r\n0\r\n\r\n", Violation::kBareCarriageReturn, 400);
  expect_violation("5;a\nhello\r\n0\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("5;a\rb\r\nhello\r\n0\r\n\r\n", Violation::kBareCarriageReturn, 400);
  expect_violation("5\r\nhello\n0\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("5\r\nhello\r0\r\n\r\n", Violation::kBareCarriageReturn, 400);
  expect_violation("\r\n5\r\nhello\r\n0\r\n\r\n", Violation::kBadChunk, 400);
  expect_violation("\n5\r\nhello\r\n0\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("0\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("0\r\n\n", Violation::kBareLineFeed, 400);
  expect_violation("0\r\n\rX", Violation::kBareCarriageReturn, 400);
  expect_violation("0\r\nA: b\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("0\r\nA: b\rC: d\r\n\r\n", Violation::kBareCarriageReturn, 400);
}

TEST(ChunkedBody, Rfc9112_7_1_DataEndsWithCrLfAtItsSize) {
  expect_violation("4\r\nhello\r\n0\r\n\r\n", Violation::kBadChunk, 400);
  expect_violation("6\r\nhello\r\n0\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_violation("5\r\nhello0\r\n\r\n", Violation::kBadChunk, 400);
}

TEST(ChunkedBody, Rfc9112_7_1_IncompleteBodyIsUnfinished) {
  const std::string stream = "5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < stream.size(); ++size) {
    expect_unfinished(std::string_view(stream).substr(0, size));
  }
  expect_body(stream, "hello");
}

TEST(ChunkedBody, Rfc9112_7_1_1_ExtensionsAreIgnored) {
  for (const char* extensions :
       {";a", "; a", " ;a", "\t; \ta", ";a=b", ";a = b", ";a\t=\tb", ";a=\"b c\"", ";a=\"\"",
        ";a=\"\\\"\\\\\\\t\"", ";a=\"b;c=d\"", ";a;b;c", ";a=b;c", ";a=\"b\" ;c", ";a ;b=c",
        ";a=\"\xc3\xa9\"", ";!#$%&'*+-.^_`|~=0"}) {
    expect_body("5"s + extensions + "\r\nhello\r\n0" + extensions + "\r\n\r\n", "hello");
  }
}

TEST(ChunkedBody, Rfc9112_7_1_1_ExtensionsNotOfTheAbnf) {
  for (
      const char* extensions :
      {";",           "; ",           ";;a",           ";a;",       ";a ",    ";a=",    ";a=;b",
       ";=b",         ";a b",         ";a=b c",        ";a=b=c",    ";a=b ",  ";a=\"b", ";a=\"b\\",
       ";a=\"b\"c",   ";a=\"b\x01\"", ";a=\"\\\x7f\"", ";a=\"b\" ", ";\"a\"", ";a/b",   ";\xc3\xa9",
       ";a=\xc3\xa9", " a",           ";a=\"b\"\"c\"", ";a\x01"}) {
    expect_violation("5"s + extensions + "\r\nhello\r\n0\r\n\r\n", Violation::kBadChunk, 400);
  }
}

// §7.1.1: a server ought to limit the total length of chunk extensions.
TEST(ChunkedBody, Rfc9112_7_1_1_ExtensionsOfAllChunksAreLimited) {
  const std::string chunk = "1;a=23456789\r\nx\r\n";  // 11 bytes of extension
  expect_body(chunk + chunk + chunk + "0;a=2345\r\n\r\n", "xxx");
  expect_violation(chunk + chunk + chunk + "0;a=23456", Violation::kChunkExtensionsTooLong, 413);
  expect_violation("1" + std::string(41, ' '), Violation::kChunkExtensionsTooLong, 413);
}

TEST(ChunkedBody, Rfc9112_7_1_2_TrailerFieldsAreIgnored) {
  expect_body("0\r\nA: b\r\n\r\n", "");
  expect_body("1\r\nx\r\n0\r\nContent-Length: 99\r\nHost:\r\n!:\t\xc3\xa9\r\n\r\nrest", "x",
              "rest");
}

TEST(ChunkedBody, Rfc9112_5_TrailerFieldsNotOfTheAbnf) {
  expect_violation("0\r\n A: b\r\n\r\n", Violation::kLeadingWhitespace, 400);
  expect_violation("0\r\nA: b\r\n c\r\n\r\n", Violation::kLeadingWhitespace, 400);  // obs-fold
  expect_violation("0\r\nA : b\r\n\r\n", Violation::kBadFieldName, 400);
  expect_violation("0\r\n: b\r\n\r\n", Violation::kBadFieldName, 400);
  expect_violation("0\r\nA\r\n\r\n", Violation::kBadFieldName, 400);
  expect_violation("0\r\n\xc3\xa9: b\r\n\r\n", Violation::kBadFieldName, 400);
  expect_violation("0\r\nA: \x01\r\n\r\n", Violation::kBadFieldValue, 400);
  expect_violation("0\r\nA: \0\r\n\r\n"s, Violation::kBadFieldValue, 400);
  expect_violation("0\r\nGET / HTTP/1.1\r\n\r\n", Violation::kBadFieldName, 400);
}

TEST(ChunkedBody, Rfc9112_7_1_2_TrailerSectionIsLimited) {
  const std::string fields = "A: " + std::string(53, 'x') + "\r\n";  // 58 bytes
  expect_body("0\r\n" + fields + "\r\n", "");
  expect_violation("0\r\nA: " + std::string(58, 'x'), Violation::kTrailerTooLong, 431);
  expect_violation("0\r\n" + fields + "B: ", Violation::kTrailerTooLong, 431);
}

}  // namespace
}  // namespace wsd::protocol
