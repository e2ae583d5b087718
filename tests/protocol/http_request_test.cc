#include "protocol/http_request.h"

#include <gtest/gtest.h>

#include <chrono>

#include "protocol/request_support.h"

namespace wsd::protocol {
namespace {

using Status = RequestParser::Status;
using namespace std::string_literals;  // NOLINT: heads hold NUL bytes

// Request line.

TEST(HttpRequest, Rfc9112_3_PartsOfARequest) {
  const std::string head =
      "GET /chat/a%20b?x=1&y=/?z HTTP/1.1\r\nHost: example.com:8080\r\nX-A:1\r\nx-b:  two words\t "
      "\r\nEmpty:\r\nBytes: \xc3\xa9\r\n\r\n";
  const Parsed parsed = expect_taken(head + "\x81\x80rest");
  EXPECT_EQ(parsed.head_size, head.size());
  EXPECT_EQ(parsed.method, "GET");
  EXPECT_EQ(parsed.target, "/chat/a%20b?x=1&y=/?z");
  EXPECT_EQ(parsed.path, "/chat/a%20b");
  EXPECT_EQ(parsed.query, "x=1&y=/?z");
  EXPECT_EQ(parsed.host, "example.com:8080");
  EXPECT_EQ(parsed.minor_version, 1);
  EXPECT_TRUE(parsed.keep_alive);
  EXPECT_FALSE(parsed.expects_continue);
  EXPECT_FALSE(parsed.chunked);
  EXPECT_EQ(parsed.content_length, 0U);
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"Host", "example.com:8080"}, {"X-A", "1"}, {"x-b", "two words"}, {"Empty", ""},
      {"Bytes", "\xc3\xa9"},
  };
  EXPECT_EQ(parsed.fields, fields);
}

TEST(HttpRequest, FindAndCountIgnoreCase) {
  const std::string head = head_with("X-A: 1\r\nx-a: 2\r\nX-AB: 3\r\n");
  RequestParser parser(HeadLimits{});
  ASSERT_EQ(parser.parse(as_bytes(head)), Status::kComplete);
  const HttpRequest& request = parser.request();
  ASSERT_NE(request.find("x-A"), nullptr);
  EXPECT_EQ(request.find("x-A")->value, "1");
  EXPECT_EQ(request.find("x"), nullptr);
  EXPECT_EQ(request.count("x-a"), 2U);
  EXPECT_EQ(request.count("x"), 0U);
}

TEST(HttpRequest, Rfc9112_3_MalformedRequestLine) {
  expect_refused("GET /echo\r\nHost: h\r\n\r\n", Violation::kBadRequestLine, 400);
  expect_refused("GET\r\n\r\n", Violation::kBadRequestLine, 400);
  expect_refused(" GET / HTTP/1.1\r\n\r\n", Violation::kBadRequestLine, 400);
  expect_refused(head_of_line("GET  / HTTP/1.1"), Violation::kBadRequestLine, 400);
  expect_refused(head_of_line("GET /  HTTP/1.1"), Violation::kBadHttpVersion, 400);
  expect_refused(head_of_line("GET / HTTP/1.1 "), Violation::kBadHttpVersion, 400);
  expect_refused(head_of_line("GET / a HTTP/1.1"), Violation::kBadHttpVersion, 400);
  expect_refused(head_of_line("GET\t/ HTTP/1.1"), Violation::kBadMethod, 400);
  expect_refused(head_of_line("G\xc3\x89T / HTTP/1.1"), Violation::kBadMethod, 400);
  expect_refused(head_of_line("G(T / HTTP/1.1"), Violation::kBadMethod, 400);
  expect_refused("\0GET / HTTP/1.1\r\n\r\n"s, Violation::kBadMethod, 400);
}

TEST(HttpRequest, Rfc9112_2_3_VersionIsExact) {
  for (const char* version : {"http/1.1", "XHTTP/1.1", "HTTP/1.1x", "HTTP/1.", "HTTP/.1", "HTTP/1",
                              "HTTP/11.1", "HTTP/1.10", "HTTP/1,1", "HTTP 1.1", "HTTP/x.1",
                              "HTTP/1.x", "HTTP/2.x", "HTTP/2", "HTTPS/1.1", "Http/1.1"}) {
    expect_refused(head_of_line("GET / "s + version), Violation::kBadHttpVersion, 400);
  }
}

