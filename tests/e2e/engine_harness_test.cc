// The processes and the proxy that the tests of the engine use.

#include <gtest/gtest.h>

#include <string>

#include "support/byte_proxy.h"
#include "support/redis_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

TEST(EngineHarness, Restart_KeepsDataOnlyIfAsked) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis({.append_only = true});
  redis.expect_ok({"SET", "key", "value"});
  redis.kill();
  EXPECT_TRUE(redis.command({"PING"}).is_error());
  redis.start();
  EXPECT_EQ(redis.command({"GET", "key"}).text, "value");
  redis.kill();
  redis.start(false);
  EXPECT_TRUE(redis.command({"GET", "key"}).null);
}

TEST(EngineHarness, SuspendedServer_AnswersLater) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  RedisClient client(redis.port());
  redis.suspend();
  EXPECT_TRUE(client.connected());
  redis.resume();
  EXPECT_EQ(client.command({"PING"}).text, "PONG");
}

TEST(EngineHarness, PromotedReplica_HasTheData) {
  E2E_REQUIRE(redis_server());
  RedisProcess master;
  RedisProcess replica({.replica_of = master.port()});
  master.expect_ok({"SET", "key", "value"});
  replica.wait_for_replication();
  const std::string before = master.info("replication", "master_replid");
  replica.expect_ok({"REPLICAOF", "NO", "ONE"});
  EXPECT_EQ(replica.command({"GET", "key"}).text, "value");
  EXPECT_NE(replica.info("replication", "master_replid"), before);
}

TEST(EngineSentinelHarness, Sentinel_PromotesTheReplicaOfAKilledMaster) {
  E2E_REQUIRE(redis_sentinel());
  RedisProcess master;
  RedisProcess replica({.replica_of = master.port()});
  SentinelProcess sentinel(master.port());
  EXPECT_EQ(sentinel.master_port(), master.port());
  ASSERT_TRUE(sentinel.knows_replicas(1));
  master.kill();
  EXPECT_TRUE(eventually([&] { return sentinel.master_port() == replica.port(); }));
}

TEST(EngineHarness, Proxy_ForwardsAndEachFaultShows) {
  E2E_REQUIRE(redis_server());
  RedisProcess redis;
  ByteProxy proxy(redis.port());
  RedisClient client(proxy.port());
  EXPECT_EQ(client.command({"PING"}).text, "PONG");
  proxy.limit(1);
  EXPECT_EQ(client.command({"ECHO", std::string(1000, 'x')}).text, std::string(1000, 'x'));
  proxy.limit(0);
  const auto begin = Clock::now();
  proxy.delay(std::chrono::milliseconds(20));
  EXPECT_EQ(client.command({"PING"}).text, "PONG");
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(40));
  proxy.delay(std::chrono::milliseconds(0));
  proxy.garble_after(2);
  EXPECT_NE(client.command({"PING"}).text, "PONG");
  EXPECT_EQ(client.command({"PING"}).text, "PONG");
  proxy.cut_after(3);
  EXPECT_TRUE(client.command({"PING"}).is_error());
  RedisClient second(proxy.port());
  EXPECT_EQ(second.command({"PING"}).text, "PONG");
  proxy.stall(true);
  EXPECT_TRUE(second.command({"PING"}, std::chrono::milliseconds(50)).is_error());
  proxy.stall(false);
  proxy.refuse(true);
  EXPECT_TRUE(RedisClient(proxy.port()).command({"PING"}).is_error());
  proxy.refuse(false);
  RedisProcess other;
  other.expect_ok({"SET", "key", "other"});
  proxy.set_target(other.port());
  EXPECT_EQ(RedisClient(proxy.port()).command({"GET", "key"}).text, "other");
  RedisClient third(proxy.port());
  EXPECT_EQ(third.command({"PING"}).text, "PONG");
  proxy.cut();
  EXPECT_TRUE(third.command({"PING"}).is_error());
}

}  // namespace
}  // namespace e2e
