// Rooms with a delivery window, and what does not wait for it.

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

// Longer than a test needs, so that a message comes late only because it waits.
const std::vector<std::string> kWindow = {"--reactors", "2", "--delivery-window", "1s"};

// A message to the room, and then a Ping, whose Pong says that the server has read both.
AssertionResult publishes_and_gets_pong_first(RawClient& member, std::string_view text) {
  member.send(text_frame(text) + ping_frame("after it"));
  return receives(member, kPong, "after it");
}

TEST(Window, MessageOfRoomWaits_PongDoesNot) {
  ServerProcess server(kWindow);
  ASSERT_TRUE(server.listening());
  RawClient member = server.connect();
  ASSERT_TRUE(opens(member, "/rooms/a"));
  ASSERT_TRUE(publishes_and_gets_pong_first(member, "one"));
  ASSERT_TRUE(publishes_and_gets_pong_first(member, "two"));
  EXPECT_TRUE(receives_text(member, "one"));
  EXPECT_TRUE(receives_text(member, "two"));
}

TEST(Window, Join_EndsTheWindow) {
  ServerProcess server(kWindow);
  ASSERT_TRUE(server.listening());
  RawClient member = server.connect();
  ASSERT_TRUE(opens(member, "/rooms/a"));
  ASSERT_TRUE(publishes_and_gets_pong_first(member, "before"));
  RawClient joiner = server.connect();
  ASSERT_TRUE(opens(joiner, "/rooms/a"));
  EXPECT_TRUE(receives_text(member, "before"));
  joiner.send(text_frame("after"));
  EXPECT_TRUE(receives_text(joiner, "after"));
  EXPECT_TRUE(receives_text(member, "after"));
}

TEST(Window, RoomRule_AppliesToItsRoomsOnly) {
  ServerProcess server({"--reactors", "2", "--room-rule", "slow-* delivery-window=1s"});
  ASSERT_TRUE(server.listening());
  RawClient slow = server.connect();
  ASSERT_TRUE(opens(slow, "/rooms/slow-1"));
  ASSERT_TRUE(publishes_and_gets_pong_first(slow, "late"));
  RawClient member = server.connect();
  ASSERT_TRUE(opens(member, "/rooms/a"));
  member.send(text_frame("at once"));
  EXPECT_TRUE(receives_text(member, "at once"));
  EXPECT_TRUE(receives_text(slow, "late"));
}

TEST(Window, Drain_SendsWaitingMessagesBeforeTheCloseFrames) {
  std::vector<std::string> flags = kWindow;
  flags.insert(flags.end(), {"--drain-window", "0"});
  ServerProcess server(flags);
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> members;
  for (int i = 0; i < 4; ++i) {
    members.push_back(server.connect());
    ASSERT_TRUE(opens(members.back(), "/rooms/a"));
    members.back().send(text_frame("here"));
    for (RawClient& each : members) ASSERT_TRUE(receives_text(each, "here"));
  }
  ASSERT_TRUE(publishes_and_gets_pong_first(members[0], "last"));
  server.signal(SIGTERM);
  for (RawClient& each : members) {
    EXPECT_TRUE(receives_text(each, "last"));
    EXPECT_TRUE(is_closed_with(each, 1001));
  }
}

}  // namespace
}  // namespace e2e
