#include "engine/redis_cluster.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/resp_writer.h"
#include "engine/scripted_network.h"

namespace wsd::engine {
namespace {

using Texts = std::vector<std::string>;

EngineUrl url(std::vector<Endpoint> endpoints) {
  EngineUrl url;
  url.kind = EngineUrl::Kind::kCluster;
  url.endpoints = std::move(endpoints);
  return url;
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string verbatim(std::string_view text) {
  return "=" + std::to_string(text.size() + 4) + "\r\ntxt:" + std::string(text) + "\r\n";
}

std::string hello(std::string_view mode = "cluster") {
  return "%3\r\n" + bulk("version") + bulk("7.0.15") + bulk("id") + ":7\r\n" + bulk("mode") +
         bulk(mode);
}

std::string info(std::string_view state = "ok") {
  return verbatim("cluster_enabled:1\r\ncluster_state:" + std::string(state) + "\r\n");
}

std::string line(char digit, std::string_view flags, std::string_view slots) {
  return std::string(40, digit) + " 10.0.0." + digit + ":7001@17001 " + std::string(flags) +
         " - 0 0 1 connected " + std::string(slots) + "\n";
}

const std::string kNodes = line('1', "myself,master", "0-8191") + line('2', "master", "8192-16383");

class RedisClusterTest : public testing::Test, protected ClusterOwner {
 protected:
  RedisClusterTest() {
    settings.cluster = true;
    settings.client_name = "wsd";
  }

  void slots_found(const SlotTable& table) override {
    if (out_of_memory) throw std::bad_alloc();
    std::string text;
    for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{8192}}) {
      const SlotMaster* const master = table.master_of(slot);
      text += (master == nullptr ? "nobody" : master->at.host) + " ";
    }
    found.push_back(text);
  }
  void cluster_silent(const LinkDown& down) noexcept override { silent.push_back(down); }

