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
      // Hosts that differ slightly.
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

TEST(Origin, SimilarOrigins_AreNotAllowed) {
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
      // The same-origin rule applies in addition to the list.
      {"https://h", "h", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(origin_allowed(row.origin, row.host, allowed), row.allowed) << row.origin;
  }
}

TEST(Origin, ListedOrigin_DoesNotDependOnTheHost) {
  EXPECT_TRUE(origin_listed("https://good.example", {"https://good.example"}));
  EXPECT_TRUE(origin_listed("null", {"*"}));
  EXPECT_FALSE(origin_listed("https://other.example", {"https://good.example"}));
  EXPECT_FALSE(origin_listed("https://h", {}));
  EXPECT_TRUE(origin_allowed("https://h", "h", {})) << "by the rule of the same origin";
}

TEST(Origin, Asterisk_AllowsAnyOrigin) {
  for (const char* origin : {"https://x", "null", "", "no origin"}) {
    EXPECT_TRUE(origin_allowed(origin, "h", {"https://y", "*"})) << origin;
    EXPECT_FALSE(origin_allowed(origin, "h", {"https://y", "**"})) << origin;
  }
}

TEST(Origin, Rfc6454_7_1_NullAndFile_AreAllowedByName) {
  const char* const all[] = {"null", "file://"};
  for (const char* name : all) {
    for (const char* origin : all) {
      EXPECT_EQ(origin_allowed(origin, "h", {"https://a", name}), std::string(origin) == name)
          << origin << " " << name;
      EXPECT_FALSE(origin_allowed(origin, "h", {"https://a"})) << origin;
    }
    for (const char* origin : {"", "Null", "NULL", "null ", "file:///", "file:", "FILE://",
                               "file://h", "http://null", "null, null"}) {
      EXPECT_FALSE(origin_allowed(origin, "h", {name})) << origin << " " << name;
    }
  }
}

TEST(Origin, Wildcard_MatchesWholeLabels) {
  const std::vector<std::string> allowed = {"https://*.good.example", "http://*.Dev:3000"};
  const Row rows[] = {
      {"https://a.good.example", "h", true},
      {"https://a.b.good.example", "h", true},
      {"https://A.GOOD.example", "h", true},
      {"https://a.good.example:443", "h", true},
      {"https://xn--bcher-kva.good.example", "h", true},
      {"http://x.dev:3000", "h", true},
      {"https://good.example", "h", false},
      {"https://.good.example", "h", false},
      {"https://a..good.example", "h", false},
      {"https://..good.example", "h", false},
      {"https://evilgood.example", "h", false},
      {"https://a.evilgood.example", "h", false},
      {"https://a-good.example", "h", false},
      {"https://a.good.example.evil", "h", false},
      {"https://a.goodxexample", "h", false},
      {"https://a.good.example.", "h", false},
      {"https://a.good.example:444", "h", false},
      {"http://a.good.example", "h", false},
      {"http://a.good.example:443", "h", false},
      {"HTTPS://a.good.example", "h", false},
      {"https://a.good.example/", "h", false},
      {"https://u@a.good.example", "h", false},
      {"https://evil/a.good.example", "h", false},
      {"https://evil?a.good.example", "h", false},
      {"http://x.dev", "h", false},
      {"http://x.dev:30000", "h", false},
      {"null", "h", false},
      {"", "h", false},
      {"*", "h", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(origin_allowed(row.origin, row.host, allowed), row.allowed) << row.origin;
  }
  // A pattern that is_origin_pattern() rejects matches nothing.
  for (const char* pattern : {"https://*", "https://*.", "https://a.*.good.example",
                              "https://*.*.good.example", "https://*a.good.example"}) {
    EXPECT_FALSE(origin_allowed("https://a.b.good.example", "h", {pattern})) << pattern;
  }
}

TEST(Origin, RejectionText_NamesOriginHostAndAllowedOrigins) {
  EXPECT_EQ(
      origin_refusal("https://evil.example", "h:1", {}),
      "origin 'https://evil.example' may not connect to host 'h:1'; allowed origins: the same "
      "host");
  EXPECT_EQ(origin_refusal("null", "h", {"https://a", "https://*.b"}),
            "origin 'null' may not connect to host 'h'; allowed origins: the same host, "
            "'https://a', 'https://*.b'");
}

TEST(Origin, RejectionText_IsEscapedAndCut) {
  const std::string text = origin_refusal("a'\\\x80\x07<b>", std::string(5000, 'h'), {});
  EXPECT_EQ(text.find("origin 'a\\x27\\x5c\\x80\\x07<b>' may not"), 0U) << text;
  EXPECT_NE(text.find("'" + std::string(128, 'h') + "...'"), std::string::npos);
  EXPECT_LT(text.size(), 300U);
  const std::vector<std::string> many(1000, "https://a");
  EXPECT_NE(origin_rules(many).find("'https://a' and 992 more"), std::string::npos);
  EXPECT_LT(origin_rules(many).size(), 200U);
}

TEST(Origin, PatternsOfAnAllowList) {
  for (const char* text :
       {"*", "https://a", "http://a:1", "http://[::1]:80", "app+x-1.2://a", "https://*.a",
        "https://*.a.example:8443", "https://*.web1", "null", "file://"}) {
    EXPECT_TRUE(is_origin_pattern(text)) << text;
  }
  for (const char* text : {"",
                           "Null",
                           "file:",
                           "file:///",
                           "file://*",
                           "a",
                           "https://",
                           "https://*",
                           "https://*.",
                           "https://*..a",
                           "https://*a",
                           "https://a.*",
                           "https://*.*.a",
                           "https://*.127.0.0.1",
                           "https://*.[::1]",
                           "https://*.a:*",
                           "*.a",
                           "https://a/",
                           "https://a:",
                           "https://a:x",
                           "https://a b",
                           "1s://a",
                           "://a",
                           "a_b://a"}) {
    EXPECT_FALSE(is_origin_pattern(text)) << text;
  }
}

}  // namespace
}  // namespace wsd::protocol
