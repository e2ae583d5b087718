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

TEST(RoomMembers, Page_EscapesInfos_AndNamesTheNextOne) {
  wsd::RoomMembers page;
  page.members = {{"0a", "\"],\"x\":\\\n\x01\xFF"}, {"0b", ""}};
  page.last = {5, 6};
  EXPECT_EQ(members_page_json(page, false),
            "{\"list\":[{\"id\":\"0a\",\"info\":\"\\\"],\\\"x\\\":\\\\\\u000a\\u0001\\ufffd\"},"
            "{\"id\":\"0b\",\"info\":\"\"}],\"epoch\":5,\"seq\":6}");
  page.members.resize(1);
  page.members[0].info = "}";
  page.more = true;
  page.complete = false;
  EXPECT_EQ(members_page_json(page, true),
            "{\"list\":[{\"id\":\"0a\",\"info\":\"}\"}],\"next\":\"0a\",\"epoch\":5,\"seq\":6,"
            "\"complete\":false}");
  EXPECT_EQ(members_page_json({}, false), "{\"list\":[],\"epoch\":0,\"seq\":0}");
}

TEST(RoomMembers, RoomRule_SetsPresence) {
  ServerOptions options;
  options.rooms = {{.pattern = "a-*", .presence = true}, {.pattern = "*-log"}};
  EXPECT_TRUE(has_presence(options, "a-1"));
  EXPECT_FALSE(has_presence(options, "b"));
  options.presence.enabled = true;
  options.rooms[0].presence = false;
  EXPECT_FALSE(has_presence(options, "a-1"));
  EXPECT_TRUE(has_presence(options, "b-log"));
  EXPECT_TRUE(has_presence(options, "b"));
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
