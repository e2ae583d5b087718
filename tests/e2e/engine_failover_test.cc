// Another Redis takes over, with and without the messages that the first one has answered, and
// servers that refuse for good.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/byte_proxy.h"
#include "support/engine_load.h"
#include "support/engine_nodes.h"
#include "support/expect.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

// Two servers behind one address, of which the second is a replica at first.
struct TwoServers {
  RedisProcess first;
  RedisProcess second{{.replica_of = first.port()}};
  ByteProxy address{first.port()};

  void go_to(const RedisProcess& server) {
    address.set_target(server.port());
    address.cut();
  }
};

TEST(EngineFailover, AllReplicated_NothingIsLost) {
  E2E_REQUIRE(redis_server());
  TwoServers servers;
  EngineNodes nodes(2, servers.address.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  // Writes pause, as Redis's own FAILOVER command does it.
  servers.first.expect_ok({"CLIENT", "PAUSE", "60000", "WRITE"});
  servers.second.wait_for_replication();
  servers.second.promote();
  servers.first.kill();
  servers.go_to(servers.second);
  EXPECT_TRUE(load.delivers(500));
  load.finish({.gaps = true});
}

TEST(EngineFailover, AnsweredMessagesLost_NoPositionIsGivenTwice) {
  E2E_REQUIRE(redis_server());
  TwoServers servers;
  EngineNodes nodes(2, servers.address.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  servers.second.wait_for_replication();
  servers.second.promote();
  EXPECT_TRUE(load.delivers(500));  // the second server never has these
  servers.first.kill();
  servers.go_to(servers.second);
  EXPECT_TRUE(load.delivers(500));
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

TEST(EngineFailover, AddressReturnsToTheOldMaster_NoPositionIsGivenTwice) {
  E2E_REQUIRE(redis_server());
  TwoServers servers;
  EngineNodes nodes(2, servers.address.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  servers.second.wait_for_replication();
  servers.second.promote();
  for (int i = 0; i < 4; ++i) {
    servers.go_to(i % 2 == 0 ? servers.second : servers.first);
    EXPECT_TRUE(load.delivers(500));
  }
  // What the replaced server placed last, and the other one never had, comes back with it.
  load.finish({.gaps = true, .losses = true, .doubles = true, .returns = true});
}

TEST(EngineFailover, MasterDemoted_IsNotUsed) {
  E2E_REQUIRE(redis_server());
  TwoServers servers;
  EngineNodes nodes(1, servers.address.url(), {"--response-timeout", "2s"});
  ASSERT_TRUE(nodes.ready());
  const Place before = nodes[0].publish("a", "before");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + before.text()));
  servers.second.wait_for_replication();
  servers.second.promote();
  servers.first.expect_ok({"REPLICAOF", "127.0.0.1", std::to_string(servers.second.port())});
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("engine_down"));
  // Until the room's own reactor has noticed, the place of a publish is unknown: 504.
  EXPECT_TRUE(eventually([&] { return nodes[0].try_publish("a", "refused").status == 503; }));
  servers.go_to(servers.second);
  ASSERT_TRUE(nodes.ready());
  const Place after = nodes[0].publish("a", "after");
  EXPECT_GT(after.epoch, before.epoch);
  EXPECT_EQ(read_meta(member).content_type, kGap);
  EXPECT_EQ(read_meta(member).payload, "after");
}

TEST(EngineFailover, ReplicaAtStart_IsAwaited) {
  E2E_REQUIRE(redis_server());
  TwoServers servers;
  EngineNodes nodes(1, servers.second.url(), {"--engine-timeout", "1s"});
  EXPECT_TRUE(eventually([&] { return nodes[0].ask("GET", "/readyz").status == 503; }));
  servers.second.promote();
  EXPECT_TRUE(nodes.ready());
  nodes[0].publish("a", "after");
}

TEST(EngineRefusals, OlderServer_EndsTheStart) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  const std::string version = redis.version();
  proxy.replace(version, "6" + version.substr(1));
  const std::string output = refused_start(proxy.url());
  EXPECT_NE(output.find("7.0"), std::string::npos) << output;
  EXPECT_NE(output.find("6" + version.substr(1)), std::string::npos) << output;
}

TEST(EngineRefusals, WrongPassword_EndsTheStartAndIsNotShown) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis({.more = {"--requirepass", "the right one"}});
  const TemporaryDirectory folder;
  const std::string file = folder.write("password", "the wrong one\n");
  const std::string output = refused_start(redis.url(), {"--engine-password-file", file});
  EXPECT_EQ(output.find("the wrong one"), std::string::npos) << output;
  static_cast<void>(refused_start(redis.url()));
  EXPECT_EQ(folder.write("password", "the right one\n"), file);
  EngineNodes nodes(1, redis.url(), {"--engine-password-file", file});
  EXPECT_TRUE(nodes.ready());
  nodes[0].publish("a", "one");
  EXPECT_EQ(nodes[0].process().process().output().find("the right one"), std::string::npos);
}

TEST(EngineRefusals, PasswordWithdrawnLater_IsReportedAndTheProcessGoesOn) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ByteProxy proxy(redis.port());
  EngineNodes nodes({proxy.url()}, {"--engine-timeout", "1s"});
  ASSERT_TRUE(nodes.ready());
  redis.expect_ok({"CONFIG", "SET", "requirepass", "another"});
  proxy.cut();
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("engine_refused"));
  EXPECT_TRUE(eventually([&] { return !is_ready(nodes[0]); }));
  RedisClient client(redis.port());
  client.command({"AUTH", "another"});
  EXPECT_EQ(client.command({"CONFIG", "SET", "requirepass", ""}).text, "OK");
  EXPECT_TRUE(nodes.ready());
}

TEST(EngineRefusals, ServerOfACluster_EndsTheStart) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis({.more = {"--cluster-enabled", "yes"}});
  const std::string output = refused_start(redis.url());
  EXPECT_NE(output.find("cluster"), std::string::npos) << output;
}

TEST(EngineRefusals, MissingRight_EndsTheStartAndNamesIt) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  redis.expect_ok(
      {"ACL", "SETUSER", "wsd", "on", ">pass", "~wsd1:*", "&wsd1:*", "+@all", "-xsetid"});
  const TemporaryDirectory folder;
  const std::string file = folder.write("password", "pass\n");
  const std::string output =
      refused_start(redis.url(), {"--engine-user", "wsd", "--engine-password-file", file});
  EXPECT_NE(output.find("XSETID"), std::string::npos) << output;
}

}  // namespace
}  // namespace e2e
