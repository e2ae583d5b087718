// An operator finds and ends connections, and removes messages and rooms, through the admin
// listener.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

class AdminActions : public ::testing::Test {
 protected:
  AdminActions()
      : users_(
            "ann-token-of-16-characters ann read=* write=*\nbob-token-of-16-characters bob read=* "
            "write=*\n"),
        server_({"--admin", "127.0.0.1:0", "--reactors", "2", "--history-messages", "10",
                 "--publish", "loopback", "--auth-file", folder_.write("users", users_)}) {
    const auto line = server_.process().wait_for_line("^admin on ");
    if (!line) {
      ADD_FAILURE() << "no admin listener: " << server_.process().output();
      return;
    }
    port_ = static_cast<std::uint16_t>(std::stoi(line->substr(line->rfind(':') + 1)));
  }
  HttpResponse ask(const std::string& method, const std::string& target) const {
    RequestText request = RequestText::get("/").set("Host", "localhost");
    request.line(method + " " + target + " HTTP/1.1").set("Connection", "close");
    RawClient client = RawClient::tcp(port_);
    client.send(request.text());
    return client.read_response().value_or(HttpResponse{});
  }
  RawClient join(const std::string& user, const std::string& target) {
    RawClient client = server_.connect();
    client.send(RequestText::upgrade(target)
                    .set("Authorization", "Bearer " + user + "-token-of-16-characters")
                    .text());
    const auto response = client.read_response();
    EXPECT_TRUE(response && response->status == 101) << user << " " << target;
    return client;
  }
  // Returns the position of a message that is published to the room.
  std::string publish(const std::string& room, const std::string& text) {
    RawClient client = server_.connect();
    client.send("POST /rooms/" + room +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" +
                "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
    const std::string body = client.read_response().value_or(HttpResponse{}).body;
    EXPECT_TRUE(body.starts_with("{\"epoch\":")) << body;
    std::string position = body.substr(9);
    position.replace(position.find(",\"seq\":"), 7, ":");
    return position.substr(0, position.find('}'));
  }
  // Returns how many connections the page lists.
  static int rows(const HttpResponse& page) {
    int count = 0;
    for (std::size_t at = 0; (at = page.body.find("{\"id\":", at)) != std::string::npos; ++at) {
      ++count;
    }
    return count;
  }

  TemporaryDirectory folder_;
  std::string users_;
  ServerProcess server_;
  std::uint16_t port_ = 0;
};

TEST_F(AdminActions, User_IsFoundInPagesAndEnded) {
  std::vector<RawClient> ann;
  for (int i = 0; i < 3; ++i) ann.push_back(join("ann", "/rooms/lobby"));
  ann.push_back(join("ann", "/rooms/caf%C3%A9"));
  RawClient bob = join("bob", "/rooms/lobby");
  EXPECT_EQ(rows(ask("GET", "/connections?user=ann")), 4);
  EXPECT_EQ(rows(ask("GET", "/connections?user=ann&room=lobby")), 3);
  EXPECT_EQ(rows(ask("GET", "/connections?room=caf%C3%A9")), 1);
  int listed = 0;
  std::string after = "0";
  for (int page = 0; page < 10 && after != "null"; ++page) {
    const HttpResponse part = ask("GET", "/connections?limit=2&after=" + after);
    listed += rows(part);
    ASSERT_TRUE(part.body.starts_with("{\"complete\":true,\"next\":")) << part.body;
    after = part.body.substr(24, part.body.find(',', 24) - 24);
    if (after != "null") after = after.substr(1, after.size() - 2);
  }
  EXPECT_EQ(listed, 5);

  const HttpResponse ended = ask("DELETE", "/connections?user=ann&code=4001&reason=no%20more");
  EXPECT_EQ(ended.status, 200);
  EXPECT_EQ(ended.body, "{\"closed\":4,\"complete\":true}\n");
  for (RawClient& each : ann) EXPECT_TRUE(receives(each, kClose, close_payload(4001, "no more")));
  EXPECT_TRUE(server_.process().wait_for_line("closed_by_operator"));
  publish("lobby", "to the rest");
  EXPECT_TRUE(receives_text(bob, "to the rest"));
}

TEST_F(AdminActions, MessageAndHistory_AreRemoved) {
  publish("news", "one");
  const std::string second = publish("news", "two");
  publish("news", "three");
  EXPECT_EQ(ask("DELETE", "/rooms/news/messages/" + second).body, "{\"removed\":1}\n");
  EXPECT_EQ(ask("DELETE", "/rooms/news/messages/" + second).status, 404);
  EXPECT_EQ(ask("DELETE", "/rooms/news/messages/two").status, 400);
  RawClient member = join("bob", "/rooms/news?last=10");
  EXPECT_TRUE(receives_text(member, "one"));
  EXPECT_TRUE(receives_text(member, "three"));
  EXPECT_EQ(ask("DELETE", "/rooms/news/messages").body, "{\"removed\":2}\n");
  RawClient late = join("bob", "/rooms/news?last=10");
  publish("news", "four");
  EXPECT_TRUE(receives_text(late, "four"));
}

TEST_F(AdminActions, Room_IsClosedAndMayReopen) {
  RawClient member = join("ann", "/rooms/lobby");
  RawClient elsewhere = join("ann", "/rooms/other");
  publish("lobby", "x");
  EXPECT_TRUE(receives_text(member, "x"));
  EXPECT_EQ(ask("DELETE", "/rooms/lobby?code=4000&reason=over").body,
            "{\"closed\":1,\"removed\":1,\"complete\":true}\n");
  EXPECT_TRUE(receives(member, kClose, close_payload(4000, "over")));
  RawClient again = join("ann", "/rooms/lobby?last=10");
  publish("lobby", "y");
  EXPECT_TRUE(receives_text(again, "y"));
  publish("other", "z");
  EXPECT_TRUE(receives_text(elsewhere, "z"));
}

TEST_F(AdminActions, BadRequests_AreRejectedWithASentence) {
  const HttpResponse all = ask("DELETE", "/connections");
  EXPECT_EQ(all.status, 400);
  EXPECT_NE(all.body.find("name user or room"), std::string::npos) << all.body;
  EXPECT_EQ(ask("DELETE", "/connections?user=").status, 400) << "as with an unset variable";
  EXPECT_EQ(ask("DELETE", "/connections?user=ann&code=1006").status, 400);
  EXPECT_EQ(ask("GET", "/connections?user=ann&sort=age").status, 400);
  EXPECT_EQ(ask("GET", "/rooms/lobby").status, 405);
}

}  // namespace
}  // namespace e2e
