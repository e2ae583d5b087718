#include "daemon/rooms/room_routes.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

TEST(RoomRoutes, ResponsesAreJson) {
  const Response published = published_response({9007199254740991, 3});
  EXPECT_EQ(published.status, 200);
  EXPECT_EQ(published.body, "{\"epoch\":9007199254740991,\"seq\":3}\n");
  EXPECT_EQ(room_json("caf\xC3\xA9 \"\\", {2, {5, 6}}, false),
            "{\"room\":\"caf\xC3\xA9 \\\"\\\\\",\"members\":2,\"epoch\":5,\"seq\":6}");
}

TEST(RoomRoutes, RoomOfSeveralNodes_SaysWhetherTheCountIsComplete) {
  EXPECT_EQ(room_json("a", {2, {5, 6}, false}, true),
            "{\"room\":\"a\",\"members\":2,\"epoch\":5,\"seq\":6,\"complete\":false}");
  EXPECT_EQ(room_json("a", {2, {5, 6}, true}, true),
            "{\"room\":\"a\",\"members\":2,\"epoch\":5,\"seq\":6,\"complete\":true}");
}

TEST(RoomRoutes, AnotherMessageWithTheKey_Is422) {
  const Response used = published_response(kKeyUsedPosition);
  EXPECT_EQ(used.status, 422);
  EXPECT_NE(used.body.find("Idempotency-Key"), std::string::npos);
  EXPECT_TRUE(used.headers.empty());
}

// Another attempt might publish the message twice, so nothing invites to it.
TEST(RoomRoutes, MessageOfUnknownOutcome_Is504WithoutRetryAfter) {
  const Response unknown = published_response(kUnknownPosition);
  EXPECT_EQ(unknown.status, 504);
  EXPECT_EQ(unknown.content_type, "application/json");
  EXPECT_EQ(unknown.body, "{\"placed\":\"unknown\"}\n");
  EXPECT_TRUE(unknown.headers.empty());
}

TEST(RoomRoutes, MessageThatTheHistoryLogCannotKeep_Is503WithRetryAfter) {
  const Response refused = published_response(kRefusedPosition);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers, (Headers{{"Retry-After", "1"}}));
  EXPECT_NE(refused.body.find("the history log or the engine cannot keep the message"),
            std::string::npos);
  EXPECT_EQ(published_response({0, 0}).status, 200) << "an empty room without history";
}

}  // namespace
}  // namespace wsd::daemon
