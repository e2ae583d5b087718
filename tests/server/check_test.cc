#include "wsd/check.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace wsd {
namespace {

TEST(Check, ListenAddresses) {
  for (const std::string_view good :
       {"127.0.0.1:9001", "127.0.0.1:0", "localhost:80", ":9001", "[::1]:9001", "[::]:65535",
        "[fe80::1%eth0]:9001", "[::ffff:127.0.0.1]:1", "my_host.example:1", "unix:/run/wsd.sock",
        "unix:wsd.sock", "unix:/run/#:[strange],"}) {
    EXPECT_EQ(check_listen_address(good), "") << good;
  }
  EXPECT_EQ(check_listen_address("unix:" + std::string(107, 'x')), "");
  EXPECT_NE(check_listen_address("unix:" + std::string(108, 'x')), "");
  for (const std::string_view bad : {"",
                                     "9001",
                                     "localhost",
                                     "127.0.0.1:",
                                     "127.0.0.1:65536",
                                     "127.0.0.1:-1",
                                     "127.0.0.1:http",
                                     "::1:9001",
                                     "[::1]",
                                     "[::1:9001",
                                     "::1]:9001",
                                     "[]:9001",
                                     "[127.0.0.1]:9001",
                                     "[::1]x:9001",
                                     "[fe80::1%]:9001",
                                     "[%eth0]:9001",
                                     "fe80::1%eth0:9001",
                                     "a b:1",
                                     "host/:1",
                                     "unix:",
                                     "unix:/a b",
                                     "tcp://host:1",
                                     "a\nb:1",
                                     "systemd",
                                     "\xc3\xa4:1"}) {
    EXPECT_NE(check_listen_address(bad), "") << bad;
  }
}

TEST(Check, ListenError_NamesValueRuleAndRemedy) {
  EXPECT_EQ(check_listen_address("9001"),
            "\"9001\" has no port; write HOST:PORT, [V6]:PORT, :PORT or unix:PATH");
  EXPECT_EQ(check_listen_address("::1:9001"),
            "\"::1:9001\" has a host that is neither a name nor an address; write an IPv6 address "
            "in brackets, as in [::1]:9001");
  EXPECT_EQ(check_listen_address("[1::x]:9001"),
            "\"[1::x]:9001\" has no valid IPv6 address between its brackets; write one, as in "
            "[::1]:9001");
  EXPECT_EQ(check_listen_address("localhost:65536"),
            "\"localhost:65536\" has no valid port after its last colon; write a number from 0 to "
            "65535");
  EXPECT_EQ(check_listen_address("unix:"),
            "\"unix:\" has no path; write one, as in unix:/run/wsd.sock");
  EXPECT_EQ(
      check_listen_address(std::string(79, 'x') + "\x07:1"),
      "\"" + std::string(79, 'x') + "\\x07...\" contains a space or a control byte; remove it");
}

TEST(Check, Origins) {
  for (const std::string_view good :
       {"*", "https://app.example.com", "http://localhost:3000", "https://[::1]",
        "https://[::1]:8443", "chrome-extension://abcdef", "HTTPS://APP.example.com",
        "https://*.example.com", "https://*.example.com:8443", "http://*.web1", "null",
        "file://"}) {
    EXPECT_EQ(check_origin(good), "") << good;
  }
  for (const std::string_view bad : {"",
                                     "Null",
                                     "file:",
                                     "file:///",
                                     "file://a/b",
                                     "app.example.com",
                                     "//app.example.com",
                                     "://a",
                                     "https://",
                                     "https://:443",
                                     "https://a:",
                                     "https://a:x",
                                     "https://a:65536",
                                     "https://a/",
                                     "https://a/b",
                                     "https://*",
                                     "https://*:443",
                                     "https://*.",
                                     "https://*..example.com",
                                     "https://*example.com",
                                     "https://app*.example.com",
                                     "https://*.*.example.com",
                                     "https://app.*.com",
                                     "https://*.10.0.0.1",
                                     "https://*.[::1]",
                                     "https://*.example.com:*",
                                     "*.example.com",
                                     "**",
                                     "https://a b",
                                     "https://user@a",
                                     "https://a?b",
                                     "https://[::1",
                                     "https://[fe80::1%25eth0]",
                                     "1http://a",
                                     "ht tp://a",
                                     "https://a,https://b",
                                     "https://a#b",
                                     "https://a\n"}) {
    EXPECT_NE(check_origin(bad), "") << bad;
  }
  EXPECT_EQ(check_origin("https://a.example/"),
            "\"https://a.example/\" has a path, which an origin must not have; write "
            "\"https://a.example\"");
  EXPECT_EQ(check_origin("https://app.*.com"),
            "\"https://app.*.com\" has a wildcard in a place where none is allowed; write "
            "https://*.example.com for all subdomains of example.com, or * alone for all origins");
  EXPECT_EQ(check_origin("https://a.example:*"),
            "\"https://a.example:*\" has a wildcard as its port; list each origin with its port");
  EXPECT_EQ(check_origin("https://a.example?x"),
            "\"https://a.example?x\" has more parts than an origin may have; keep only the "
            "scheme, the host and the port");
}

TEST(Check, Hosts) {
  for (const std::string_view good : {"*", "app.example.com", "*.example.com", "[2001:db8::1]"}) {
    EXPECT_EQ(check_host(good), "") << good;
  }
  EXPECT_EQ(check_host("https://app.example.com"),
            "\"https://app.example.com\" has a scheme; write only the host, as in app.example.com");
  EXPECT_EQ(check_host("app.example.com:8080"),
            "\"app.example.com:8080\" has a port; write only the host, \"app.example.com\", which "
            "is allowed with every port");
  EXPECT_EQ(
      check_host("app.*.com"),
      "\"app.*.com\" has a wildcard in a place where none is allowed; write *.example.com for "
      "all subdomains of example.com, or * alone for all hosts");
  for (const std::string_view bad : {"", "::1", "a b", "a/b", "a\n"}) {
    EXPECT_NE(check_host(bad).find(" is not a host; write a name or an address, such as "),
              std::string::npos)
        << bad;
  }
}

TEST(Check, LoopbackHost_WithOrWithoutPort) {
  EXPECT_TRUE(is_loopback_host("localhost:9001"));
  EXPECT_FALSE(is_loopback_host("localhost.evil.example"));
}

TEST(Check, OriginPortOutsideTheHandshakesForm_IsRejected) {
  for (const std::string_view text : {"https://a:0443", "https://a:0"}) {
    EXPECT_NE(check_origin(text).find("has no valid port"), std::string::npos) << text;
  }
}

TEST(Check, Networks) {
  for (const std::string_view good :
       {"10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "::1", "0.0.0.0/0", "unix"}) {
    EXPECT_EQ(check_network(good), "") << good;
  }
  for (const std::string_view bad : {"", "localhost", "10.0.0.0/33", "10/8", "10.0.0.0/8,unix",
                                     "10.0.0.0 ", "unix:/run/proxy.sock", "\x07"}) {
    EXPECT_NE(check_network(bad), "") << bad;
  }
  EXPECT_NE(check_network("10.1.2.3/8").find("write 10.0.0.0/8"), std::string::npos);
  EXPECT_NE(check_network(std::string(5'000, '1')).find("is not a network"), std::string::npos);
  EXPECT_LT(check_network(std::string(5'000, '1')).size(), 300U);
}

TEST(Check, Subprotocols) {
  for (const std::string_view good : {"chat", "v1.chat", "#chat", "a!$%&'*+-.^_`|~9"}) {
    EXPECT_EQ(check_subprotocol(good), "") << good;
  }
  for (const std::string_view bad :
       {"", "a b", "a,b", "a/b", "a;b", "a\"b", "a=b", "\xc3\xa4", "a\t"}) {
    EXPECT_NE(check_subprotocol(bad), "") << bad;
  }
}

TEST(CheckRoutePattern, PatternsThatARequestCanMatch_AreAccepted) {
  for (const std::string_view good :
       {"/", "/echo", "/a/b/", "//", "/rooms/{room}", "/{a}/x/{b}", "/caf%C3%A9", "/a.b", "/...",
        "/{a}/{b...}", "/{...a}", "/@me;v=1", "/{a-b}", "/{a b}", "/a%2Fb", "/a[0]|b", "/100%"}) {
    EXPECT_EQ(check_route_pattern(good), "") << good;
  }
}

TEST(CheckRoutePattern, EachCauseHasItsOwnSentence) {
  struct Row {
    std::string_view pattern;
    std::string_view error;
  };
  constexpr std::string_view kBrace =
      " has a brace in a segment that is not {name}; write {name} as a whole segment, as in "
      "/rooms/{room}";
  constexpr std::string_view kByte =
      " contains a byte or an escape that no accepted request has; percent-encode other bytes, as "
      "in /caf%C3%A9";
  const std::vector<Row> rows = {
      {"", " is not a path; begin it with a slash"},
      {"rooms", " is not a path; begin it with a slash"},
      {"*", " is not a path; begin it with a slash"},
      {"/rooms/{", kBrace},
      {"/rooms/}", kBrace},
      {"/a{b}", kBrace},
      {"/{b}c", kBrace},
      {"/{{a}}", kBrace},
      {"/{}", " has a segment {} without a name; write one, as in /rooms/{room}"},
      {"/{...}", " has a segment {...} without a name; write one, as in /rooms/{room}"},
      {"/{a...}b", kBrace},
      {"/{a...}/b",
       " has a segment after a {name...}, which matches the rest of the path; make {name...} the "
       "last segment"},
      {"/{a}/{a...}", " has one name for two segments; give each segment its own name"},
      {"/{a}/{a}", " has one name for two segments; give each segment its own name"},
      {"/*",
       " contains a wildcard, which routes do not have; write {name}, which matches one segment, "
       "or {name...} at the end, which matches the rest"},
      {"/a*b",
       " contains a wildcard, which routes do not have; write {name}, which matches one segment, "
       "or {name...} at the end, which matches the rest"},
      {"/a?b=c", " has a query or a fragment; keep only the path before it"},
      {"/a#b", " has a query or a fragment; keep only the path before it"},
      {"/a/../b", " has a segment . or .., which no accepted request has; remove it"},
      {"/.", " has a segment . or .., which no accepted request has; remove it"},
      {"/a b", kByte},
      {"/caf\xc3\xa9", kByte},
      {"/a\\b", kByte},
      {"/%00", kByte},
      {"/%2e", kByte},
      {"/a%2f..", kByte},
  };
  for (const Row& row : rows) {
    const std::string error = check_route_pattern(row.pattern);
    EXPECT_TRUE(error.ends_with(row.error)) << row.pattern << ": " << error;
  }
  EXPECT_TRUE(check_route_pattern("/a b").starts_with("\"/a b\" "));
}

TEST(Check, ErrorsArePrintableAndShort) {
  for (const auto check : {&check_listen_address, &check_origin, &check_network, &check_subprotocol,
                           &check_route_pattern}) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::string error = check(std::string(1'000, static_cast<char>(byte)) + "\xff");
      EXPECT_NE(error, "") << byte;
      EXPECT_LT(error.size(), 600U) << error;
      for (const char c : error) EXPECT_TRUE(c >= ' ' && c <= '~') << byte;
    }
  }
}

TEST(PercentDecode, DecodesEveryTriplet) {
  EXPECT_EQ(percent_decode("caf%C3%A9%20bar"), "caf\xc3\xa9 bar");
  EXPECT_EQ(percent_decode("a%2fb%00"), std::string("a/b\0", 4));
  EXPECT_EQ(percent_decode("%2525+"), "%25+");
  EXPECT_EQ(percent_decode(""), "");
}

TEST(PercentDecode, BrokenTriplet_GivesNothing) {
  for (const std::string_view text : {"%", "a%4", "%4g", "%g4", "%%41"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

TEST(DecodeSegment, BrokenTriplet_Stays) {
  EXPECT_EQ(decode_segment("caf%C3%A9%2Fbar"), "caf\xc3\xa9/bar");
  for (const std::string_view text : {"%", "a%4", "%4g", "%g4", "100%"}) {
    EXPECT_EQ(decode_segment(text), text);
  }
}

TEST(IsUtf8, AcceptsOnlyWellFormedText) {
  for (const std::string_view good : {"", "a", "caf\xc3\xa9", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const std::string_view bad : {"\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace wsd
