// Rooms over several nodes on one Redis, without a failure of the server or the network.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/engine_load.h"
#include "support/engine_nodes.h"
#include "support/expect.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

// Returns the messages of a room that come after a position, from one node.
std::vector<std::string> texts_after(const AdminServer& node, const std::string& room,
                                     const Place& place, std::size_t count) {
  std::vector<std::string> texts;
  for (const Meta& each : node.replay(room, "last_event_id=" + place.text(), count)) {
    texts.push_back(each.content_type.empty() ? each.payload : each.content_type);
  }
  return texts;
}

TEST(EngineQuickRooms, ThreeNodes_GiveAllMembersOneOrder) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(3, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.rooms = 3, .members = 3, .websockets = 2, .posts = 2});
  EXPECT_TRUE(load.delivers(5'000));
  load.finish({});
}

TEST(EngineQuickRooms, UnixSocket_Works) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, "redis+unix:" + redis.socket());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  load.finish({});
}

TEST(EngineQuickRooms, RoomWithoutMembers_HasPositionsOfOneLine) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  Place last = nodes[0].publish("a", "1");
  EXPECT_NE(last.epoch, 0U);
  for (int i = 2; i <= 10; ++i) {
    const Place next = nodes[static_cast<std::size_t>(i) % 2].publish("a", std::to_string(i));
    EXPECT_EQ(next.epoch, last.epoch);
    EXPECT_EQ(next.seq, last.seq + 1);
    last = next;
  }
}

TEST(EngineQuickRooms, MemberResumesOnAnotherNode_GetsWhatItMissed) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(3, redis.url());
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[0].publish("a", "one");
  nodes[0].publish("a", "two");
  nodes[1].publish("a", "three");
  const std::vector<std::string> expected = {"two", "three"};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_EQ(texts_after(nodes[i], "a", first, 2), expected) << "node " << i;
  }
}

TEST(EngineQuickRooms, RestartedService_KeepsItsRooms) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  Place first;
  {
    EngineNodes nodes(1, redis.url());
    ASSERT_TRUE(nodes.ready());
    first = nodes[0].publish("a", "one");
    nodes[0].publish("a", "two");
  }
  EngineNodes nodes(1, redis.url());
  ASSERT_TRUE(nodes.ready());
  EXPECT_EQ(texts_after(nodes[0], "a", first, 1), std::vector<std::string>{"two"});
}

TEST(EngineQuickRooms, TrimmedPosition_IsAGap) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url(), {"--history-messages", "10", "--engine-backlog", "10"});
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[0].publish("a", "0");
  for (int i = 1; i <= 1'000; ++i) nodes[0].publish("a", std::to_string(i));
  const auto texts = texts_after(nodes[1], "a", first, 2);
  EXPECT_EQ(texts[0], kGap);
  EXPECT_EQ(texts[1], "991") << "the history of this node's settings follows the gap";
}

TEST(EngineQuickRooms, TypeAndBytes_ArriveUnchanged) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[0].publish("a", "first");
  RawClient reader = nodes[1].connect();
  ASSERT_TRUE(opens(reader, "/rooms/a?last_event_id=" + first.text()));
  RawClient writer = nodes[0].connect();
  ASSERT_TRUE(opens(writer, "/rooms/a?last_event_id=" + first.text()));
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  // 64 KiB is where a batch is announced instead of pushed.
  const std::vector<std::string> payloads = {"",
                                             "a",
                                             bytes,
                                             "\r\n",
                                             std::string(65'000, 'x'),
                                             std::string(70'000, 'y'),
                                             std::string(1'000'000, 'z')};
  for (const std::string& payload : payloads) {
    writer.send(binary_frame(payload));
    EXPECT_TRUE(receives(reader, kBinary, payload)) << payload.size() << " bytes";
    EXPECT_TRUE(receives(writer, kBinary, payload)) << payload.size() << " bytes";
  }
  writer.send(text_frame("text \xc3\xa4"));
  EXPECT_TRUE(receives(reader, kText, "text \xc3\xa4"));
}

TEST(EngineQuickRooms, NamesThatLookAlike_AreDifferentRooms) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(1, redis.url());
  ASSERT_TRUE(nodes.ready());
  const std::vector<std::string> rooms = {"a",    "a%7B", "a%257B", "a%7D",
                                          "a%25", "a%2F", "A",      "%C3%A4"};
  for (const std::string& room : rooms) nodes[0].publish(room, room);
  for (const std::string& room : rooms) {
    const auto messages = nodes[0].replay(room, "last=10", 1);
    EXPECT_EQ(messages[0].payload, room);
  }
  // Besides the rooms there may be the key that proves the rights of the user.
  redis.command({"DEL", "wsd1:{%probe}"});
  EXPECT_EQ(redis.command({"DBSIZE"}).number(), static_cast<std::int64_t>(rooms.size()));
}

