#include "daemon/rooms/room_routes.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

TEST(RoomRoutes, ResponsesAreJson) {
  EXPECT_EQ(published_json({9007199254740991, 3}), "{\"epoch\":9007199254740991,\"seq\":3}");
  EXPECT_EQ(room_json("caf\xC3\xA9 \"\\", {2, {5, 6}}),
            "{\"room\":\"caf\xC3\xA9 \\\"\\\\\",\"members\":2,\"epoch\":5,\"seq\":6}");
}

}  // namespace
}  // namespace wsd::daemon
