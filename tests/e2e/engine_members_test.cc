// Members and keys of messages over several nodes on one Redis.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/byte_proxy.h"
#include "support/engine_nodes.h"
#include "support/expect.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

// Returns a member of the room on the node.
RawClient member_of(const AdminServer& node, const std::string& room) {
  RawClient member = node.connect();
  EXPECT_TRUE(opens(member, "/rooms/" + room));
  return member;
}

std::string get(const AdminServer& node, const std::string& target) {
  RawClient client = node.connect();
  const HttpResponse response =
      answer(client, "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(response.status, 200) << target;
  return response.body;
}

// Waits until both responses of the node about the room have this number of members. An answer is
// used for one second, and on a slow machine a node may be late.
::testing::AssertionResult counts(const AdminServer& node, const std::string& room,
                                  std::uint64_t members, bool complete) {
  const std::string end = complete ? "\"complete\":true}\n" : "\"complete\":false}\n";
  std::string last;
  for (const std::string& target : {"/rooms/" + room, "/rooms/" + room + "/members"}) {
    const bool is_so = eventually([&] {
      last = get(node, target);
      return number_in(last, "members") == members && last.ends_with(end);
    });
    if (!is_so) return ::testing::AssertionFailure() << target << ": " << last;
  }
  return ::testing::AssertionSuccess();
}

std::string with_key(const std::string& key) {
  return kPlainText + "Idempotency-Key: " + key + "\r\n";
}

HttpResponse post_once(const AdminServer& node, const std::string& room, const std::string& text,
                       const std::string& key) {
  RawClient client = node.connect();
  return answer(client, post("/rooms/" + room, text, with_key(key)));
}

// Repeats the request until the message is placed.
Place placed(const AdminServer& node, const std::string& room, const std::string& text,
             const std::string& key) {
  HttpResponse response;
  EXPECT_TRUE(eventually([&] {
    response = post_once(node, room, text, key);
    return response.status == 200;
  })) << response.status
      << " " << response.body;
  return {number_in(response.body, "epoch"), number_in(response.body, "seq")};
}

TEST(EngineQuickMembers, ThreeNodes_AreCountedTogether) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(3, redis.url());
  ASSERT_TRUE(nodes.ready());
  std::vector<RawClient> members;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t n = 0; n <= i; ++n) members.push_back(member_of(nodes[i], "a"));
  }
  const Place last = nodes[0].publish("a", "x");
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(counts(nodes[i], "a", 6, true)) << "node " << i;
    EXPECT_TRUE(counts(nodes[i], "nobody%20is%20here", 0, true)) << "node " << i;
    EXPECT_TRUE(eventually([&] {
      const std::string body = get(nodes[i], "/rooms/a");
      return number_in(body, "epoch") == last.epoch && number_in(body, "seq") == last.seq;
    })) << "node "
        << i;
  }
  members.clear();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(counts(nodes[i], "a", 0, true)) << "node " << i;
}

TEST(EngineQuickMembers, NodeWithoutTheRoom_KnowsItsMembersAndPosition) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  const RawClient member = member_of(nodes[0], "a");
  const Place last = nodes[0].publish("a", "x");
  EXPECT_TRUE(counts(nodes[1], "a", 1, true));
  EXPECT_TRUE(eventually([&] {
    const std::string body = get(nodes[1], "/rooms/a/members");
    return number_in(body, "epoch") == last.epoch && number_in(body, "seq") == last.seq;
  }));
}

TEST(EngineMembers, StoppedNode_IsMissing_AndADeadOneIsNotCounted) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(3, redis.url());
  ASSERT_TRUE(nodes.ready());
  std::vector<RawClient> members;
  for (std::size_t i = 0; i < 3; ++i) members.push_back(member_of(nodes[i], "a"));
  ASSERT_TRUE(counts(nodes[0], "a", 3, true));
  nodes[2].process().signal(SIGSTOP);
  EXPECT_TRUE(counts(nodes[0], "a", 2, false));
  EXPECT_TRUE(counts(nodes[1], "a", 2, false));
  nodes[2].process().signal(SIGCONT);
  EXPECT_TRUE(counts(nodes[0], "a", 3, true));
  nodes[2].kill();
  EXPECT_TRUE(counts(nodes[0], "a", 2, true));
  EXPECT_TRUE(counts(nodes[1], "a", 2, true));
}

