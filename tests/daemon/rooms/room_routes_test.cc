#include "daemon/rooms/room_routes.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

TEST(RoomRoutes, ResponsesAreJson) {
  const Response published = published_response({9007199254740991, 3});
  EXPECT_EQ(published.status, 200);
  EXPECT_EQ(published.body, "{\"epoch\":9007199254740991,\"seq\":3}\n");
  EXPECT_EQ(room_json("caf\xC3\xA9 \"\\", {2, {5, 6}}),
            "{\"room\":\"caf\xC3\xA9 \\\"\\\\\",\"members\":2,\"epoch\":5,\"seq\":6}");
}

TEST(RoomRoutes, MessageThatTheHistoryLogCannotKeep_Is503WithRetryAfter) {
  const Response refused = published_response(kRefusedPosition);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers, (Headers{{"Retry-After", "1"}}));
  EXPECT_NE(refused.body.find("the history log cannot keep the message"), std::string::npos);
  EXPECT_EQ(published_response({0, 0}).status, 200) << "an empty room without history";
}

}  // namespace
}  // namespace wsd::daemon
