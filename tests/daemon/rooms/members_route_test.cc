#include "daemon/rooms/members_route.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

TEST(RoomMembers, TheRoomIsTheSegmentBefore) {
  EXPECT_EQ(room_of_members_path("/rooms/lobby/members"), "lobby");
  EXPECT_EQ(room_of_members_path("/rooms/caf%C3%A9%20%2F/members"), "caf\xC3\xA9 /");
  EXPECT_EQ(room_of_members_path("/rooms/members/members"), "members");
  EXPECT_EQ(room_of_members_path("/rooms/%4/members"), "%4");
}

TEST(RoomMembers, ResponseIsJson) {
  EXPECT_EQ(members_json({2, {9007199254740991, 6}}, 100, false),
            "{\"members\":2,\"epoch\":9007199254740991,\"seq\":6,\"history\":100}");
  EXPECT_EQ(members_json({}, 0, false), "{\"members\":0,\"epoch\":0,\"seq\":0,\"history\":0}");
}

TEST(RoomMembers, RoomOfSeveralNodes_SaysWhetherTheCountIsComplete) {
  EXPECT_EQ(members_json({0, {}, false}, 0, true),
            "{\"members\":0,\"epoch\":0,\"seq\":0,\"history\":0,\"complete\":false}");
  EXPECT_EQ(members_json({}, 0, true),
            "{\"members\":0,\"epoch\":0,\"seq\":0,\"history\":0,\"complete\":true}");
}

TEST(RoomMembers, RoomRule_SetsHistory) {
  ServerOptions options;
  options.history.messages = 7;
  options.rooms = {{.pattern = "q-*", .history_messages = 100}, {.pattern = "*-log"}};
  EXPECT_EQ(history_messages(options, "lobby"), 7U);
  EXPECT_EQ(history_messages(options, "q-1"), 100U);
  EXPECT_EQ(history_messages(options, "a-log"), 7U);
}

}  // namespace
}  // namespace wsd::daemon