  void at(std::uint64_t now_ms) {
    cluster.begin_turn(now_ms);
    if (cluster.deadline() <= now_ms) cluster.on_time();
  }
  void receive(std::string_view bytes) {
    ASSERT_NE(network.last().owner, nullptr);
    network.last().owner->received(bytes);
  }
  [[nodiscard]] std::string asked() const { return network.last().to.text(); }
  // Asks `a` at 5,000 ms, and gets kNodes.
  void start() {
    at(5'000);
    receive(hello() + info() + verbatim(kNodes));
  }

  ScriptedNetwork network;
  LinkSettings settings;
  Texts found;
  std::vector<LinkDown> silent;
  bool out_of_memory = false;
  RedisCluster cluster{url({{"a", 7001, {}}, {"b", 7001, {}}}), settings, network, *this};
};

TEST_F(RedisClusterTest, FirstTurn_ConnectsAndSendsAllQuestions) {
  settings.password = "secret";
  EXPECT_TRUE(network.lines.empty());
  at(5'000);
  ASSERT_EQ(network.lines.size(), 1U);
  EXPECT_EQ(asked(), "a:7001");
  std::string expected;
  append_command(expected, {"HELLO", "3", "AUTH", "default", "secret", "SETNAME", "wsd"});
  append_command(expected, {"CLUSTER", "INFO"});
  append_command(expected, {"CLUSTER", "NODES"});
  EXPECT_EQ(network.last().sent, expected);
  EXPECT_EQ(cluster.deadline(), 5'000 + RedisCluster::kAnswerMs);
}

TEST_F(RedisClusterTest, Answer_IsReadInEveryDivision) {
  const std::string answer = hello() + info() + verbatim(kNodes);
  for (std::size_t split = 1; split < answer.size(); ++split) {
    RedisCluster each(url({{"a", 7001, {}}}), settings, network, *this);
    found.clear();
    each.begin_turn(0);
    each.on_time();
    receive(answer.substr(0, split));
    EXPECT_TRUE(found.empty());
    receive(answer.substr(split));
    EXPECT_EQ(found, Texts{"10.0.0.1 10.0.0.2 "}) << split;
  }
  EXPECT_TRUE(silent.empty());
}

TEST_F(RedisClusterTest, Answer_EndsTheConnectionAndTheNextNodeIsAskedAfterFiveSeconds) {
  start();
  EXPECT_EQ(found, Texts{"10.0.0.1 10.0.0.2 "});
  EXPECT_EQ(network.last().owner, nullptr);
  EXPECT_TRUE(cluster.slots().complete());
  at(9'999);
  EXPECT_EQ(network.lines.size(), 1U);
  for (const char* const next : {"b:7001", "10.0.0.1:7001", "10.0.0.2:7001", "a:7001", "b:7001"}) {
    at(cluster.deadline());
    EXPECT_EQ(asked(), next);
    receive(hello() + info() + verbatim(kNodes));
  }
  EXPECT_EQ(found.size(), 1U);  // the same table is not reported twice
  at(cluster.deadline());
  receive(hello() + info() +
          verbatim(line('1', "myself,master", "0-8191") + line('2', "master,fail", "8192-16383")));
  EXPECT_EQ(found.back(), "10.0.0.1 nobody ");
}

TEST_F(RedisClusterTest, AskAgain_AsksTheNextNodeAtMostOnceIn100Milliseconds) {
  start();
  cluster.ask_again();
  EXPECT_EQ(cluster.deadline(), 5'100U);
  at(5'050);
  cluster.ask_again();
  EXPECT_EQ(cluster.deadline(), 5'100U);
  EXPECT_EQ(network.lines.size(), 1U);
  at(5'100);
  EXPECT_EQ(asked(), "b:7001");
  EXPECT_EQ(network.lines.size(), 2U);
}

TEST_F(RedisClusterTest, AskAgainDuringAQuestion_AsksOnceMore) {
  start();
  at(10'000);
  cluster.ask_again();
  at(10'200);
  EXPECT_EQ(network.lines.size(), 2U);
  receive(hello() + info() + verbatim(kNodes));
  EXPECT_EQ(cluster.deadline(), 10'300U);
  at(10'300);
  EXPECT_EQ(network.lines.size(), 3U);
  receive(hello() + info() + verbatim(kNodes));
  EXPECT_EQ(cluster.deadline(), 15'300U);
}

TEST_F(RedisClusterTest, NoAnswerWithinOneSecond_AsksTheNextNode) {
  at(0);
  receive(hello() + info());
  at(999);
  EXPECT_EQ(asked(), "a:7001");
  at(1'000);
  EXPECT_EQ(network.lines[0]->owner, nullptr);
  at(1'000);
  EXPECT_EQ(asked(), "b:7001");
  receive(hello() + info() + verbatim(kNodes));
  EXPECT_EQ(found.size(), 1U);
  EXPECT_TRUE(silent.empty());
}

TEST_F(RedisClusterTest, AllNodesSilent_ReportsOnceAndTriesAgainAfterOneSecond) {
  at(0);
  network.last().owner->ended("Connection refused");
  at(0);
  network.last().owner->ended("");
  ASSERT_EQ(silent.size(), 1U);
  EXPECT_EQ(silent[0].why, "The node b:7001 ended the connection");
  EXPECT_FALSE(silent[0].for_good);
  cluster.ask_again();
  at(999);
  EXPECT_EQ(network.lines.size(), 2U);
  at(1'000);
  EXPECT_EQ(network.lines.size(), 3U);
  EXPECT_EQ(asked(), "a:7001");
}

TEST_F(RedisClusterTest, NodeWithoutAMajority_IsNotBelieved) {
  at(0);
  receive(hello() + info("fail") + verbatim(kNodes));
  EXPECT_TRUE(found.empty());
  at(0);
  EXPECT_EQ(asked(), "b:7001");
  receive(hello() + info("fail"));
  ASSERT_EQ(silent.size(), 1U);
  EXPECT_EQ(silent[0].why,
            "The server's cluster_state is 'fail': it does not reach the majority of the masters, "
            "or slots have no master (b:7001)");
  EXPECT_FALSE(silent[0].for_good);
}

TEST_F(RedisClusterTest, UselessAnswers_AreReported) {
  const struct {
    std::string reply;
    const char* why;
    bool for_good;
  } cases[] = {
      {hello("standalone"), "The server is not a node of a cluster: use redis:// instead (b:7001)",
       true},
      {"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
       "The server rejects the user or the password: correct "
       "{option:engine.user} and {option:engine.password} (b:7001)",
       true},
      {hello() + info() + "-NOPERM this user has no permissions\r\n",
       "The server does not permit CLUSTER NODES (NOPERM this user has no permissions): extend the "
       "user's ACL (b:7001)",
       true},
      {hello() + "-LOADING Redis is loading\r\n",
       "The server is not available: LOADING Redis is loading (b:7001)", false},
      {hello() + info() + ":5\r\n",
       "The server's reply to CLUSTER NODES has an unknown form (b:7001)", false},
      {hello() + info() + verbatim("x\n"), "The node b:7001 named a node without an id: 'x'",
       false},
      {"HTTP/1.1 400 Bad Request\r\n",
       "The node b:7001 broke the protocol: a value has an unknown type", false},
  };
  std::uint64_t now = 0;
  for (const auto& each : cases) {
    silent.clear();
    for (int i = 0; i < 2; ++i) {
      at(now);
      receive(each.reply);
      EXPECT_EQ(network.last().owner, nullptr);
    }
    ASSERT_EQ(silent.size(), 1U) << each.why;
    EXPECT_EQ(silent[0].why, each.why);
    EXPECT_EQ(silent[0].for_good, each.for_good) << each.why;
    now += RedisCluster::kSilenceMs;
  }
  EXPECT_TRUE(found.empty());
}

// Otherwise a node that is down for a while would end the start.
TEST_F(RedisClusterTest, OneNodeRefusesForGoodAndOneIsDown_IsNotForGood) {
  at(0);
  receive(hello("standalone"));
  at(0);
  network.last().owner->ended("Connection refused");
  ASSERT_EQ(silent.size(), 1U);
  EXPECT_EQ(silent[0].why, "The server is not a node of a cluster: use redis:// instead (a:7001)");
  EXPECT_FALSE(silent[0].for_good);
}

TEST_F(RedisClusterTest, OwnerWithoutMemory_IsToldByTheNextAnswer) {
  out_of_memory = true;
  start();
  EXPECT_TRUE(found.empty());
  EXPECT_EQ(cluster.deadline(), 5'100U);
  out_of_memory = false;
  at(5'100);
  receive(hello() + info() + verbatim(kNodes));
  EXPECT_EQ(found.size(), 1U);
}

}  // namespace
}  // namespace wsd::engine
