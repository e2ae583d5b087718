#include "server/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "wsd/check.h"

namespace wsd::server {
namespace {

Router router_of(const std::vector<std::string>& patterns) {
  Router router;
  for (const std::string& each : patterns) EXPECT_EQ(router.add(each), "");
  return router;
}

// Returns "2 a=x b=y" for route 2 with two named segments, or "none".
std::string found(const Router& router, std::string_view path) {
  const std::optional<RouteMatch> match = router.match(path);
  if (!match) return "none";
  std::string text = std::to_string(match->route);
  for (const auto& [name, value] : match->params) text += " " + std::string(name) + "=" + value;
  return text;
}

TEST(Router, MatchesWholePaths) {
  const Router router = router_of({"/", "/echo", "/a/b", "/a/b/"});
  EXPECT_EQ(router.size(), 4U);
  EXPECT_EQ(found(router, "/"), "0");
  EXPECT_EQ(found(router, "/echo"), "1");
  EXPECT_EQ(found(router, "/a/b"), "2");
  EXPECT_EQ(found(router, "/a/b/"), "3");
  for (const char* path :
       {"", "/echo/", "/Echo", "/ech", "/echoo", "/a", "/a/b/c", "//", "//echo"}) {
    EXPECT_EQ(found(router, path), "none") << path;
  }
}

TEST(Router, NamedSegments_MatchNonEmptySegments) {
  const Router router = router_of({"/rooms/{room}", "/{a}/x/{b}"});
  EXPECT_EQ(found(router, "/rooms/lobby"), "0 room=lobby");
  EXPECT_EQ(found(router, "/rooms/{room}"), "0 room={room}");
  EXPECT_EQ(found(router, "/1/x/2"), "1 a=1 b=2");
  EXPECT_EQ(found(router, "/rooms/"), "none");
  EXPECT_EQ(found(router, "/rooms"), "none");
  EXPECT_EQ(found(router, "/rooms/a/b"), "none");
  EXPECT_EQ(found(router, "//x/2"), "none");
}

TEST(Router, LiteralsWinFromLeftToRight) {
  const std::vector<std::string> patterns = {"/{a}/{b}", "/{a}/y", "/x/{b}", "/x/y"};
  std::vector<std::size_t> order = {0, 1, 2, 3};
  do {
    std::vector<std::string> shuffled;
    for (const std::size_t each : order) shuffled.push_back(patterns[each]);
    const Router router = router_of(shuffled);
    const auto winner = [&](std::string_view path) {
      const std::optional<RouteMatch> match = router.match(path);
      return match ? shuffled[match->route] : std::string("none");
    };
    EXPECT_EQ(winner("/x/y"), "/x/y");
    EXPECT_EQ(winner("/x/z"), "/x/{b}");
    EXPECT_EQ(winner("/z/y"), "/{a}/y");
    EXPECT_EQ(winner("/z/z"), "/{a}/{b}");
  } while (std::next_permutation(order.begin(), order.end()));
  const Router left = router_of({"/{a}/y", "/x/{b}"});
  EXPECT_EQ(found(left, "/x/y"), "1 b=y");
}

TEST(Router, CatchAll_MatchesOneOrMoreSegments) {
  const Router router = router_of({"/files/{path...}", "/{a}/x/{b...}"});
  EXPECT_EQ(found(router, "/files/a"), "0 path=a");
  EXPECT_EQ(found(router, "/files/a/b.txt"), "0 path=a/b.txt");
  EXPECT_EQ(found(router, "/files/a/"), "0 path=a/");
  EXPECT_EQ(found(router, "/files/a//b"), "0 path=a//b");
  EXPECT_EQ(found(router, "/files/a%20b/%C3%A9"), "0 path=a b/\xC3\xA9");
  EXPECT_EQ(found(router, "/1/x/2/3"), "1 a=1 b=2/3");
  for (const char* path : {"/files", "/files/", "/1/x", "/1/x/", "//x/2"}) {
    EXPECT_EQ(found(router, path), "none") << path;
  }
}

TEST(Router, ValueOfCatchAll_NeverBeginsWithASlash) {
  const Router router = router_of({"/files/{path...}"});
  for (const char* path : {"/files//etc/passwd", "/files/%2Fetc/passwd", "/files/%2fetc",
                           "/files/%5Cetc", "/files///"}) {
    EXPECT_EQ(found(router, path), "none") << path;
  }
  EXPECT_EQ(found(router, "/files/a%2Fb"), "0 path=a/b");
  EXPECT_EQ(found(router, "/files/%252Fetc"), "0 path=%2Fetc");
}

TEST(Router, LiteralWinsOverNamed_AndNamedOverCatchAll) {
  const std::vector<std::string> patterns = {"/{all...}", "/{a}",   "/x/{rest...}",
                                             "/x/{b}",    "/{a}/y", "/{a}/{b}/z"};
  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  do {
    std::vector<std::string> shuffled;
    for (const std::size_t each : order) shuffled.push_back(patterns[each]);
    const Router router = router_of(shuffled);
    const auto winner = [&](std::string_view path) {
      const std::optional<RouteMatch> match = router.match(path);
      return match ? shuffled[match->route] : std::string("none");
    };
    ASSERT_EQ(winner("/x"), "/{a}");
    ASSERT_EQ(winner("/w/"), "/{all...}");
    ASSERT_EQ(winner("/x/y"), "/x/{b}");
    ASSERT_EQ(winner("/w/y"), "/{a}/y");
    ASSERT_EQ(winner("/w/w/z"), "/{a}/{b}/z");
    ASSERT_EQ(winner("/x/w/z"), "/x/{rest...}");  // the first segment decides
    ASSERT_EQ(winner("/w/w/w"), "/{all...}");
    ASSERT_EQ(winner("/"), "none");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Router, NamedSegmentsAreDecodedAndLiteralsAreNot) {
  const Router router = router_of({"/rooms/{room}", "/caf%C3%A9"});
  EXPECT_EQ(found(router, "/rooms/a%20b%2Fc"), "0 room=a b/c");
  EXPECT_EQ(found(router, "/rooms/%C3%A9+%25"), "0 room=\xC3\xA9+%");
  EXPECT_EQ(found(router, "/caf%C3%A9"), "1");
  EXPECT_EQ(found(router, "/r%6Foms/x"), "none");
  EXPECT_EQ(found(router, "/rooms/a%2Fmembers"), "0 room=a/members");
  EXPECT_EQ(found(router, "/rooms%2Fa"), "none");
}

TEST(Router, EscapeThatIsNoTriplet_StaysInANamedSegment) {
  const Router router = router_of({"/rooms/{room}"});
  for (const std::string name : {"%", "%4", "%4g", "%g4", "a%", "100%", "%%"}) {
    EXPECT_EQ(found(router, "/rooms/" + name), "0 room=" + name);
  }
}

TEST(Router, KnownPatterns_AreRejected) {
  Router router = router_of({"/rooms/{room}", "/rooms/all"});
  EXPECT_EQ(router.add("/rooms/{other}"),
            "\"/rooms/{other}\" matches the same paths as \"/rooms/{room}\", which was added "
            "before; use the same names for its segments");
  EXPECT_EQ(router.add("/rooms/all"), "\"/rooms/all\" was added before; add each pattern once");
  EXPECT_EQ(router.size(), 2U);
  EXPECT_EQ(router.add("/{rooms}/all"), "");
  EXPECT_EQ(router.add("/rooms/{room...}"), "");
  EXPECT_EQ(router.add("/rooms/{other...}"),
            "\"/rooms/{other...}\" matches the same paths as \"/rooms/{room...}\", which was added "
            "before; use the same names for its segments");
  EXPECT_EQ(router.find("/rooms/{room...}"), 3U);
}

TEST(Router, InvalidPatterns_AreRejectedWithTheirError) {
  Router router;
  for (const char* pattern :
       {"", "rooms", "*", "/*", "/rooms/{", "/{a}/{a}", "/{a...}/b", "/a?b"}) {
    EXPECT_NE(router.add(pattern), "") << pattern;
    EXPECT_EQ(router.add(pattern), check_route_pattern(pattern));
  }
  EXPECT_EQ(router.size(), 0U);
}

TEST(DecodeSegment, EveryTripletAndNothingElse) {
  EXPECT_EQ(decode_segment("a%2Fb%5c+%00"), std::string("a/b\\+\0", 6));
  EXPECT_EQ(decode_segment("%2525"), "%25");
  EXPECT_EQ(decode_segment("%%41%4"), "%A%4");
  EXPECT_EQ(decode_segment("%2%65"), "%2e");  // once only
  EXPECT_EQ(decode_segment(""), "");
}

TEST(PercentDecode, EveryByte) {
  constexpr std::string_view kUpper = "0123456789ABCDEF";
  constexpr std::string_view kLower = "0123456789abcdef";
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const std::string_view digits : {kUpper, kLower}) {
      const std::string text = {'%', digits[byte >> 4], digits[byte & 0xF]};
      EXPECT_EQ(percent_decode(text), std::string(1, static_cast<char>(byte)));
    }
  }
}

}  // namespace
}  // namespace wsd::server
