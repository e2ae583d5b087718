#include "protocol/origin.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

struct Row {
  const char* origin;
  const char* host;
  bool allowed;
};

TEST(Origin, Rfc6455_10_2_SameOrigin) {
  const Row rows[] = {
      {"http://h", "h", true},
      {"https://h", "h", true},
      {"https://H.Example", "h.eXample", true},
      {"http://h:8080", "h:8080", true},
      {"http://[::1]:9001", "[::1]:9001", true},
      {"http://[::A]", "[::a]", true},
      // The port that a scheme implies.
      {"http://h", "h:80", true},
      {"http://h:80", "h", true},
      {"https://h", "h:443", true},
      {"https://h:443", "h", true},
      {"https://h", "h:", true},
      {"https://h", "h:80", false},
      {"http://h", "h:443", false},
      {"https://h:80", "h", false},
      {"http://h", "h:8080", false},
      {"http://h:8080", "h", false},
      {"http://h:8080", "h:8081", false},
      // Near misses of the host.
      {"http://h.", "h", false},
      {"http://a.h", "h", false},
      {"http://h.evil", "h", false},
      {"http://evilh", "h", false},
      {"http://h", "", false},
      {"http://h", "h,h", false},
      // Not a serialized http or https origin.
      {"", "h", false},
      {"null", "h", false},
      {"null", "null", false},
      {"h", "h", false},
      {"//h", "h", false},
      {"http:/h", "h", false},
      {"http://h/", "h", false},
      {"http://h/path", "h", false},
      {"http://h?q", "h", false},
      {"http://h#f", "h", false},
      {"http://u@h", "h", false},
      {"http://h:", "h", false},
      {"http://h:080", "h", false},
      {"http://h:65536", "h", false},
      {" http://h", "h", false},
      {"http://h http://h", "h", false},
      {"http://h, http://h", "h", false},
      {"HTTP://h", "h", false},
      {"ftp://h", "h", false},
      {"chrome-extension://h", "h", false},
      {"file://", "h", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(origin_allowed(row.origin, row.host, {}), row.allowed)
        << row.origin << " " << row.host;
  }
}

TEST(Origin, NearMissesOfAnAllowListEntry) {
  const std::vector<std::string> allowed = {"https://good.example", "http://dev:3000",
                                            "app://desktop"};
  const Row rows[] = {
      {"https://good.example", "h", true},
      {"https://GOOD.example", "h", true},
      {"https://good.example:443", "h", true},
      {"http://dev:3000", "h", true},
      {"app://desktop", "h", true},
      {"https://good.evil", "h", false},
      {"https://evilgood.example", "h", false},
      {"https://good.example.evil", "h", false},
      {"https://goodxexample", "h", false},
      {"https://good.example:444", "h", false},
      {"http://good.example", "h", false},
      {"http://good.example:443", "h", false},
      {"https://good.example.", "h", false},
      {"https://good.example/", "h", false},
      {"https://sub.good.example", "h", false},
      {"HTTPS://good.example", "h", false},
      {"http://dev", "h", false},
      {"https://dev:3000", "h", false},
      {"app://desktop:1", "h", false},
      {"null", "h", false},
      {"", "h", false},
      {"*", "h", false},
      // The same-origin rule holds beside the list.
      {"https://h", "h", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(origin_allowed(row.origin, row.host, allowed), row.allowed) << row.origin;
  }
}

TEST(Origin, AsteriskTakesAnything) {
  for (const char* origin : {"https://x", "null", "", "no origin"}) {
    EXPECT_TRUE(origin_allowed(origin, "h", {"https://y", "*"})) << origin;
    EXPECT_FALSE(origin_allowed(origin, "h", {"https://y", "**"})) << origin;
  }
}

TEST(Origin, PatternsOfAnAllowList) {
  for (const char* text : {"*", "https://a", "http://a:1", "http://[::1]:80", "app+x-1.2://a"}) {
    EXPECT_TRUE(is_origin_pattern(text)) << text;
  }
  for (const char* text :
       {"", "null", "a", "https://", "https://*", "https://*.a", "https://a/",
        "https://a:", "https://a:x", "https://a b", "1s://a", "://a", "a_b://a"}) {
    EXPECT_FALSE(is_origin_pattern(text)) << text;
  }
}

}  // namespace
}  // namespace wsd::protocol