TEST(EngineMembers, RedisIsAway_TheNodeCountsItsOwn) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  const RawClient here = member_of(nodes[0], "a");
  const RawClient there = member_of(nodes[1], "a");
  ASSERT_TRUE(counts(nodes[0], "a", 2, true));
  redis.kill();
  EXPECT_TRUE(counts(nodes[0], "a", 1, false));
  redis.start();
  ASSERT_TRUE(nodes.ready());
  EXPECT_TRUE(counts(nodes[0], "a", 2, true));
}

// Waits until the node lists so many members, and returns the page.
std::string page_of(const AdminServer& node, std::size_t members, bool complete) {
  const std::string end = complete ? "\"complete\":true}\n" : "\"complete\":false}\n";
  std::string page;
  EXPECT_TRUE(eventually([&] {
    page = get(node, "/rooms/a/members?limit=50");
    std::size_t found = 0;
    for (std::size_t at = page.find("\"id\""); at != std::string::npos;
         at = page.find("\"id\"", at + 1)) {
      ++found;
    }
    return found == members && page.ends_with(end);
  })) << page;
  return page;
}

std::string next_text(RawClient& member) {
  const auto frame = member.read_frame();
  return frame ? frame->payload : "no message";
}

TEST(EngineQuickPresence, TwoNodes_ListAllMembers_AndTellOfAll) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url(), {"--presence", "on"});
  ASSERT_TRUE(nodes.ready());
  RawClient ann = nodes[0].connect();
  ASSERT_TRUE(opens(ann, "/rooms/a?info=ann"));
  EXPECT_NE(next_text(ann).find("\"info\":\"ann\""), std::string::npos);
  RawClient bob = nodes[1].connect();
  ASSERT_TRUE(opens(bob, "/rooms/a?info=bob"));
  const std::string joined = next_text(ann);
  EXPECT_NE(joined.find("\"info\":\"bob\""), std::string::npos) << joined;
  EXPECT_EQ(next_text(bob), joined);
  std::vector<std::uint64_t> lasts;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string page = page_of(nodes[i], 2, true);
    EXPECT_NE(page.find("\"info\":\"ann\""), std::string::npos) << page;
    EXPECT_NE(page.find("\"info\":\"bob\""), std::string::npos) << page;
    lasts.push_back(number_in(page, "seq"));
  }
  const Place next = nodes[0].publish("a", "x");
  EXPECT_EQ(lasts, (std::vector<std::uint64_t>(2, next.seq - 1)));
  EXPECT_EQ(next_text(ann), "x");
  EXPECT_EQ(next_text(bob), "x");
  ASSERT_TRUE(closes_normally(bob));
  EXPECT_NE(next_text(ann).find("\"type\":\"left\""), std::string::npos);
  page_of(nodes[1], 1, true);
}

// Returns the ids on the page. Sets `next` to the id after which the next page begins, or to "".
std::vector<std::string> ids_on(const std::string& page, std::string& next) {
  constexpr std::size_t kIdBytes = 32;
  const auto id_after = [&page](const std::string& name, std::size_t from) {
    const std::size_t at = page.find("\"" + name + "\":\"", from);
    return at == std::string::npos ? at : at + name.size() + 4;
  };
  std::vector<std::string> ids;
  for (std::size_t at = id_after("id", 0); at != std::string::npos; at = id_after("id", at)) {
    ids.push_back(page.substr(at, kIdBytes));
  }
  const std::size_t at = id_after("next", 0);
  next = at == std::string::npos ? "" : page.substr(at, kIdBytes);
  return ids;
}