TEST(HttpRequest, Rfc9110_15_6_6_OtherMajorVersions) {
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Violation::kHttpVersionNotSupported, 505);
  expect_refused(head_of_line("GET / HTTP/0.9"), Violation::kHttpVersionNotSupported, 505);
  expect_refused(head_of_line("GET / HTTP/3.1"), Violation::kHttpVersionNotSupported, 505);
}

// RFC 9110 §2.5: a higher minor version does not change the meaning that 1.1 defines.
TEST(HttpRequest, Rfc9110_6_2_HigherMinorVersionIsTaken) {
  EXPECT_EQ(expect_taken(head_of_line("GET / HTTP/1.2")).minor_version, 2);
  EXPECT_EQ(expect_taken(head_of_line("GET / HTTP/1.9")).minor_version, 9);
  EXPECT_EQ(expect_taken(head_of_line("GET / HTTP/1.0")).minor_version, 0);
}

TEST(HttpRequest, Rfc9112_3_1_AnyTokenIsAMethod) {
  EXPECT_EQ(expect_taken(head_of_line("FROB / HTTP/1.1")).method, "FROB");
  EXPECT_EQ(expect_taken(head_of_line("!#$%&'*+-.^_`|~9 / HTTP/1.1")).method, "!#$%&'*+-.^_`|~9");
}

TEST(HttpRequest, Rfc9110_9_3_KnownMethods) {
  for (const char* method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    EXPECT_TRUE(is_known_method(method)) << method;
  }
  for (const char* method : {"", "get", "GETT", "GE", "FROB", "PRI"}) {
    EXPECT_FALSE(is_known_method(method)) << method;
  }
}

TEST(HttpRequest, Rfc9112_3_MethodTooLong) {
  const std::string longest(64, 'M');
  EXPECT_EQ(expect_taken(head_of_line(longest + " / HTTP/1.1")).method, longest);
  expect_refused(head_of_line(longest + "M / HTTP/1.1"), Violation::kMethodTooLong, 501);
  EXPECT_EQ(parse_bytewise(std::string(5000, 'M')).bytes_given, 65U);
}

TEST(HttpRequest, TlsClientHelloFailsAtItsFirstByte) {
  const std::string hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s;
  expect_refused(hello, Violation::kBadMethod, 400);
  EXPECT_EQ(parse_bytewise(hello).bytes_given, 1U);
}

TEST(HttpRequest, Rfc9112_2_2_EmptyLinesBeforeTheRequest) {
  const std::string head = head_with("");
  for (std::size_t lines = 1; lines <= 4; ++lines) {
    std::string text;
    for (std::size_t i = 0; i < lines; ++i) text += "\r\n";
    const Parsed parsed = expect_taken(text + head);
    EXPECT_EQ(parsed.method, "GET");
    EXPECT_EQ(parsed.target, "/echo");
    EXPECT_EQ(parsed.head_size, head.size() + 2 * lines);
  }
  expect_refused("\r\n\r\n\r\n\r\n\r\n" + head, Violation::kTooManyEmptyLines, 400);
  expect_refused("\r" + head, Violation::kBareCarriageReturn, 400);
  expect_refused("\n" + head, Violation::kBareLineFeed, 400);
}

// Lines and fields.

