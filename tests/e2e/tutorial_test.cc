// The chat of docs/tutorial.md and the solutions of its exercises behave as the tutorial describes.

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

AssertionResult enters(RawClient& client, const std::string& user) {
  if (auto result = opens(client, "/rooms/lobby?user=" + user); !result) return result;
  return receives_text(client, user + " joined");
}

TEST(Tutorial, TwoPeopleTalk) {
  Tool program = tutorial("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(enters(ann, "ann"));
  RawClient bob = server.connect();
  ASSERT_TRUE(enters(bob, "bob"));
  EXPECT_TRUE(receives_text(ann, "bob joined"));
  ann.send(text_frame("hello"));
  EXPECT_TRUE(receives_text(ann, "ann: hello"));
  EXPECT_TRUE(receives_text(bob, "ann: hello"));
  EXPECT_TRUE(closes_normally(bob));
  EXPECT_TRUE(receives_text(ann, "bob left (peer_closed)"));
  EXPECT_TRUE(closes_normally(ann));
  EXPECT_TRUE(server.ends_cleanly());
}

TEST(Tutorial, CommandsMoveAndQuit) {
  Tool program = tutorial("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(enters(ann, "ann"));
  RawClient bob = server.connect();
  ASSERT_TRUE(enters(bob, "bob"));
  EXPECT_TRUE(receives_text(ann, "bob joined"));
  bob.send(text_frame("/join tea"));
  EXPECT_TRUE(receives_text(bob, "bob joined"));
  EXPECT_TRUE(receives_text(ann, "bob left (moved)"));
  ann.send(text_frame("alone"));
  EXPECT_TRUE(receives_text(ann, "ann: alone"));
  bob.send(text_frame("/join with spaces"));
  EXPECT_TRUE(receives_text(bob, "a room's name has 1 to 32 letters, digits and hyphens"));
  RawClient page = server.connect();
  page.send(RequestText::get("/seats").text());
  const auto seats = page.read_response();
  ASSERT_TRUE(seats);
  EXPECT_EQ("2\n", seats->body);
  bob.send(text_frame("/quit"));
  EXPECT_TRUE(is_closed_with(bob, 1000));
  ann.send(binary_frame("\x01"));
  EXPECT_TRUE(is_closed_with(ann, 1003));
}

TEST(Tutorial, PageIsServed) {
  Tool program = tutorial("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient browser = server.connect();
  browser.send(RequestText::get("/").text());
  const auto page = browser.read_response();
  ASSERT_TRUE(page);
  EXPECT_EQ(200, page->status);
  EXPECT_NE(std::string::npos, page->body.find("new WebSocket"));
}

TEST(Tutorial, UpgradeChoosesAndRefuses) {
  Tool program = tutorial("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  struct Row {
    RequestText request;
    int status;
  };
  const std::string lobby = "/rooms/lobby?user=ann";
  const Row rows[] = {
      {RequestText::upgrade(lobby).add("Origin", "http://evil.example"), 403},
      {RequestText::upgrade("/rooms/lobby"), 401},
      {RequestText::upgrade("/rooms/a%20b?user=ann"), 404},
      {RequestText::upgrade("/nowhere"), 404},
      {RequestText::upgrade(lobby).set("Sec-WebSocket-Version", "8"), 426},
      {RequestText::upgrade(lobby).remove("Sec-WebSocket-Key"), 400},
      {RequestText::get(lobby), 426},
  };
  for (const Row& row : rows) {
    RawClient client = server.connect();
    client.send(row.request.text());
    EXPECT_TRUE(is_refused(client, {row.status})) << row.request.text();
  }
  RawClient client = server.connect();
  client.send(RequestText::upgrade(lobby).add("Sec-WebSocket-Protocol", "other, chat.v1").text());
  const auto answer = client.read_response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(101, answer->status);
  EXPECT_EQ("chat.v1", answer->get("Sec-WebSocket-Protocol"));
}

TEST(Tutorial, SilentPeer_IsPingedThenClosed) {
  Tool program = tutorial("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0", "200", "20000"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(enters(client, "ann"));
  for (int i = 0; i < 2; ++i) {
    const auto ping = client.read_frame();
    ASSERT_TRUE(ping);
    EXPECT_EQ(kPing, ping->opcode);
    client.send(pong_frame(ping->payload));
  }
  client.send(text_frame("still here"));
  EXPECT_TRUE(receives_text(client, "ann: still here"));

  ServerProcess strict(program.with({"127.0.0.1:0", "100", "100"}));
  ASSERT_TRUE(strict.listening());
  RawClient silent = strict.connect();
  ASSERT_TRUE(enters(silent, "bob"));
  auto frame = silent.read_frame();
  while (frame && frame->opcode == kPing) frame = silent.read_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(kClose, frame->opcode);
  EXPECT_EQ(1011U, frame->close_code());
}

TEST(Tutorial, Sigterm_Sends1001) {
  Tool program = tutorial("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> people;
  for (const char* user : {"ann", "bob", "cyd"}) {
    people.push_back(server.connect());
    ASSERT_TRUE(enters(people.back(), user));
  }
  server.signal(SIGTERM);
  for (RawClient& each : people) {
    // Join and leave notices of other members come before it.
    auto frame = each.read_frame();
    while (frame && frame->opcode == kText) frame = each.read_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(kClose, frame->opcode);
    EXPECT_EQ(1001U, frame->close_code());
    each.send(close_frame(1001));
    EXPECT_EQ(End::kFin, each.read_end());
  }
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(0, status->code);
}

TEST(TutorialSolutions, ManyRooms) {
  Tool program = tutorial("solutions/many_rooms");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client, "/"));
  const auto say = [&](std::string_view line) { client.send(text_frame(line)); };
  say("+a");
  say("+b");
  say("b hello");
  EXPECT_TRUE(receives_text(client, "b hello"));
  say("c hello");
  EXPECT_TRUE(receives_text(client, "not in c"));
  say("-b");
  say("b again");
  EXPECT_TRUE(receives_text(client, "not in b"));
  for (const char* join : {"+c", "+d", "+e"}) say(join);
  EXPECT_TRUE(receives_text(client, "no more rooms: e"));
  say("d hello");
  EXPECT_TRUE(receives_text(client, "d hello"));
  EXPECT_TRUE(closes_normally(client));
  EXPECT_TRUE(server.ends_cleanly());
}

TEST(TutorialSolutions, JournalOutlivesTheProcess) {
  Tool program = tutorial("solutions/journal");
  E2E_REQUIRE(program);
  TemporaryDirectory folder;
  const std::string file = folder.file("journal");
  {
    ServerProcess server(program.with({"127.0.0.1:0", file}));
    ASSERT_TRUE(server.listening());
    RawClient client = server.connect();
    ASSERT_TRUE(opens(client, "/"));
    for (int i = 0; i < 30; ++i) {
      const std::string line = "line " + std::to_string(i);
      client.send(text_frame(line));
      ASSERT_TRUE(receives_text(client, line));
    }
    EXPECT_TRUE(closes_normally(client));
    EXPECT_TRUE(server.ends_cleanly());
  }
  ServerProcess server(program.with({"127.0.0.1:0", file}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client, "/"));
  for (int i = 10; i < 30; ++i) {
    ASSERT_TRUE(receives_text(client, "line " + std::to_string(i)));
  }
}

TEST(TutorialSolutions, TickerSendsPrices) {
  Tool program = tutorial("solutions/ticker");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0", "1000"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client, "/"));
  for (int i = 0; i < 10; ++i) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame->payload.starts_with("price ")) << frame->payload;
  }
  client.close();
  EXPECT_TRUE(server.ends_cleanly());
  EXPECT_NE(std::string::npos, server.process().output().find("dropped for slow readers: "));
}

TEST(TutorialSolutions, RoomSpansTwoNodes) {
  Tool program = tutorial("solutions/two_nodes");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0", "127.0.0.1:0"}), 2);
  ASSERT_TRUE(server.listening());
  RawClient ann = RawClient::tcp(server.port(0));
  RawClient bob = RawClient::tcp(server.port(1));
  ASSERT_TRUE(opens(ann, "/rooms/x"));
  ASSERT_TRUE(opens(bob, "/rooms/x"));
  bob.send(text_frame("bob"));
  ASSERT_TRUE(receives_text(bob, "bob"));
  ASSERT_TRUE(receives_text(ann, "bob"));
  ann.send(text_frame("hello"));
  EXPECT_TRUE(receives_text(bob, "hello"));
  EXPECT_TRUE(receives_text(ann, "hello"));
}

TEST(TutorialSolutions, Presence_NewMemberReceivesTheNamesOfTheMembers) {
  Tool program = tutorial("solutions/presence");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(opens(ann, "/ann"));
  EXPECT_TRUE(receives_text(ann, "here: ann"));
  EXPECT_TRUE(receives_text(ann, "ann joined"));
  RawClient bob = server.connect();
  ASSERT_TRUE(opens(bob, "/bob"));
  EXPECT_TRUE(receives_text(bob, "here: ann bob"));
  EXPECT_TRUE(receives_text(ann, "bob joined"));
  EXPECT_TRUE(closes_normally(ann));
  EXPECT_TRUE(receives_text(bob, "bob joined"));
  EXPECT_TRUE(receives_text(bob, "ann left"));
  RawClient cyd = server.connect();
  ASSERT_TRUE(opens(cyd, "/cyd"));
  EXPECT_TRUE(receives_text(cyd, "here: bob cyd"));
}

}  // namespace
}  // namespace e2e
