// Rooms on a real Redis Cluster: slots move, masters die, and a master loses the majority.

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "support/engine_load.h"
#include "support/engine_nodes.h"
#include "support/expect.h"
#include "support/redis_cluster.h"

namespace e2e {
namespace {

// Timeouts that a test can wait for.
const std::vector<std::string> kShort = {"--engine-timeout", "2s", "--response-timeout", "5s"};

// Publishes until the node has a position for it. The room may get the text twice.
void publish_until_placed(const AdminServer& node, const std::string& room,
                          const std::string& text) {
  HttpResponse response;
  EXPECT_TRUE(eventually([&] {
    response = node.try_publish(room, text);
    return response.status == 200;
  })) << response.describe();
}

// A member of a room that has got the latest message, so its node follows the room.
struct Member {
  Member(const AdminServer& node, const std::string& room) : before(node.publish(room, "first")) {
    client = node.connect();
    EXPECT_TRUE(opens_meta(client, "/rooms/" + room + "?last_event_id=" + before.text()));
    before = node.publish(room, "before");
    EXPECT_EQ(read_meta(client).payload, "before");
  }

  Place before;
  RawClient client;
};

// The harness itself.
TEST(EngineCluster, MovedSlot_HasItsKeysAtTheTarget) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster({.replicas = true});
  const std::string room = cluster.room_of(0);
  const std::string key = "wsd1:{" + room + "}";
  cluster[0].expect_ok({"XADD", key, "1-1", "d", "text"});
  cluster.begin_move(room, 2);
  EXPECT_TRUE(cluster[0].command({"XLEN", key}).text.starts_with("ASK "));
  cluster.end_move(room, 2);
  EXPECT_EQ(cluster.owner_of(room), 2U);
  EXPECT_TRUE(cluster[0].command({"XLEN", key}).text.starts_with("MOVED "));
  EXPECT_EQ(cluster[2].command({"XLEN", key}).text, "1");
  EXPECT_TRUE(cluster.agrees());
}

TEST(EngineCluster, RoomsOnAllMasters_AreOrderedAndResumedOnEachNode) {
  E2E_REQUIRE(redis_server());
  const RedisCluster cluster;
  EngineNodes nodes(2, cluster.url());
  ASSERT_TRUE(nodes.ready());
  for (std::size_t master = 0; master < cluster.size(); ++master) {
    const std::string room = cluster.room_of(master);
    const Place first = nodes[0].publish(room, "one");
    nodes[1].publish(room, "two");
    RawClient member = nodes[1].connect();
    ASSERT_TRUE(opens_meta(member, "/rooms/" + room + "?last_event_id=" + first.text()));
    EXPECT_EQ(read_meta(member).payload, "two");
    nodes[0].publish(room, "three");
    EXPECT_EQ(read_meta(member).payload, "three");
  }
  EngineLoad load(nodes.all(), {.rooms = 6});
  EXPECT_TRUE(load.delivers(500));
  nodes.stop_and_restart(0, load);
  EXPECT_TRUE(load.delivers(500));
  load.finish({});
}

TEST(EngineCluster, OneServerInTheUrl_FindsTheOthers) {
  E2E_REQUIRE(redis_server());
  const RedisCluster cluster;
  EngineNodes nodes(1, "redis+cluster://" + cluster[1].address());
  ASSERT_TRUE(nodes.ready());
  for (std::size_t master = 0; master < cluster.size(); ++master) {
    nodes[0].publish(cluster.room_of(master), "one");
  }
}

// A moved slot is a new epoch, because the replication id is another one.
TEST(EngineCluster, SlotsMoveUnderLoad_NothingIsLostOrDoubled) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster;
  EngineNodes nodes(2, cluster.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.rooms = 3});
  EXPECT_TRUE(load.delivers(300));
  for (int round = 0; round < 4; ++round) {
    for (const char* const room : {"r0", "r1", "r2"}) {
      cluster.move(room, (cluster.owner_of(room) + 1) % cluster.size());
      EXPECT_TRUE(load.delivers(100));
    }
  }
  EXPECT_TRUE(load.delivers(300));
  load.finish({.gaps = true});
}