TEST(EngineQuickPresence, PagesOverTwoNodes_HaveEachMemberOnce) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url(), {"--presence", "on"});
  ASSERT_TRUE(nodes.ready());
  std::vector<RawClient> members;
  for (std::size_t i = 0; i < 10; ++i) members.push_back(member_of(nodes[i % 2], "a"));
  page_of(nodes[0], 10, true);
  std::vector<std::string> ids;
  std::string next;
  do {
    const std::string page =
        get(nodes[0], "/rooms/a/members?limit=3" + (next.empty() ? "" : "&after=" + next));
    const std::vector<std::string> more = ids_on(page, next);
    ASSERT_FALSE(more.empty()) << page;
    EXPECT_LE(more.size(), 3U) << page;
    ids.insert(ids.end(), more.begin(), more.end());
  } while (!next.empty());
  EXPECT_EQ(ids.size(), 10U);
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()), ids.end())
      << "they are sorted, and each is there once";
}

TEST(EnginePresence, KilledNode_IsNoLongerListed_AndRedisAwayListsTheOwn) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  EngineNodes nodes(2, redis.url(), {"--presence", "on"});
  ASSERT_TRUE(nodes.ready());
  const RawClient ann = member_of(nodes[0], "a");
  const RawClient bob = member_of(nodes[1], "a");
  page_of(nodes[0], 2, true);
  nodes[1].process().signal(SIGSTOP);
  page_of(nodes[0], 1, false);
  nodes[1].process().signal(SIGCONT);
  page_of(nodes[0], 2, true);
  nodes[1].kill();
  page_of(nodes[0], 1, true);
  redis.kill();
  page_of(nodes[0], 1, false);
}

TEST(EngineQuickKeys, RepeatedPost_HasOnePositionOnAllNodes) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  const Place first = placed(nodes[0], "a", "x", "k");
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(placed(nodes[i % 2], "a", "x", "\"k\"").text(), first.text());
  }
  EXPECT_EQ(post_once(nodes[1], "a", "y", "k").status, 422);
  EXPECT_EQ(post_once(nodes[0], "a", "y", "k").status, 422);
  EXPECT_EQ(placed(nodes[1], "a", "y", "l").text(), (Place{first.epoch, first.seq + 1}.text()));
  EXPECT_NE(placed(nodes[1], "b", "x", "k").text(), "0:0") << "a key is of its room";
  EXPECT_EQ(lines_of(nodes[0].replay("a", "last=10", 2)),
            (std::vector<std::string>{first.text() + " x",
                                      Place{first.epoch, first.seq + 1}.text() + " y"}));
}

TEST(EngineQuickKeys, FiftyPostsAtOnceOnTwoNodes_AreOneMessage) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < 50; ++i) clients.push_back(nodes[i % 2].connect());
  for (RawClient& client : clients) client.send(post("/rooms/a", "x", with_key("k")));
  const Place first = placed(nodes[0], "a", "x", "k");
  for (RawClient& client : clients) {
    const auto response = client.read_response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(number_in(response->body, "seq"), first.seq);
    EXPECT_EQ(number_in(response->body, "epoch"), first.epoch);
  }
  EXPECT_EQ(nodes[1].publish("a", "end").text(), (Place{first.epoch, first.seq + 1}.text()));
}

// A request without a result is repeated on the other node, while the first one may still be
// under way.
TEST(EngineKeys, CutConnections_PublishNothingTwice) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url(), redis.url()});
  ASSERT_TRUE(nodes.ready());
  std::uint64_t seq = nodes[1].publish("a", "first").seq;
  for (std::size_t i = 0; i < 12; ++i) {
    const std::string text = std::to_string(i);
    RawClient client = nodes[0].connect();
    proxy.cut_after(i * 23);
    client.send(post("/rooms/a", text, with_key("k" + text)));
    if (i % 2 == 0) proxy.cut();
    const Place place = placed(nodes[1], "a", text, "k" + text);
    const auto response = client.read_response();
    ASSERT_TRUE(response);
    if (response->status == 200) {
      EXPECT_EQ(number_in(response->body, "seq"), place.seq);
    }
    EXPECT_EQ(placed(nodes[0], "a", text, "k" + text).text(), place.text());
    EXPECT_EQ(place.seq, ++seq);
  }
}

}  // namespace
}  // namespace e2e
