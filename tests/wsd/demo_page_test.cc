#include "wsd/demo_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace wsd::daemon {
namespace {

std::string header(const Response& response, std::string_view name) {
  const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                  [&](const auto& field) { return field.first == name; });
  return found == response.headers.end() ? std::string() : found->second;
}

TEST(DemoPage, EveryPartForbidsWhatItDoesNotNeed) {
  for (const Response& part : {demo_page(), demo_script(), demo_style()}) {
    EXPECT_EQ(part.status, 200);
    const std::string policy = header(part, "Content-Security-Policy");
    for (const std::string_view directive :
         {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"}) {
      EXPECT_NE(policy.find(directive), std::string::npos) << policy;
    }
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(header(part, "X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(demo_page().content_type, "text/html; charset=utf-8");
  EXPECT_EQ(demo_script().content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(demo_style().content_type, "text/css; charset=utf-8");
}

TEST(DemoPage, AsksForNothingOutsideThisServer) {
  for (const Response& part : {demo_page(), demo_script(), demo_style()}) {
    for (const std::string_view outside : {"http://", "https://", "src=\"//", "@import", "url("}) {
      EXPECT_EQ(part.body.find(outside), std::string::npos) << outside;
    }
  }
}

TEST(DemoPage, HoldsNothingThatItsPolicyWouldBlock) {
  const std::string page = demo_page().body;
  for (const std::string_view blocked :
       {"<script>", "<style", " style=", " onclick", " onsubmit", "javascript:"}) {
    EXPECT_EQ(page.find(blocked), std::string::npos) << blocked;
  }
  for (const std::string_view blocked : {"eval(", "innerHTML", "setAttribute(\"style"}) {
    EXPECT_EQ(demo_script().body.find(blocked), std::string::npos) << blocked;
  }
}

TEST(DemoPage, EveryElementOfTheScriptIsOnThePage) {
  const std::string script = demo_script().body;
  const std::string page = demo_page().body;
  constexpr std::string_view kLookup = "$(\"";
  int seen = 0;
  for (std::size_t at = script.find(kLookup); at != std::string::npos;
       at = script.find(kLookup, at + 1)) {
    const std::size_t from = at + kLookup.size();
    const std::string id = script.substr(from, script.find('"', from) - from);
    EXPECT_NE(page.find("id=\"" + id + "\""), std::string::npos) << id;
    ++seen;
  }
  EXPECT_GT(seen, 5);
}

TEST(DemoPage, EveryFieldHasALabel) {
  const std::string page = demo_page().body;
  for (std::size_t at = page.find("<input id=\""); at != std::string::npos;
       at = page.find("<input id=\"", at + 1)) {
    const std::size_t from = at + std::string_view("<input id=\"").size();
    const std::string id = page.substr(from, page.find('"', from) - from);
    EXPECT_NE(page.find("<label for=\"" + id + "\""), std::string::npos) << id;
  }
}

}  // namespace
}  // namespace wsd::daemon