TEST(EngineCluster, MovedSlot_TellsMembersOfAGapAndOfNoLoss) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster;
  EngineNodes nodes(1, cluster.url());
  ASSERT_TRUE(nodes.ready());
  const std::string room = cluster.room_of(0);
  Member member(nodes[0], room);
  cluster.move(room, 1);
  const Place after = nodes[0].publish(room, "after");
  EXPECT_GT(after.epoch, member.before.epoch);
  EXPECT_EQ(read_meta(member.client).content_type, kGap);
  EXPECT_EQ(read_meta(member.client).payload, "after");
  // A client that was away gets all that is stored.
  RawClient late = nodes[0].connect();
  ASSERT_TRUE(opens_meta(late, "/rooms/" + room + "?last_event_id=" + member.before.text()));
  EXPECT_EQ(read_meta(late).content_type, kGap);
  for (const char* const text : {"first", "before", "after"}) {
    EXPECT_EQ(read_meta(late).payload, text);
  }
}

TEST(EngineCluster, SlotUnderWay_ItsPublishesWaitAndOthersGoOn) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster;
  EngineNodes nodes(2, cluster.url(), kShort);
  ASSERT_TRUE(nodes.ready());
  const std::string room = cluster.room_of(0);
  Member member(nodes[1], room);
  cluster.begin_move(room, 1);
  // The source no longer has the key, so nobody can have published this one.
  EXPECT_GE(nodes[0].try_publish(room, "refused").status, 503);
  for (std::size_t master = 0; master < cluster.size(); ++master) {
    publish_until_placed(nodes[0], cluster.room_of(master, 1), "other");
  }
  cluster.end_move(room, 1);
  publish_until_placed(nodes[0], room, "after");
  EXPECT_EQ(read_meta(member.client).content_type, kGap);
  EXPECT_EQ(read_meta(member.client).payload, "after");
  EXPECT_TRUE(nodes.ready());
}

TEST(EngineCluster, MasterKilled_OnlyItsRoomsWait) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster({.append_only = true});
  EngineNodes nodes(2, cluster.url(), kShort);
  ASSERT_TRUE(nodes.ready());
  const std::string dead = cluster.room_of(0);
  const std::string alive = cluster.room_of(1);
  Member member(nodes[1], dead);
  Member other(nodes[1], alive);
  cluster[0].kill();
  cluster.leave_out(0, true);
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    EXPECT_TRUE(nodes[node].process().process().wait_for_line("engine_down"));
    EXPECT_TRUE(eventually([&] { return !is_ready(nodes[node]); }));
  }
  // 504 if it was sent before the node had noticed.
  EXPECT_GE(nodes[0].try_publish(dead, "refused").status, 503);
  publish_until_placed(nodes[0], alive, "goes on");
  EXPECT_EQ(read_meta(other.client).payload, "goes on");
  cluster[0].start();
  cluster.leave_out(0, false);
  EXPECT_TRUE(nodes.ready());
  const Place after = nodes[0].publish(dead, "after");
  EXPECT_GT(after.epoch, member.before.epoch);
  EXPECT_EQ(read_meta(member.client).content_type, kGap);
  EXPECT_EQ(read_meta(member.client).payload, "after");
}

TEST(EngineCluster, MasterKilledUnderLoad_NothingIsLost) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster({.append_only = true});
  EngineNodes nodes(2, cluster.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.rooms = 6});
  for (std::size_t master = 0; master < cluster.size(); ++master) {
    EXPECT_TRUE(load.delivers(300));
    cluster[master].kill();
    cluster[master].start();
    ASSERT_TRUE(cluster.agrees());
    EXPECT_TRUE(nodes.ready());
  }
  EXPECT_TRUE(load.delivers(300));
  load.finish({.gaps = true});
}

