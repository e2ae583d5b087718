#include "engine/redis_sentinel.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/resp_writer.h"
#include "engine/scripted_network.h"

namespace wsd::engine {
namespace {

using Texts = std::vector<std::string>;

EngineUrl url() {
  EngineUrl url;
  EXPECT_EQ(parse_engine_url("redis+sentinel://a,b,c/mymaster", url), "");
  return url;
}

std::string question() {
  std::string command;
  append_command(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"});
  return command;
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string answer(std::string_view host, std::string_view port) {
  return "*2\r\n" + bulk(host) + bulk(port);
}

std::string switch_master(std::string_view name, std::string_view host, std::string_view port) {
  return ">3\r\n" + bulk("message") + bulk("+switch-master") +
         bulk(std::string(name) + " 10.0.0.1 6379 " + std::string(host) + " " + std::string(port));
}

const std::string kHello = "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n";
const std::string kSubscribed = ">3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n";

class RedisSentinelTest : public testing::Test, protected SentinelOwner {
 protected:
  void master_found(const Endpoint& master) override { reported.push_back(master.text()); }
  void sentinels_silent(std::string_view why) noexcept override { silent.emplace_back(why); }

  void at(std::uint64_t now_ms) {
    sentinel.begin_turn(now_ms);
    if (sentinel.deadline() <= now_ms) sentinel.on_time();
  }
  void receive(std::string_view bytes) {
    ASSERT_NE(network.last().owner, nullptr);
    network.last().owner->received(bytes);
  }
  // Connects, and the sentinel `a` names 10.0.0.1:6379 at 5,000 ms.
  void start() {
    at(5'000);
    network.last().owner->connected();
    receive(kHello + kSubscribed + answer("10.0.0.1", "6379"));
    network.last().sent.clear();
  }

  ScriptedNetwork network;
  Texts reported;
  Texts silent;
  RedisSentinel sentinel{url(), network, *this};
};

TEST_F(RedisSentinelTest, FirstTurn_ConnectsAndSendsAllQuestions) {
  EXPECT_TRUE(network.lines.empty());
  at(5'000);
  ASSERT_EQ(network.lines.size(), 1U);
  EXPECT_EQ(network.last().to, (Endpoint{"a", 26'379, {}}));
  std::string expected;
  append_command(expected, {"HELLO", "3"});
  append_command(expected, {"SUBSCRIBE", "+switch-master"});
  EXPECT_EQ(network.last().sent, expected + question());
  EXPECT_EQ(sentinel.deadline(), 6'000U);
}

TEST_F(RedisSentinelTest, Answer_NamesTheMasterInEveryDivision) {
  at(5'000);
  for (const char c : kHello + kSubscribed + answer("10.0.0.1", "6379")) receive({&c, 1});
  EXPECT_EQ(reported, Texts{"10.0.0.1:6379"});
  EXPECT_EQ(sentinel.master(), (Endpoint{"10.0.0.1", 6379, {}}));
  EXPECT_TRUE(silent.empty());
}

TEST_F(RedisSentinelTest, KnownMaster_IsAskedForEverySecond) {
  start();
  at(5'999);
  EXPECT_EQ(network.last().sent, "");
  at(6'000);
  EXPECT_EQ(network.last().sent, question());
  receive(answer("10.0.0.1", "6379"));
  EXPECT_EQ(reported.size(), 1U);  // the same answer is not reported twice
  at(7'000);
  receive(answer("::1", "7000"));
  EXPECT_EQ(reported, (Texts{"10.0.0.1:6379", "[::1]:7000"}));
}

TEST_F(RedisSentinelTest, SwitchOfThisMaster_IsReportedAtOnce) {
  start();
  receive(switch_master("other", "10.0.0.9", "6379"));
  EXPECT_EQ(reported.size(), 1U);
  receive(switch_master("mymaster", "10.0.0.2", "6380"));
  EXPECT_EQ(reported.back(), "10.0.0.2:6380");
  receive(switch_master("mymaster", "10.0.0.3", "0"));
  receive(">1\r\n$7\r\nmessage\r\n");
  receive(">3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$8\r\nmymaster\r\n");
  EXPECT_EQ(reported.size(), 2U);
  // The push is not the answer to the question.
  EXPECT_EQ(sentinel.deadline(), 6'000U);
}

TEST_F(RedisSentinelTest, AskAgain_AsksInTheSameTurn) {
  start();
  sentinel.ask_again();
  EXPECT_EQ(network.last().sent, "");
  at(5'000);
  EXPECT_EQ(network.last().sent, question());
  sentinel.ask_again();  // a question is outstanding
  at(5'100);
  EXPECT_EQ(network.last().sent, question());
  EXPECT_EQ(sentinel.deadline(), 6'000U);
}

TEST_F(RedisSentinelTest, NoAnswerWithinOneSecond_AsksTheNextSentinel) {
  start();
  at(6'000);
  at(6'999);
  EXPECT_EQ(network.lines.size(), 1U);
  at(7'000);
  EXPECT_EQ(network.lines[0]->owner, nullptr);
  at(7'000);
  ASSERT_EQ(network.lines.size(), 2U);
  EXPECT_EQ(network.last().to.host, "b");
  receive(kHello + kSubscribed + answer("10.0.0.1", "6379"));
  EXPECT_EQ(reported.size(), 1U);
  EXPECT_TRUE(silent.empty());
}

TEST_F(RedisSentinelTest, AllSentinelsSilent_ReportsOnceAndTriesAgainAfterOneSecond) {
  at(0);
  network.last().owner->ended("Connection refused");
  at(0);
  network.last().owner->ended("");
  at(0);
  at(1'000);
  EXPECT_EQ(silent, Texts{"sentinel c:26379 did not answer within one second"});
  EXPECT_EQ(network.lines.size(), 3U);
  sentinel.ask_again();
  at(1'999);
  EXPECT_EQ(network.lines.size(), 3U);
  at(2'000);
  ASSERT_EQ(network.lines.size(), 4U);
  EXPECT_EQ(network.last().to.host, "a");
  EXPECT_TRUE(reported.empty());
}

TEST_F(RedisSentinelTest, UselessSentinel_IsLeftWithItsReason) {
  const struct {
    std::string reply;
    const char* why;
  } cases[] = {
      {kHello + "_\r\n", "does not know a master named 'mymaster'"},
      {"-NOAUTH Authentication required.\r\n", "refused: 'NOAUTH Authentication required.'"},
      {kHello + "-IDONTKNOW\r\n", "refused: 'IDONTKNOW'"},
      {kHello + "*0\r\n", "named a master without an address"},
      {kHello + answer("h", "65536"), "named a master without an address"},
      {kHello + answer("", "1"), "named a master without an address"},
      {kHello + answer(std::string(254, 'h'), "1"), "named a master without an address"},
      {"HTTP/1.1 400 Bad Request\r\n", "broke the protocol: a value has an unknown type"},
  };
  std::uint64_t now = 0;
  for (const auto& each : cases) {
    silent.clear();
    for (int i = 0; i < 3; ++i) {
      at(now);
      receive(each.reply);
      EXPECT_EQ(network.last().owner, nullptr);
    }
    ASSERT_EQ(silent.size(), 1U) << each.why;
    EXPECT_EQ(silent[0], "sentinel c:26379 " + std::string(each.why));
    now += 1'000;
  }
  EXPECT_TRUE(reported.empty());
}

TEST_F(RedisSentinelTest, AnswerAfterAFailure_BeginsANewRound) {
  at(0);
  network.last().owner->ended("Connection refused");
  at(0);
  receive(kHello + answer("10.0.0.1", "6379"));
  network.last().owner->ended("Connection reset by peer");
  at(0);
  EXPECT_EQ(network.last().to.host, "c");
  network.last().owner->ended("Connection refused");
  EXPECT_TRUE(silent.empty());
  at(0);
  EXPECT_EQ(network.last().to.host, "a");
  network.last().owner->ended("Connection refused");
  EXPECT_EQ(silent, Texts{"sentinel a:26379 Connection refused"});
}

}  // namespace
}  // namespace wsd::engine