TEST(HttpRequest, Rfc9112_2_2_BareLineFeed) {
  expect_refused("GET / HTTP/1.1\nHost: h\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\n\r\n", Violation::kBareLineFeed, 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\n\n", Violation::kBareLineFeed, 400);
  expect_refused("GET / HTTP/1.1\r\nHost\n: h\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_refused("GET /\n HTTP/1.1\r\n\r\n", Violation::kBareLineFeed, 400);
  expect_refused("GET\n / HTTP/1.1\r\n\r\n", Violation::kBareLineFeed, 400);
}

TEST(HttpRequest, Rfc9112_2_2_BareCarriageReturn) {
  expect_refused(head_with("X-A: a\rb\r\n"), Violation::kBareCarriageReturn, 400);
  expect_refused(head_with("X-A: a\r\r\n"), Violation::kBareCarriageReturn, 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\n\rX", Violation::kBareCarriageReturn, 400);
  expect_refused("GET / HTTP/1.1\rHost: h\r\n\r\n", Violation::kBareCarriageReturn, 400);
}

TEST(HttpRequest, Rfc9112_5_1_SpaceBeforeColon) {
  expect_refused(head_with("X-A : 1\r\n"), Violation::kBadFieldName, 400);
  expect_refused(head_with("X-A\t: 1\r\n"), Violation::kBadFieldName, 400);
}

TEST(HttpRequest, Rfc9112_5_2_ObsFold) {
  expect_refused(head_with("X-A: 1\r\n 2\r\n"), Violation::kLeadingWhitespace, 400);
  expect_refused(head_with("X-A: 1\r\n\t2\r\n"), Violation::kLeadingWhitespace, 400);
  expect_refused(head_with("X-A: 1\r\n \r\n"), Violation::kLeadingWhitespace, 400);
}

TEST(HttpRequest, Rfc9112_2_2_WhitespaceBeforeTheFirstField) {
  expect_refused("GET / HTTP/1.1\r\n Host: h\r\n\r\n", Violation::kLeadingWhitespace, 400);
  expect_refused("GET / HTTP/1.1\r\n\tHost: h\r\n\r\n", Violation::kLeadingWhitespace, 400);
}

TEST(HttpRequest, Rfc9110_5_1_FieldNameIsAToken) {
  for (const std::string name :
       {"X[]", "X\x80", "\xffX", "", "X Y", "X/Y", "\"X\"", "X\x7f", "X@"}) {
    expect_refused(head_with(name + ": 1\r\n"), Violation::kBadFieldName, 400);
  }
  expect_refused(head_with("X\0Y: 1\r\n"s), Violation::kBadFieldName, 400);
  EXPECT_EQ(expect_taken(head_with("!#$%&'*+-.^_`|~: 1\r\n")).fields[1].first, "!#$%&'*+-.^_`|~");
}

TEST(HttpRequest, Rfc9110_5_6_2_EveryByteInAToken) {
  const std::string_view allowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  EXPECT_FALSE(is_token(""));
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(is_token("a"s + c), allowed.find(c) != std::string_view::npos) << byte;
  }
}

TEST(HttpRequest, Rfc9112_5_LineWithoutColon) {
  expect_refused(head_with("X-A\r\n"), Violation::kBadFieldName, 400);
}

TEST(HttpRequest, Rfc9110_5_5_EveryByteInAValue) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string head = head_with("X-A: a"s + c + "b\r\n");
    if (c == '\r') {
      expect_refused(head, Violation::kBareCarriageReturn, 400);
    } else if (c == '\n') {
      expect_refused(head, Violation::kBareLineFeed, 400);
    } else if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      expect_refused(head, Violation::kBadFieldValue, 400);
    } else {
      EXPECT_EQ(expect_taken(head).fields[1].second, "a"s + c + "b");
    }
  }
}

// RFC 9110 §5.6.3: spaces and tabs, in any number.
TEST(HttpRequest, Rfc9110_5_5_WhitespaceAroundAValueIsNotPartOfIt) {
  EXPECT_EQ(expect_taken(head_with("X-A:\t  \r\n")).fields[1].second, "");
  EXPECT_EQ(expect_taken(head_with("X-A:a\r\n")).fields[1].second, "a");
  EXPECT_EQ(expect_taken(head_with("X-A: \t a: b \t\r\n")).fields[1].second, "a: b");
}

// Limits.

TEST(HttpRequest, Rfc9112_3_RequestLineTooLong) {
  const HeadLimits limits{.max_request_line_bytes = 20};
  expect_taken(head_of_line("GET /234567 HTTP/1.1"), limits);
  expect_refused(head_of_line("GET /2345678 HTTP/1.1"), Violation::kRequestLineTooLong, 414,
                 limits);
  const Parsed parsed = parse_bytewise("GET /" + std::string(64 << 10, 'a'));
  EXPECT_EQ(parsed.violation, Violation::kRequestLineTooLong);
  EXPECT_EQ(parsed.bytes_given, (8U << 10) + 1);
  // Empty lines before the request line do not count.
  expect_taken("\r\n\r\n" + head_of_line("GET /234567 HTTP/1.1"), limits);
  expect_refused(head_of_line("GETGETGET / HTTP/1.1"), Violation::kRequestLineTooLong, 414,
                 {.max_request_line_bytes = 5});
}

