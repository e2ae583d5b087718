#include "daemon/rooms/room_routes.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

TEST(RoomRoutes, ResponsesAreJson) {
  EXPECT_EQ(published_json({9007199254740991, 3}), "{\"epoch\":9007199254740991,\"seq\":3}");
  EXPECT_EQ(room_json("caf\xC3\xA9 \"\\", {2, {5, 6}}),
            "{\"room\":\"caf\xC3\xA9 \\\"\\\\\",\"members\":2,\"epoch\":5,\"seq\":6}");
}

TEST(RoomRoutes, Rfc9110_8_3_TextContentTypesMakeTextMessages) {
  for (const char* type : {"text/plain", "text/html; charset=utf-8", "TEXT/PLAIN",
                           "application/json", "Application/JSON ; x=y"}) {
    EXPECT_EQ(message_type_of(type), MessageType::kText) << type;
  }
  for (const char* type : {"", "application/octet-stream", "application/jsonp", "textual",
                           "image/png", "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(message_type_of(type), MessageType::kBinary) << type;
  }
}

}  // namespace
}  // namespace wsd::daemon
