// Real sentinels with the files of docs/deploy: the master is killed, a stale replica takes over,
// and the old master comes back.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/byte_proxy.h"
#include "support/engine_load.h"
#include "support/engine_nodes.h"
#include "support/expect.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

// docs/deploy/redis.conf, for which an operator adds an `include`.
class DeployedSettings {
 public:
  DeployedSettings() : path_(directory_.write("wsd.conf", deployed("redis.conf"))) {}

  // The later words of a command line win.
  [[nodiscard]] RedisOptions options(std::uint16_t replica_of = 0,
                                     const char* min_replicas = "1") const {
    return {.append_only = true,
            .replica_of = replica_of,
            .more = {"--include", path_, "--min-replicas-to-write", min_replicas}};
  }

 private:
  TemporaryDirectory directory_;
  std::string path_;
};

// Three machines, each with a Redis and a Sentinel. Two sentinels make a quorum.
class ThreeMachines {
 public:
  ThreeMachines() {
    servers_.push_back(std::make_unique<RedisProcess>(settings_.options()));
    for (int i = 0; i < 2; ++i) {
      servers_.push_back(std::make_unique<RedisProcess>(settings_.options(master().port())));
    }
    for (int i = 0; i < 3; ++i) {
      sentinels_.push_back(
          std::make_unique<SentinelProcess>(master().port(), SentinelOptions{.quorum = 2}));
    }
    for (const auto& server : servers_) {
      if (server != servers_[0]) server->wait_for_replication();
    }
    for (const auto& sentinel : sentinels_) {
      EXPECT_TRUE(sentinel->knows_replicas(2));
      EXPECT_TRUE(sentinel->knows_sentinels(2));
    }
    EXPECT_TRUE(
        eventually([&] { return master().info("replication", "min_slaves_good_slaves") == "2"; }));
  }

  [[nodiscard]] std::string url() const {
    std::string url;
    for (const auto& sentinel : sentinels_) {
      url += (url.empty() ? "redis+sentinel://" : ",") + sentinel->address();
    }
    return url + "/rooms";
  }
  [[nodiscard]] RedisProcess& master() { return *servers_[0]; }
  // The first machine loses its power.
  void kill_first_machine() {
    servers_[0]->kill();
    sentinels_[0].reset();
  }
  // The last sentinel is the one that is always there.
  [[nodiscard]] std::uint16_t master_port() const { return sentinels_.back()->master_port(); }
  RedisReply ask_last_sentinel(const std::vector<std::string>& words) const {
    return sentinels_.back()->command(words);
  }

 private:
  DeployedSettings settings_;
  std::vector<std::unique_ptr<RedisProcess>> servers_;
  std::vector<std::unique_ptr<SentinelProcess>> sentinels_;
};

TEST(EngineSentinel, FirstMachineKilled_ServiceGoesOn) {
  E2E_REQUIRE(redis_sentinel());
  ThreeMachines machines;
  EngineNodes nodes(2, machines.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  machines.kill_first_machine();
  EXPECT_TRUE(load.delivers(500));
  EXPECT_NE(machines.master_port(), machines.master().port());
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

TEST(EngineSentinel, PlannedFailover_ServiceGoesOn) {
  E2E_REQUIRE(redis_sentinel());
  ThreeMachines machines;
  EngineNodes nodes(2, machines.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  EXPECT_EQ(machines.ask_last_sentinel({"SENTINEL", "FAILOVER", "rooms"}).text, "OK");
  EXPECT_TRUE(eventually([&] { return machines.master_port() != machines.master().port(); }));
  EXPECT_TRUE(load.delivers(500));
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

TEST(EngineSentinel, OldMasterComesBack_IsNotUsed) {
  E2E_REQUIRE(redis_sentinel());
  ThreeMachines machines;
  EngineNodes nodes(2, machines.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  machines.master().kill();
  EXPECT_TRUE(load.delivers(500));  // of the new master
  machines.master().start();        // as a master, until Sentinel demotes it
  EXPECT_TRUE(load.delivers(500));
  EXPECT_EQ(machines.master().info("commandstats", "cmdstat_evalsha"), "");
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

// A master, and a replica that receives nothing after a while, as over a broken network.
TEST(EngineSentinel, StaleReplicaPromoted_NoPositionIsGivenTwice) {
  E2E_REQUIRE(redis_sentinel());
  const DeployedSettings settings;
  RedisProcess master(settings.options(0, "0"));
  ByteProxy replication(master.port());
  RedisProcess replica(settings.options(replication.port(), "0"));
  replica.wait_for_replication();
  // Sentinel makes the replica's address right after a failover-timeout, which must not come.
  const SentinelProcess sentinel(master.port(), {.failover_timeout_ms = 120'000});
  ASSERT_TRUE(sentinel.knows_replicas(1));
  EngineNodes nodes(2, sentinel.url());
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(500));
  replication.stall(true);
  EXPECT_TRUE(load.delivers(500));  // the replica never has these
  EXPECT_GT(std::stoll(master.info("replication", "master_repl_offset")),
            std::stoll(replica.info("replication", "slave_repl_offset")) + 10'000);
  master.kill();
  EXPECT_TRUE(load.delivers(500));
  EXPECT_EQ(sentinel.master_port(), replica.port());
  load.finish({.gaps = true, .losses = true, .doubles = true});
}

TEST(EngineSentinel, UnknownMasterAndNoSentinel_AreReportedAndTriedAgain) {
  E2E_REQUIRE(redis_sentinel());
  RedisProcess redis;
  const SentinelProcess sentinel(redis.port());
  const std::string nobody = "127.0.0.1:" + std::to_string(lasting_port());
  EngineNodes nodes(1, "redis+sentinel://" + nobody + "," + sentinel.address() + "/other");
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("does not know a master named 'other'"));
  EXPECT_FALSE(is_ready(nodes[0]));
  EXPECT_EQ(
      sentinel
          .command({"SENTINEL", "MONITOR", "other", "127.0.0.1", std::to_string(redis.port()), "1"})
          .text,
      "OK");
  EXPECT_TRUE(nodes.ready());
  nodes[0].publish("a", "one");
}

TEST(EngineDeploy, RightsInTheFile_AreEnough) {
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
  const RedisProcess redis;
  redis.expect_ok(command);
  const std::string file = folder.write("password", "secret\n");
  EngineNodes nodes(2, redis.url(), {"--engine-user", "wsd", "--engine-password-file", file});
  ASSERT_TRUE(nodes.ready());
  EngineLoad load(nodes.all(), {});
  EXPECT_TRUE(load.delivers(200));
  // Each room opens and reads a page again. The fence is CLIENT KILL.
  redis.expect_ok({"CLIENT", "KILL", "TYPE", "pubsub"});
  EXPECT_TRUE(load.delivers(200));
  load.finish({.gaps = true});
  const RedisReply denied = redis.command({"ACL", "LOG"});
  EXPECT_TRUE(denied.items.empty()) << denied.describe();
}

}  // namespace
}  // namespace e2e