TEST(HttpRequest, Rfc6585_5_FieldTooLong) {
  const HeadLimits limits{.max_field_bytes = 10};
  expect_taken(head_with("X-A: 67890\r\n"), limits);
  expect_refused(head_with("X-A: 678901\r\n"), Violation::kFieldTooLong, 431, limits);
  expect_refused(head_with("X-A-3456789: 1\r\n"), Violation::kFieldTooLong, 431, limits);
  expect_refused(head_with("X-A:        \r\n"), Violation::kFieldTooLong, 431, limits);
}

TEST(HttpRequest, ThirtyThousandSpaces_FailAsTooLongField) {
  const std::string head =
      head_with("Sec-WebSocket-Protocol: a" + std::string(30'000, ' ') + "b\r\n");
  const Parsed parsed = parse_in_cuts(head, {head.size()});
  EXPECT_EQ(parsed.violation, Violation::kFieldTooLong);
}

TEST(HttpRequest, Rfc6585_5_TooManyFields) {
  const HeadLimits limits{.max_fields = 2};
  expect_taken(head_with("A: 1\r\n"), limits);
  expect_refused(head_with("A: 1\r\nB: 2\r\n"), Violation::kTooManyFields, 431, limits);
  // At the first byte of the first line over the limit.
  EXPECT_EQ(parse_bytewise(head_with("A: 1\r\nB: 2\r\n"), limits).bytes_given,
            head_with("A: 1\r\n").size() - 1);
}

TEST(HttpRequest, Rfc6585_5_HeadTooLong) {
  const std::string head = head_with("X-A: 1\r\n");
  expect_taken(head, {.max_head_bytes = head.size()});
  expect_refused(head, Violation::kHeadTooLong, 431, {.max_head_bytes = head.size() - 1});
  // A head that ends in the request line has a request line that is too long.
  expect_refused(head, Violation::kRequestLineTooLong, 414, {.max_head_bytes = 12});
}

TEST(HttpRequest, ByteByByteIsLinear) {
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  const HeadLimits limits{.max_head_bytes = 2 * kBytes, .max_field_bytes = 2 * kBytes};
  const std::string head = head_with("X-A: " + std::string(kBytes, 'a') + "\r\n");
  RequestParser parser(limits);
  const auto start = std::chrono::steady_clock::now();
  Status status = Status::kNeedMore;
  for (std::size_t size = 1; status == Status::kNeedMore; ++size) {
    status = parser.parse(as_bytes(head).first(size));
  }
  EXPECT_EQ(status, Status::kComplete);
  // A parser that restarts at each byte would need a day.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

// Host, RFC 9112 §3.2 and RFC 9110 §7.2.

TEST(HttpRequest, Rfc9112_3_2_HostIsRequiredOnce) {
  expect_refused("GET / HTTP/1.1\r\n\r\n", Violation::kMissingHost, 400);
  expect_refused("GET / HTTP/1.2\r\nX-Host: h\r\n\r\n", Violation::kMissingHost, 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", Violation::kDuplicateHost, 400);
  expect_refused("GET / HTTP/1.0\r\nHost: h\r\nHOST: h\r\n\r\n", Violation::kDuplicateHost, 400);
  EXPECT_EQ(expect_taken("GET / HTTP/1.0\r\n\r\n").host, "");
}

TEST(HttpRequest, Rfc9112_3_2_InvalidHost) {
  for (const char* host :
       {"a b", "a,b", "u@h", "h:x", "h:80:80", ":80", "[::1", "http://h", "h/"}) {
    for (const char* version : {"1.1", "1.0"}) {
      expect_refused("GET / HTTP/"s + version + "\r\nHost: " + host + "\r\n\r\n",
                     Violation::kBadHost, 400);
    }
  }
}

TEST(HttpRequest, Rfc9112_3_3_ATargetHasAnAuthority) {
  for (const char* version : {"1.1", "1.0"}) {
    for (const char* line : {"Host:", "Host: \t"}) {
      expect_refused("GET / HTTP/"s + version + "\r\n" + line + "\r\n\r\n", Violation::kBadHost,
                     400);
    }
  }
}

TEST(HttpRequest, Rfc9112_3_2_2_AuthorityOfTheTargetReplacesHost) {
  const Parsed parsed = expect_taken("GET ws://a.example:81/echo?q HTTP/1.1\r\nHost: b\r\n\r\n");
  EXPECT_EQ(parsed.host, "a.example:81");
  EXPECT_EQ(parsed.path, "/echo");
  EXPECT_EQ(parsed.query, "q");
  // §3.2: the Host field is still required and checked.
  expect_refused("GET http://h/ HTTP/1.1\r\n\r\n", Violation::kMissingHost, 400);
  expect_refused("GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n", Violation::kBadHost, 400);
}

TEST(HttpRequest, Rfc9112_3_2_4_AsteriskFormIsForOptions) {
  const auto parsed = expect_taken("\r\nOPTIONS * HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n");
  EXPECT_EQ(parsed.target, "*");
  EXPECT_EQ(parsed.path, "*");
  EXPECT_EQ(parsed.query, "");
  for (const char* line :
       {"options * HTTP/1.1", "OPTIONS ** HTTP/1.1", "OPTIONS *? HTTP/1.1", "POST * HTTP/1.1"}) {
    expect_refused(head_of_line(line), Violation::kBadTarget, 400);
  }
}

TEST(HttpRequest, Rfc9112_3_2_RefusedTarget) {
  for (const char* target : {"*", "h:80", "/a#frag", "/..", "/%00", "/a\\b"}) {
    expect_refused(head_of_line("GET "s + target + " HTTP/1.1"), Violation::kBadTarget, 400);
  }
  expect_refused(head_of_line("GET /\x01 HTTP/1.1"), Violation::kBadTarget, 400);
  expect_refused(head_of_line("GET /\x7f HTTP/1.1"), Violation::kBadTarget, 400);
  expect_refused(head_of_line("GET /\xc3\xa9 HTTP/1.1"), Violation::kBadTarget, 400);
}

// Body, RFC 9112 §6.

TEST(HttpRequest, Rfc9110_8_6_ContentLength) {
  EXPECT_EQ(expect_taken(head_with("Content-Length: 0\r\n")).content_length, 0U);
  EXPECT_EQ(expect_taken(head_with("Content-Length: 007\r\n")).content_length, 7U);
  EXPECT_EQ(expect_taken(head_with("content-length: 18446744073709551615\r\n")).content_length,
            18446744073709551615U);
  for (const char* value :
       {"-1", "+0", "0x0", "1_0", "", "18446744073709551616", "99999999999999999999", "1 0", "5,",
        ",5", "5;5", "\"5\"", "1.0", "1e3", "\xd9\xa1"}) {
    expect_refused(head_with("Content-Length: "s + value + "\r\n"), Violation::kBadContentLength,
                   400);
  }
}

TEST(HttpRequest, Rfc9112_6_3_5_SeveralContentLengths) {
  EXPECT_EQ(expect_taken(head_with("Content-Length: 5, 5\r\n")).content_length, 5U);
  EXPECT_EQ(expect_taken(head_with("Content-Length: 5\r\nContent-Length: 5\r\n")).content_length,
            5U);
  expect_refused(head_with("Content-Length: 5, 6\r\n"), Violation::kBadContentLength, 400);
  expect_refused(head_with("Content-Length: 5\r\nContent-Length: 6\r\n"),
                 Violation::kBadContentLength, 400);
  expect_refused(head_with("Content-Length: 0\r\nContent-Length: 6\r\n"),
                 Violation::kBadContentLength, 400);
}

TEST(HttpRequest, Rfc9112_6_1_TransferEncoding) {
  EXPECT_TRUE(expect_taken(head_with("Transfer-Encoding: Chunked\r\n")).chunked);
  for (const char* value :
       {"xchunked", ",chunked", "chunked,", "chunked, identity", "chunked, gzip", "identity",
        "gzip", "", "chunked, chunked", "chunked, gzip, chunked", "gzip,, chunked", "chunked;q=1",
        "\"chunked\"", "chunked\x0b", "chu nked"}) {
    const bool control = std::string_view(value).ends_with('\x0b');
    expect_refused(head_with("Transfer-Encoding: "s + value + "\r\n"),
                   control ? Violation::kBadFieldValue : Violation::kBadTransferEncoding, 400);
  }
  expect_refused(head_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                 Violation::kBadTransferEncoding, 400);
  expect_refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                 Violation::kBadTransferEncoding, 400);
}

// The end of the body would be certain, but its content would have to be decoded twice.
TEST(HttpRequest, Rfc9112_6_1_CodingBeforeChunkedIsNotImplemented) {
  for (const char* value : {"gzip, chunked", "x,CHUNKED", "identity , chunked"}) {
    expect_refused(head_with("Transfer-Encoding: "s + value + "\r\n"), Violation::kUnknownCoding,
                   501);
  }
}

// RFC 9112 §11.2: recipients that use different fields see the next request at different places.
TEST(HttpRequest, Rfc9112_6_3_3_ContentLengthWithTransferEncoding) {
  expect_refused(head_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
                 Violation::kLengthAndTransferEncoding, 400);
  expect_refused(head_with("Transfer-Encoding: x\r\nContent-Length: 0\r\n"),
                 Violation::kLengthAndTransferEncoding, 400);
}

TEST(HttpRequest, BodyIsDue_UntilItWasRead) {
  HttpRequest request;
  EXPECT_FALSE(request.body_due());
  request.content_length = 1;
  EXPECT_TRUE(request.body_due());
  request.content_length = 0;
  request.chunked = true;
  EXPECT_TRUE(request.body_due());
  request.body_read = true;  // a chunked body may be empty
  EXPECT_FALSE(request.body_due());
}

TEST(HttpRequest, Rfc9110_10_1_1_Expect) {
  EXPECT_TRUE(expect_taken(head_with("Expect: 100-Continue\r\n")).expects_continue);
  EXPECT_FALSE(expect_taken(head_with("Expect:\r\n")).expects_continue);
  expect_refused(head_with("Expect: 200-ok\r\n"), Violation::kBadExpect, 417);
  expect_refused(head_with("Expect: 100-continue, x\r\n"), Violation::kBadExpect, 417);
  expect_refused(head_with("Expect: 100-continue\r\nExpect: x\r\n"), Violation::kBadExpect, 417);
  EXPECT_FALSE(expect_taken("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(HttpRequest, Rfc9112_9_3_Persistence) {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    return expect_taken("GET / HTTP/" + version + "\r\nHost: h\r\n" + fields + "\r\n").keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.2", "Connection: Upgrade\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: upgrade, ,close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nconnection: close\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: closed\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: x, Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.0", "Connection: keep-alive\r\nConnection: close\r\n"));
}

// The parser as an object.

TEST(HttpRequest, StatusStaysUntilReset) {
  const std::string good = head_with("");
  const std::string bad = "GET / HTTP/9.9\r\n";
  RequestParser parser(HeadLimits{});
  EXPECT_EQ(parser.parse(as_bytes(bad)), Status::kFailed);
  EXPECT_EQ(parser.parse(as_bytes(good)), Status::kFailed);
  parser.reset();
  EXPECT_EQ(parser.parse(as_bytes(good)), Status::kComplete);
  EXPECT_EQ(parser.parse(as_bytes(good + "GET")), Status::kComplete);
  EXPECT_EQ(parser.head_size(), good.size());
  parser.reset();
  const std::string next = "\r\n\r\n\r\n\r\nHEAD /b HTTP/1.0\r\nA: 1\r\n\r\n";
  ASSERT_EQ(parser.parse(as_bytes(next)), Status::kComplete);
  RequestParser fresh(HeadLimits{});
  ASSERT_EQ(fresh.parse(as_bytes(next)), Status::kComplete);
  EXPECT_EQ(copy_of(parser, Status::kComplete), copy_of(fresh, Status::kComplete));
  parser.reset();
  ASSERT_EQ(parser.parse(as_bytes(next)), Status::kComplete);
  EXPECT_EQ(copy_of(parser, Status::kComplete), copy_of(fresh, Status::kComplete));
}

TEST(HttpRequest, EmptyLines_DoNotStartARequest) {
  RequestParser parser(HeadLimits{});
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.parse(as_bytes("\r\n\r")), Status::kNeedMore);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.parse(as_bytes("\r\n\r\nG")), Status::kNeedMore);
  EXPECT_TRUE(parser.started());
  parser.reset();
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.parse(as_bytes("\x16")), Status::kFailed);
  EXPECT_TRUE(parser.started());
}

TEST(HttpRequest, TokensAndCase) {
  EXPECT_TRUE(is_token("a-B_9!"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a\x80"));
  EXPECT_TRUE(equals_ignore_case("AbZ-9", "aBz-9"));
  EXPECT_FALSE(equals_ignore_case("a", "ab"));
  EXPECT_FALSE(equals_ignore_case("@", "`"));  // differ by 0x20 and are no letters
  EXPECT_FALSE(equals_ignore_case("[", "{"));
}

}  // namespace
}  // namespace wsd::protocol
