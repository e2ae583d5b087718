// Rooms with presence: messages of joins and leaves, and pages of members.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/publish_client.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

const std::vector<std::string> kPresence = {"--reactors", "2", "--room-rule", "lobby* presence=on"};

// Returns the text of the member `name` in a flat JSON object, or an empty text.
std::string text_in(const std::string& json, const std::string& name) {
  const std::string before = "\"" + name + "\":\"";
  const std::size_t at = json.find(before);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

HttpResponse get(const ServerProcess& server, const std::string& target) {
  RawClient client = server.connect();
  return answer(client, "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

std::string next_text(RawClient& client) {
  const auto frame = client.read_frame();
  return frame ? frame->payload : "no message";
}

// Returns the ids in a page, in its order.
std::vector<std::string> ids_in(const std::string& page) {
  std::vector<std::string> ids;
  for (std::size_t at = page.find("{\"id\":"); at != std::string::npos;
       at = page.find("{\"id\":", at + 1)) {
    ids.push_back(text_in(page.substr(at), "id"));
  }
  return ids;
}

TEST(Presence, JoinsAndLeaves_AreMessages_AndTheListAgrees) {
  ServerProcess server(kPresence);
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(opens(ann, "/rooms/lobby?info=ann+%22%7B"));
  const std::string joined = next_text(ann);
  const std::string ann_id = text_in(joined, "member");
  EXPECT_EQ(joined,
            R"({"type":"joined","room":"lobby","member":")" + ann_id + R"(","info":"ann \"{"})");
  RawClient bob = server.connect();
  ASSERT_TRUE(opens(bob, "/rooms/lobby"));
  const std::string other = next_text(ann);
  EXPECT_EQ(next_text(bob), other);
  const std::string bob_id = text_in(other, "member");
  EXPECT_EQ(other, R"({"type":"joined","room":"lobby","member":")" + bob_id + R"(","info":""})");
  const HttpResponse page = get(server, "/rooms/lobby/members?limit=10");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.get("Content-Type"), "application/json");
  EXPECT_EQ(page.get("Cache-Control"), "no-store");
  EXPECT_EQ(number_in(page.body, "seq"), 2U);
  EXPECT_NE(page.body.find(R"({"id":")" + ann_id + R"(","info":"ann \"{"})"), std::string::npos)
      << page.body;
  EXPECT_EQ(ids_in(page.body).size(), 2U);
  ASSERT_TRUE(closes_normally(bob));
  EXPECT_EQ(next_text(ann),
            R"({"type":"left","room":"lobby","member":")" + bob_id + R"(","info":""})");
  EXPECT_EQ(ids_in(get(server, "/rooms/lobby/members?limit=10").body), std::vector{ann_id});
}

TEST(Presence, PagesWhileMembersComeAndGo_ListEachStayingMemberOnce) {
  ServerProcess server(kPresence);
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> members;
  std::vector<std::string> stays;
  for (int i = 0; i < 30; ++i) {
    members.push_back(server.connect());
    ASSERT_TRUE(opens(members.back(), "/rooms/lobby"));
    const std::string id = text_in(next_text(members.back()), "member");
    if (i % 3 != 0) stays.push_back(id);
  }
  std::vector<std::string> seen;
  std::string after;
  std::vector<RawClient> more;
  for (int page = 0; page < 30; ++page) {
    const HttpResponse response =
        get(server, "/rooms/lobby/members?limit=4" + (after.empty() ? "" : "&after=" + after));
    ASSERT_EQ(response.status, 200) << response.body;
    const std::vector<std::string> ids = ids_in(response.body);
    seen.insert(seen.end(), ids.begin(), ids.end());
    after = text_in(response.body, "next");
    if (after.empty()) break;
    // Some members leave, maybe the one that `after` names, and others join.
    if (page < 10) members[static_cast<std::size_t>(page) * 3].reset();
    more.push_back(server.connect());
    ASSERT_TRUE(opens(more.back(), "/rooms/lobby"));
  }
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  for (const std::string& id : stays) EXPECT_EQ(std::count(seen.begin(), seen.end(), id), 1) << id;
}

TEST(Presence, WrongRequests_AreRejectedWithAReason) {
  ServerProcess server(kPresence);
  ASSERT_TRUE(server.listening());
  const struct {
    std::string target;
    int status;
    std::string body;
  } rows[] = {
      {"/rooms/lobby/members?limit=0", 400,
       "limit=\"0\" is not a number of members: use a whole number from 1 to 1000\n"},
      {"/rooms/lobby/members?limit=1001", 400,
       "limit=\"1001\" is not a number of members: use a whole number from 1 to 1000\n"},
      {"/rooms/lobby/members?after=%00x", 400,
       "after=\"\\x00x\" is not the id of a member: use \"next\" of the page before this one\n"},
      {"/rooms/other/members?limit=5", 404,
       "this room has no presence, so its members are not listed: start wsd with presence=on in a "
       "--room-rule for it\n"},
      {"/rooms/lobby/members?after=" + std::string(32, 'f'), 200,
       "{\"list\":[],\"epoch\":0,\"seq\":0}\n"},
      {"/rooms/lobby/members?x=1", 200, "{\"members\":0,\"epoch\":0,\"seq\":0,\"history\":0}\n"},
  };
  for (const auto& row : rows) {
    const HttpResponse response = get(server, row.target);
    EXPECT_EQ(response.status, row.status) << row.target;
    EXPECT_EQ(response.body, row.body) << row.target;
  }
}

TEST(Presence, WrongInfo_IsRejected_AndARoomWithoutPresenceIgnoresIt) {
  ServerProcess server(kPresence);
  ASSERT_TRUE(server.listening());
  for (const std::string& info : {std::string(257, 'x'), std::string("%FF"), std::string("%C3")}) {
    RawClient client = server.connect();
    client.send(RequestText::upgrade("/rooms/lobby?info=" + info).text());
    EXPECT_TRUE(is_refused(client, {400})) << info;
    RawClient other = server.connect();
    EXPECT_TRUE(opens(other, "/rooms/other?info=" + info));
  }
  RawClient longest = server.connect();
  EXPECT_TRUE(opens(longest, "/rooms/lobby?info=" + std::string(256, 'x')));
  EXPECT_EQ(text_in(next_text(longest), "info"), std::string(256, 'x'));
}

TEST(Presence, AuthenticatedUser_IsTheInfo_WhateverTheUrlSays) {
  const TemporaryDirectory directory;
  const std::string users = directory.write("users", "ann-S3CRET-0123456789 ann read=* write=*\n");
  ::chmod(users.c_str(), 0600);
  ServerProcess server({"--presence", "on", "--auth-file", users});
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ann.send(RequestText::upgrade("/rooms/a?info=bob")
               .add("Authorization", "Bearer ann-S3CRET-0123456789")
               .text());
  ASSERT_TRUE(is_upgraded(ann));
  EXPECT_EQ(text_in(next_text(ann), "info"), "ann");
  EXPECT_EQ(get(server, "/rooms/a/members?limit=5").status, 401);
}

}  // namespace
}  // namespace e2e
