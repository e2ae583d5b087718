#include "protocol/request_target.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

TEST(RequestTarget, Rfc9112_3_2_1_OriginForm) {
  const struct {
    const char* target;
    const char* path;
    const char* query;
  } rows[] = {
      {"/", "/", ""},
      {"/?", "/", ""},
      {"/a/b", "/a/b", ""},
      {"//a//", "//a//", ""},
      {"/a?b?c/d", "/a", "b?c/d"},
      {"/a%20%C3%A9", "/a%20%C3%A9", ""},
      {"/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@", ""},
      {"/?-._~!$&'()*+,;=:@%2f%5C..", "/", "-._~!$&'()*+,;=:@%2f%5C.."},
      {"/http://h/", "/http://h/", ""},
      {"/a%2Fb%5Cc", "/a%2Fb%5Cc", ""},
      {"/order[5]|^{}`/100%", "/order[5]|^{}`/100%", ""},
  };
  for (const auto& row : rows) {
    const auto target = parse_request_target(row.target);
    ASSERT_TRUE(target) << row.target;
    EXPECT_EQ(target->authority, "") << row.target;
    EXPECT_EQ(target->path, row.path);
    EXPECT_EQ(target->query, row.query);
  }
}

TEST(RequestTarget, Rfc9112_3_2_2_AbsoluteForm) {
  const struct {
    const char* target;
    const char* authority;
    const char* path;
    const char* query;
  } rows[] = {
      {"http://h/echo", "h", "/echo", ""},
      {"HTTPS://h:443/", "h:443", "/", ""},
      {"ws://[::1]:80/a?b", "[::1]:80", "/a", "b"},
      {"Wss://h?x=/", "h", "/", "x=/"},
      {"http://h", "h", "/", ""},
  };
  for (const auto& row : rows) {
    const auto target = parse_request_target(row.target);
    ASSERT_TRUE(target) << row.target;
    EXPECT_EQ(target->authority, row.authority);
    EXPECT_EQ(target->path, row.path);
    EXPECT_EQ(target->query, row.query);
  }
  for (const char* target : {"ftp://h/", "://h/", "http:/h/", "http:h", "http://h:x/",
                             "http://a,b/", "http://h/../", "http://h#f"}) {
    EXPECT_FALSE(parse_request_target(target)) << target;
  }
}

TEST(RequestTarget, Rfc9110_4_2_1_AnEmptyHostIsRefused) {
  for (const char* target : {"http:///a", "http://", "ws://?x", "https://:443/"}) {
    EXPECT_FALSE(parse_request_target(target)) << target;
  }
}

TEST(RequestTarget, Rfc9110_4_2_3_AnEmptyPathIsASlash) {
  for (const char* text : {"http://h", "Wss://h?x=/", "ws://[::1]:80"}) {
    const auto target = parse_request_target(text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path, "/") << text;
  }
}

TEST(RequestTarget, Rfc9110_4_2_4_UserinfoIsRefused) {
  for (const char* target : {"http://u@h/", "http://u:p@h/", "wss://@h/"}) {
    EXPECT_FALSE(parse_request_target(target)) << target;
  }
}

TEST(RequestTarget, Rfc9112_3_2_OtherFormsAreRefused) {
  for (const char* target : {"", "*", "h:80", "h", "[::1]:80", "a/b", "?q", "http", "*/", "\\a"}) {
    EXPECT_FALSE(parse_request_target(target)) << target;
  }
}

// Clients send more bytes unencoded than RFC 3986 §3.3, §3.4 list: see PROTOCOL.md.
TEST(RequestTarget, Rfc3986_3_3_EveryByteInPathAndQuery) {
  const std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/?%[]{}|^`";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool ok = allowed.find(c) != std::string_view::npos;
    EXPECT_EQ(parse_request_target(std::string("/a") + c + "b").has_value(), ok) << byte;
    const bool in_query = ok || c == '\\';
    EXPECT_EQ(parse_request_target(std::string("/?a") + c + "b").has_value(), in_query) << byte;
    EXPECT_EQ(is_target_byte(c), in_query) << byte;
  }
}

TEST(RequestTarget, Rfc3986_2_1_PercentEncoding) {
  for (const char* bad : {"%00", "a%00b", "%%00", "% 1"}) {
    EXPECT_FALSE(parse_request_target(std::string("/") + bad)) << bad;
  }
  for (const char* path :
       {"/%01%7f%ff%fF", "/%", "/%4", "/%4g", "/%g4", "/%%41", "/%u0041", "/%/%"}) {
    EXPECT_TRUE(parse_request_target(path)) << path;
  }
}

// An encoded slash or backslash separates segments only in this respect.
TEST(RequestTarget, DotSegmentsAndEncodedSlashes) {
  for (const char* path :
       {"/.",      "/..",        "/../etc/passwd", "/a/./b",          "/a/../b", "/a/..",
        "/a/.",    "/%2e%2e/",   "/%2E",           "/.%2e",           "/%2e./a", "/..%2f",
        "/a%2F..", "/a%2f.%2Fb", "/..%5C",         "/a%5c%2e%2E%5cb", "/..?q",   "/.?",
        "//..",    "/..\\"}) {
    EXPECT_FALSE(parse_request_target(path)) << path;
  }
  for (const char* path :
       {"/a%2Fb", "/a%5cb", "/%2F%2f", "/a%2f..b", "/..a%2F", "/%2%65", "/%%2e", "/.%"}) {
    EXPECT_TRUE(parse_request_target(path)) << path;
  }
  for (const char* path : {"/...", "/.a", "/a.", "/..a", "/a..", "/.well-known/x", "/%2e%2e%2e",
                           "/%2ea", "/.../a", "/a?/../.."}) {
    EXPECT_TRUE(parse_request_target(path)) << path;
  }
}

}  // namespace
}  // namespace wsd::protocol