TEST(EngineCluster, MasterWithAReplicaKilled_ReplicaTakesOver) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster({.replicas = true, .node_timeout_ms = 5'000});
  EngineNodes nodes(2, cluster.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.rooms = 6});
  EXPECT_TRUE(load.delivers(500));
  const std::string room = cluster.room_of(0, 6);  // not a room of the load
  cluster[0].kill();
  cluster.leave_out(0, true);
  EXPECT_TRUE(eventually([&] { return cluster.owner_of(room) == 3; }));
  EXPECT_TRUE(nodes.ready());
  nodes[0].publish(room, "after");
  EXPECT_TRUE(load.delivers(500));
  // The old master comes back as a replica.
  cluster[0].start();
  cluster.leave_out(0, false);
  ASSERT_TRUE(cluster.agrees());
  EXPECT_TRUE(load.delivers(500));
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

// The master answers its clients, and the others, which may have made another one, do not hear it.
TEST(EngineCluster, MasterWithoutTheMajority_IsNotUsed) {
  E2E_REQUIRE(redis_server());
  RedisCluster cluster;
  EngineNodes nodes(1, cluster.url(), kShort);
  ASSERT_TRUE(nodes.ready());
  const std::string room = cluster.room_of(0);
  Member member(nodes[0], room);
  cluster[1].suspend();
  cluster[2].suspend();
  // By the connection to this master, and not only because no other server answers.
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("engine_down.*" + cluster[0].address() +
                                                         ": .*cluster_state is 'fail'"));
  EXPECT_TRUE(eventually([&] { return !is_ready(nodes[0]); }));
  EXPECT_GE(nodes[0].try_publish(room, "refused").status, 503);
  cluster[1].resume();
  cluster[2].resume();
  EXPECT_TRUE(nodes.ready());
  const Place after = nodes[0].publish(room, "after");
  EXPECT_EQ(after.epoch, member.before.epoch);  // the same server with all its data
  EXPECT_EQ(read_meta(member.client).payload, "after");
}

TEST(EngineCluster, ServerThatIsNotInACluster_EndsTheStart) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  const std::string output = refused_start("redis+cluster://" + redis.address());
  EXPECT_NE(output.find("use redis:// instead"), std::string::npos) << output;
}

TEST(EngineCluster, WrongPassword_EndsTheStart) {
  E2E_REQUIRE(redis_server());
  const RedisCluster cluster;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    cluster[i].expect_ok({"CONFIG", "SET", "requirepass", "the right one"});
  }
  const std::string output = refused_start(cluster.url());
  EXPECT_NE(output.find("--engine-password-file"), std::string::npos) << output;
}

// The rights of docs/deploy/redis-users.acl, which each server has.
TEST(EngineCluster, RightsInTheFile_AreEnough) {
  E2E_REQUIRE(redis_server());
  const TemporaryDirectory folder;
  std::string text = deployed("redis-users.acl");
  const std::string mark = "\nuser wsd ";
  const std::size_t at = text.find(mark);
  ASSERT_NE(at, std::string::npos);
  std::istringstream words(text.substr(at + mark.size()));
  std::vector<std::string> command = {"ACL", "SETUSER", "wsd"};
  for (std::string word; words >> word;) {
    command.push_back(word.starts_with('>') ? ">secret" : word);
  }
  RedisCluster cluster;
  for (std::size_t i = 0; i < cluster.size(); ++i) cluster[i].expect_ok(command);
  const std::string file = folder.write("password", "secret\n");
  EngineNodes nodes(2, cluster.url(), {"--engine-user", "wsd", "--engine-password-file", file});
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {.rooms = 3});
  EXPECT_TRUE(load.delivers(200));
  cluster.move("r0", (cluster.owner_of("r0") + 1) % cluster.size());
  EXPECT_TRUE(load.delivers(200));
  load.finish({.gaps = true});
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const RedisReply denied = cluster[i].command({"ACL", "LOG"});
    EXPECT_TRUE(denied.items.empty()) << denied.describe();
  }
}

}  // namespace
}  // namespace e2e