TEST(EngineQuickRooms, TwoPrefixes_AreTwoServices) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes one(1, redis.url(), {"--engine-prefix", "one:"});
  EngineNodes two(1, redis.url(), {"--engine-prefix", "two:"});
  ASSERT_TRUE(one.ready() && two.ready());
  one[0].publish("a", "of one");
  two[0].publish("a", "of two");
  EXPECT_EQ(one[0].replay("a", "last=10", 1)[0].payload, "of one");
  EXPECT_EQ(two[0].replay("a", "last=10", 1)[0].payload, "of two");
}

TEST(EngineQuickRooms, DeleteOfMessages_Gets501) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(1, redis.url());
  ASSERT_TRUE(nodes.ready());
  nodes[0].publish("a", "one");
  const HttpResponse response = nodes[0].ask("DELETE", "/rooms/a/messages");
  EXPECT_EQ(response.status, 501) << response.describe();
}

TEST(EngineQuickRooms, ScriptFlushInALoop_LosesNothing) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(load.delivers(20));
    redis.expect_ok({"SCRIPT", "FLUSH"});
  }
  // A publish whose script was lost between two others may be refused, never lost in silence.
  load.finish({});
}

TEST(EngineQuickRooms, DeletedKeysUnderLoad_BeginNewEpochsAndLoseNothing) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(load.delivers(100));
    redis.expect_ok({"DEL", "wsd1:{r" + std::to_string(i % 2) + "}"});
  }
  EXPECT_TRUE(load.delivers(100));
  load.finish({.gaps = true});
}

TEST(EngineQuickRooms, FlushAllUnderLoad_BeginsNewEpochs) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(load.delivers(100));
    redis.expect_ok({"FLUSHALL"});
  }
  EXPECT_TRUE(load.delivers(100));
  load.finish({.gaps = true});
}

// What a publish gets that Redis refuses. Members notice nothing.
void expect_refusals(const RedisProcess& redis, EngineNodes& nodes,
                     const std::vector<std::string>& begin, const std::vector<std::string>& end) {
  const Place before = nodes[0].publish("a", "before");
  RawClient member = nodes[1].connect();
  ASSERT_TRUE(opens(member, "/rooms/a?last_event_id=" + before.text()));
  redis.expect_ok(begin);
  const HttpResponse response = nodes[0].try_publish("a", "refused");
  EXPECT_EQ(response.status, 503) << response.describe();
  EXPECT_EQ(response.get("Retry-After"), "1");
  RawClient publisher = nodes[0].connect();
  ASSERT_TRUE(opens(publisher, "/rooms/a"));
  publisher.send(text_frame("refused too"));
  EXPECT_TRUE(is_closed_with(publisher, 1013));
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("engine_refused"));
  redis.expect_ok(end);
  nodes[0].publish("a", "after");
  EXPECT_TRUE(receives_text(member, "after")) << "what was refused never came, and nothing is lost";
}

TEST(EngineQuickRooms, OutOfMemory_RefusesPublishes) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  expect_refusals(redis, nodes, {"CONFIG", "SET", "maxmemory", "1"},
                  {"CONFIG", "SET", "maxmemory", "0"});
}

TEST(EngineQuickRooms, TooFewReplicas_RefusesPublishes) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(2, redis.url());
  ASSERT_TRUE(nodes.ready());
  expect_refusals(redis, nodes, {"CONFIG", "SET", "min-replicas-to-write", "1"},
                  {"CONFIG", "SET", "min-replicas-to-write", "0"});
}

TEST(EngineQuickRooms, KeyOfAnotherType_RefusesUntilItIsDeleted) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  EngineNodes nodes(1, redis.url());
  ASSERT_TRUE(nodes.ready());
  redis.expect_ok({"SET", "wsd1:{a}", "not a stream"});
  const HttpResponse response = nodes[0].try_publish("a", "refused");
  EXPECT_GE(response.status, 500) << response.describe();
  const auto line = nodes[0].process().process().wait_for_line("engine_refused");
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "room"), "a") << *line;
  EXPECT_EQ(redis.command({"GET", "wsd1:{a}"}).text, "not a stream");
  redis.expect_ok({"DEL", "wsd1:{a}"});
  EXPECT_TRUE(eventually([&] { return nodes[0].try_publish("a", "after").status == 200; }));
}

}  // namespace
}  // namespace e2e
